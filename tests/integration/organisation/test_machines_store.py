"""Machines on a real store: transactions, trails, rotation, announcements, limits."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.organisation.audit.adapters.mongo import AuditTrail
from services.organisation.audit.application.acts import Act
from services.organisation.machines.adapters.failures import MongoFailures
from services.organisation.machines.adapters.mongo import MongoMachines
from services.organisation.machines.adapters.secrets import RandomSecrets
from services.organisation.machines.application.expiry import ExpiryNotices
from services.organisation.machines.application.machines import (
    Done,
    KeyReused,
    MachineRegistry,
    Missing,
    Outcome,
    Refused,
)
from services.organisation.machines.application.ports import MachinePorts
from services.organisation.machines.application.tokens import (
    Credentials,
    Issued,
    TokenIssuer,
    TokenPorts,
    TooManyFailures,
)
from services.organisation.machines.domain.token_requests import TokenRefusal
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import PrincipalChanged
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.runtime.mail.queue import MailQueue
from shared.runtime.store.database import Document, Store, Transaction
from tests.kit.namespaces import Namespace

OWNER, OTHER = "90000000100017", "90000000300013"
CLAIRE, PAUL = "compte-claire", "compte-paul"
MANAGERS = {OWNER: {CLAIRE: "claire@exemple.fr"}, OTHER: {PAUL: "paul@exemple.fr"}}
WRITES, PAYS = "factures_de_travaux:modification", "factures_recues:modification"


class Signer:
    """Signs nothing: what is signed is the concern of other tests."""

    def sign(self, claims: Mapping[str, Any]) -> str:
        return str(claims["scope"])


@dataclass
class World:
    """The use cases of machines on one store, and a clock that can be ahead."""

    store: Store
    ahead: timedelta = timedelta()
    registry: MachineRegistry = field(init=False)
    notices: ExpiryNotices = field(init=False)
    tokens: TokenIssuer = field(init=False)
    failures: MongoFailures = field(init=False)
    machines: MongoMachines = field(init=False)

    def __post_init__(self) -> None:
        async def list_main_managers(_: Transaction, structure: str) -> Mapping[str, str]:
            return MANAGERS[structure]

        async def find_name(_: Transaction, structure: str) -> str:
            return f"Structure {structure}"

        mails = MailQueue(self.now)
        self.machines = MongoMachines(self.store, mails, list_main_managers, find_name)
        ports = MachinePorts(
            machines=self.machines,
            secrets=RandomSecrets(),
            clock=self.now,
            new_id=new_id,
            secret_life=timedelta(days=365),
            origin="https://exemple.fr",
        )
        self.failures = MongoFailures(self.store, self.now, limit=3)
        self.registry, self.notices = MachineRegistry(ports), ExpiryNotices(ports)
        self.tokens = TokenIssuer(
            TokenPorts(
                machines=self.machines,
                secrets=RandomSecrets(),
                failures=self.failures,
                signer=Signer(),
                issuer="https://exemple.fr/organisation/v1",
                clock=self.now,
                new_id=new_id,
            )
        )

    def now(self) -> datetime:
        return build_clock()() + self.ahead

    async def ask(self, client_id: str, secret: str | None, scope: str | None = None) -> object:
        return await self.tokens.issue(Credentials(client_id, secret or ""), scope, "127.0.0.1")

    async def list_events(self, client_id: str) -> list[PrincipalChanged]:
        rows = [row async for row in self.store.collection("outbox").find().sort("_id", 1)]
        values = [message for row in rows for message in row["messages"]]
        events = [Event[PrincipalChanged].model_validate_json(each["value"]) for each in values]
        return [each.data for each in events if each.data.principal == client_id]

    async def list_acts(self, entity: str) -> list[tuple[str, str]]:
        trail = AuditTrail(self.store)
        assert await trail.verify(entity) is None
        return [(each.entry.act, each.entry.by) for each in await trail.list(entity, 0, 100)]

    async def list_mails(self) -> list[Document]:
        rows = self.store.collection("jobs").find({"kind": "mail"})
        return [row["payload"] async for row in rows]


@pytest.fixture
async def world(store: Store) -> World:
    world = World(store)
    await world.machines.prepare()
    await world.failures.prepare()
    return world


def done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def refused(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Refused), outcome
    return [each.code for each in outcome.violations]


MINE, THEIRS = Act(CLAIRE, OWNER), Act(PAUL, OTHER)


async def create(world: World) -> Done:
    return done(await world.registry.create(MINE, "Logiciel", [WRITES]))


async def test_a_machine_of_two_structures_lives_and_is_told_whole(world: World) -> None:
    created = await create(world)
    client_id = created.machine.client_id
    assert created.secret is not None
    issued = await world.ask(client_id, created.text)
    assert isinstance(issued, Issued)
    assert issued.token == WRITES

    await world.registry.grant(THEIRS, client_id, [PAYS])
    both = await world.ask(client_id, created.text)
    assert isinstance(both, Issued)
    assert both.token == f"{WRITES} {PAYS}"

    # Granted again, nothing changes.
    await world.registry.grant(THEIRS, client_id, [PAYS])
    await world.registry.withdraw(THEIRS, client_id)
    await world.registry.withdraw(MINE, client_id)

    assert isinstance(await world.ask(client_id, created.text), TokenRefusal)
    told = await world.list_events(client_id)
    assert [each.version for each in told] == [1, 2, 3, 4]
    assert [each.active for each in told] == [True, True, True, False]
    assert [[part.structure for part in each.attachments] for each in told] == [
        [OWNER],
        [OWNER, OTHER],
        [OWNER],
        [],
    ]
    assert await world.list_acts(client_id) == [
        ("machine.creee", CLAIRE),
        ("machine.portees", PAUL),
        ("machine.retiree", PAUL),
        ("machine.supprimee", CLAIRE),
    ]
    assert await world.list_acts(OTHER) == [("machine.portees", PAUL), ("machine.retiree", PAUL)]
    assert await world.list_acts(OWNER) == [
        ("machine.creee", CLAIRE),
        ("machine.retiree", PAUL),
        ("machine.supprimee", CLAIRE),
    ]


async def test_the_store_keeps_no_secret(world: World) -> None:
    created = await create(world)
    assert created.text

    for name in await world.store.db.list_collection_names():
        async for row in world.store.collection(name).find():
            assert created.text not in repr(row), name


async def test_only_a_main_manager_decides_as_the_transaction_reads_it(world: World) -> None:
    client_id = (await create(world)).machine.client_id
    stranger = Act(PAUL, OWNER)

    for outcome in (
        await world.registry.create(stranger, "Logiciel", [WRITES]),
        await world.registry.grant(stranger, client_id, [PAYS]),
        await world.registry.add_secret(stranger, client_id),
        await world.registry.withdraw(stranger, client_id),
    ):
        assert refused(outcome) == ["ORG-MACHINE-01"]


async def test_a_structure_that_grants_nothing_does_not_see_the_machine(world: World) -> None:
    client_id = (await create(world)).machine.client_id

    assert isinstance(await world.registry.withdraw(THEIRS, client_id), Missing)
    assert isinstance(await world.registry.add_secret(THEIRS, client_id), Missing)
    assert await world.registry.list_machines(OTHER) == []
    await world.registry.grant(THEIRS, client_id, [PAYS])
    assert refused(await world.registry.add_secret(THEIRS, client_id)) == ["ORG-MACHINE-07"]
    assert [each.client_id for each in await world.registry.list_machines(OTHER)] == [client_id]


async def test_a_secret_is_renewed_without_a_gap(world: World) -> None:
    first = await create(world)
    client_id = first.machine.client_id
    second = done(await world.registry.add_secret(MINE, client_id))
    assert refused(await world.registry.add_secret(MINE, client_id)) == ["ORG-SECRET-01"]

    for text in (first.text, second.text):
        assert isinstance(await world.ask(client_id, text), Issued)
    assert first.secret is not None
    await world.registry.remove_secret(MINE, client_id, first.secret.id)
    assert isinstance(await world.ask(client_id, first.text), TokenRefusal)
    assert isinstance(await world.ask(client_id, second.text), Issued)
    gone = await world.registry.remove_secret(MINE, client_id, first.secret.id)
    assert isinstance(gone, Missing)


async def test_two_secrets_asked_for_at_once_are_two_and_not_three(
    world: World, namespace: Namespace
) -> None:
    client_id = (await create(world)).machine.client_id
    async with namespace.store() as other:
        outcomes = await asyncio.gather(
            *(
                each.registry.add_secret(MINE, client_id)
                for each in (world, World(other), world, World(other))
            )
        )

    assert sorted(isinstance(each, Done) for each in outcomes) == [False, False, False, True]
    machine = await world.machines.find(client_id)
    assert machine is not None
    assert len(machine.secrets) == 2


async def test_a_repeat_makes_nothing_new_and_shows_no_secret(world: World) -> None:
    act = Act(CLAIRE, OWNER, "cle-1")
    first = done(await world.registry.create(act, "Logiciel", [WRITES]))
    again = done(await world.registry.create(act, "Logiciel", [WRITES]))
    other = await world.registry.create(act, "Autre", [WRITES])

    assert (again.machine, again.text, again.is_replay) == (first.machine, None, True)
    assert isinstance(other, KeyReused)
    assert len(await world.registry.list_machines(OWNER)) == 1


async def test_scopes_that_are_none_are_named_and_nothing_is_done(world: World) -> None:
    outcome = await world.registry.create(MINE, " ", [WRITES, "inconnue:x"])

    assert isinstance(outcome, Refused)
    assert [(each.code, each.field) for each in outcome.violations] == [
        ("ORG-MACHINE-04", "scopes.1"),
        ("ORG-MACHINE-02", "name"),
    ]
    assert await world.registry.list_machines(OWNER) == []


async def test_the_end_of_a_secret_is_announced_once_and_then_it_is_refused(world: World) -> None:
    created = await create(world)
    client_id = created.machine.client_id
    assert await world.notices.list_due() == []

    world.ahead = timedelta(days=336)
    assert await world.notices.list_due() == [client_id]
    await world.notices.announce(client_id)
    await world.notices.announce(client_id)

    (mail,) = await world.list_mails()
    assert mail["to"] == "claire@exemple.fr"
    assert "« Logiciel » de la structure « Structure 90000000100017 »" in mail["text"]
    assert f"https://exemple.fr/espace/structures/{OWNER}/machines" in mail["text"]
    assert await world.notices.list_due() == []
    assert [act for act, _ in await world.list_acts(client_id)] == [
        "machine.creee",
        "machine.secret_annonce",
    ]
    assert isinstance(await world.ask(client_id, created.text), Issued)

    world.ahead = timedelta(days=365, seconds=1)
    assert isinstance(await world.ask(client_id, created.text), TokenRefusal)


async def test_wrong_secrets_are_limited_by_client_and_address(world: World) -> None:
    created = await create(world)
    client_id = created.machine.client_id
    for _ in range(3):
        assert isinstance(await world.ask(client_id, "faux"), TokenRefusal)

    assert isinstance(await world.ask(client_id, created.text), TooManyFailures)
    # Whoever knows the id locks nobody out from elsewhere, and other clients go on.
    elsewhere = Credentials(client_id, created.text or "")
    assert isinstance(await world.tokens.issue(elsewhere, None, "192.0.2.1"), Issued)
    other = await create(world)
    assert isinstance(await world.ask(other.machine.client_id, other.text), Issued)

    for number in range(30):
        await world.ask(f"inconnu-{number}", "faux")
    assert isinstance(await world.ask(other.machine.client_id, other.text), TooManyFailures)
    world.ahead = timedelta(minutes=11)
    assert isinstance(await world.ask(client_id, created.text), Issued)
