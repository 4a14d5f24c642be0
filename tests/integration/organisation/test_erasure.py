"""Export and erasure of a person in the real store of organisation, by the commands."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.organisation.__main__ import app
from services.organisation.accounts.adapters.mongo import MongoAccounts
from services.organisation.accounts.application.ports import AccountChange
from services.organisation.accounts.domain.accounts import (
    Account,
    Attachment,
    AttachmentStatus,
    Roster,
)
from services.organisation.accounts.domain.attachments import Approval
from services.organisation.accounts.domain.claims import Claim
from services.organisation.accounts.domain.links import Activation, Invitation, Link
from services.organisation.accounts.domain.requests import HabilitationRequest, RequestStatus
from services.organisation.audit.adapters.mongo import AuditTrail
from services.organisation.audit.domain.entries import AuditEntry
from shared.application.idempotency import Key
from shared.application.mail import Mail
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import PrincipalChanged
from shared.rights.identity import compute_identity
from shared.rights.model import Habilitation, Level, ManagerRole, PrincipalKind
from shared.runtime.clock import build_clock
from shared.runtime.mail.queue import MailQueue
from shared.runtime.store.database import Store
from shared.vocabulary.attachments import StoredFile
from tests.kit.namespaces import Namespace

AT = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
STRUCTURE = "90000000100017"
CLAIRE, PAUL, ANNE = "claire.durand@exemple.fr", "paul.martin@exemple.fr", "anne@exemple.fr"
LIKE_CLAIRE = f"anne-{CLAIRE}"
FILE = StoredFile("a" * 64, 12, "mandat.pdf", "application/pdf")


def identify(email: str) -> str:
    return compute_identity(PrincipalKind.USER, email)


def build_account(user: str, email: str, name: str, manager: ManagerRole | None) -> Account:
    attachment = Attachment(
        structure=STRUCTURE,
        status=AttachmentStatus.VALIDEE,
        asked_at=AT,
        manager=manager,
        habilitations=(Habilitation("organisation", Level.MODIFICATION),),
        reason="Vue avec Claire Durand.",
    )
    return Account(user, email, identify(email), name, AT, attachments=(attachment,))


def build_link(email: str, number: int) -> Link:
    return Link(identify(email), str(number) * 64, AT + timedelta(hours=72))


async def fill(store: Store, *, managers: frozenset[str]) -> None:
    """Store what organisation keeps of Claire, and of two others of her structure."""
    accounts = MongoAccounts(store, MailQueue(build_clock()))
    await accounts.prepare()
    claire = build_account("u-claire", CLAIRE, "Claire Durand", ManagerRole.PRINCIPAL)
    paul = build_account("u-paul", PAUL, "Paul Martin", ManagerRole.SECONDAIRE)
    anne = build_account("u-anne", ANNE, "", None)
    wanted = (Habilitation("factures_emises", Level.CONSULTATION),)

    async def work(change: AccountChange) -> None:
        for account in (anne, claire, paul):
            await change.save_account(account)
        await change.save_roster(Roster(STRUCTURE, 3, managers))
        await change.save_request(HabilitationRequest("r-1", STRUCTURE, "u-claire", wanted, AT))
        for number, email in enumerate((CLAIRE, ANNE), start=1):
            link = build_link(email, number)
            invitation = Invitation(f"i-{number}", STRUCTURE, email, Approval(), "u-paul", AT, link)
            await change.save_invitation(invitation)
            await change.save_activation(Activation(f"a-{number}", email, AT, link))
            await change.queue_mail(Mail(email, "Sujet", "Bonjour Claire Durand\n"))
            key = Key(f"user:{identify(email)}", f"cle-{number}", "f" * 64)
            await change.record_key_use(key, "r-1")
        for asker in (CLAIRE, LIKE_CLAIRE):
            await change.queue_mail(Mail(PAUL, "Demande", f"Claire Durand ({asker}) demande…\n"))
        declared = {"name": "Chez Claire Durand"}
        await change.save_claim(Claim("c-1", STRUCTURE, "u-claire", declared, FILE, AT))
        await change.record([AuditEntry("u-claire", "compte.cree", "u-claire", AT)])

    await accounts.change(work)


async def run(namespace: Namespace, *arguments: str) -> Result:
    """Run a command as an operator does; it has an event loop of its own."""
    environment = {
        "AIGUILLAGE_MONGO": namespace.platform.addresses.mongo,
        "AIGUILLAGE_NAMESPACE": namespace.prefix,
    }
    invoke = CliRunner().invoke
    return await asyncio.to_thread(lambda: invoke(app, list(arguments), env=environment))


async def dump(store: Store) -> str:
    """Show the whole store as a text."""
    names: list[str] = await store.db.list_collection_names()
    return repr([await store.collection(name).find().to_list(None) for name in sorted(names)])


async def read_published(store: Store) -> list[PrincipalChanged]:
    rows: list[dict[str, Any]] = await store.collection("outbox").find().to_list(None)
    values = [message["value"] for row in rows for message in row["messages"]]
    return [Event[PrincipalChanged].model_validate_json(each).data for each in values]


@pytest.fixture
def organisation(namespace: Namespace) -> Store:
    return namespace.store("organisation")


async def test_all_that_is_kept_of_a_person_is_exported(
    organisation: Store, namespace: Namespace
) -> None:
    await fill(organisation, managers=frozenset({"u-claire"}))
    done = await run(namespace, "export-person", "Claire.Durand@EXEMPLE.fr")

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["account"]["email"], found["account"]["name"]) == (CLAIRE, "Claire Durand")
    assert [each["id"] for each in found["habilitation_requests"]] == ["r-1"]
    assert [each["id"] for each in found["invitations"]] == ["i-1"]
    assert [each["id"] for each in found["activations"]] == ["a-1"]
    assert found["structure_requests"][0]["proof"]["sha256"] == FILE.sha256
    # Managers are told who asks: that mail is about the person too.
    assert sorted(found["mails_that_wait"]) == ["Demande", "Sujet"]
    assert [each["act"] for each in found["audit"]] == ["compte.cree"]
    assert PAUL not in done.stdout
    assert ANNE not in done.stdout


async def test_the_last_main_manager_is_kept_and_its_successors_are_named(
    organisation: Store, namespace: Namespace
) -> None:
    await fill(organisation, managers=frozenset({"u-claire"}))
    before = await dump(organisation)
    done = await run(namespace, "erase-person", CLAIRE)

    assert done.exit_code == 1
    assert done.stderr == (
        f"nothing is erased: this is the last main manager of {STRUCTURE}. Appoint another one "
        f"first: Paul Martin <{PAUL}>, secondary manager, account u-paul; "
        f"{ANNE} <{ANNE}>, user, account u-anne\n"
    )
    assert (await dump(organisation)).count(CLAIRE) == before.count(CLAIRE)


async def test_an_erased_person_is_nowhere_but_in_the_trail_by_its_id(
    organisation: Store, namespace: Namespace
) -> None:
    await fill(organisation, managers=frozenset({"u-claire", "u-paul"}))
    done = await run(namespace, "erase-person", CLAIRE)
    again = await run(namespace, "erase-person", CLAIRE)

    assert done.stdout == (
        "account u-claire, 1 invitations, 1 activation links, 1 requests of structures, "
        "2 mails that waited, 1 idempotency keys\n"
    )
    assert again.stdout.startswith("no account, 0 invitations, 0 activation links, 0 requests")
    left = await dump(organisation)
    assert LIKE_CLAIRE in left
    assert CLAIRE not in left.replace(LIKE_CLAIRE, "")
    assert identify(CLAIRE) not in left
    assert ANNE in left
    assert identify(ANNE) in left
    assert "Chez Claire" not in left

    (told,) = await read_published(organisation)
    assert (told.principal, told.version, told.active) == ("u-claire", 2, False)
    assert (told.attachments, told.platform_roles) == ((), ())
    assert told.identity != identify(CLAIRE)

    accounts = MongoAccounts(organisation, MailQueue(build_clock()))
    roster, request = await accounts.change(_read_rest)
    assert roster == Roster(STRUCTURE, 4, frozenset({"u-paul"}))
    assert request is not None
    assert request.status is RequestStatus.SUPPRIMEE
    trail = AuditTrail(organisation)
    for entity, acts in (("u-claire", ["compte.cree", "compte.efface"]),
                         (STRUCTURE, ["compte.efface"])):  # fmt: skip
        assert await trail.verify(entity) is None
        assert [each.entry.act for each in await trail.list(entity, 0, 10)] == acts
    verified = await run(namespace, "verify-audit")
    assert verified.exit_code == 0, verified.output


async def _read_rest(change: AccountChange) -> tuple[Roster, HabilitationRequest | None]:
    return await change.load_roster(STRUCTURE), await change.load_request("r-1")


@pytest.mark.parametrize("email", ["", ".*", "claire", "claire@exemple"])
async def test_less_than_an_address_is_refused(
    organisation: Store, namespace: Namespace, email: str
) -> None:
    await fill(organisation, managers=frozenset({"u-claire", "u-paul"}))
    before = await dump(organisation)
    for command in ("export-person", "erase-person"):
        assert (await run(namespace, command, email)).exit_code == 2
    assert await dump(organisation) == before
