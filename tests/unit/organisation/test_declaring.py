"""How a structure changes, over structures in memory."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TypeVar

import pytest

from services.organisation.structures.adapters.mongo import STRUCTURES
from services.organisation.structures.application.declarations import (
    Declarations,
    Forbidden,
    Missing,
    Refused,
    Request,
    Saved,
    Stale,
)
from services.organisation.structures.application.ports import Act, Change
from services.organisation.structures.domain.establishment import Establishment
from services.organisation.structures.domain.structure import (
    Address,
    Declaration,
    Parameters,
    Service,
    Structure,
)
from shared.contracts.organisation_v1 import StructureChanged
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import STRUCTURE
from shared.rights.model import Requester
from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    Pipe,
    StructureKind,
    StructureStatus,
)
from tests.unit.organisation.builders import a_requester

T = TypeVar("T")
SIRET = "35600000000048"
DECLARED = Declaration(IdentifierType.SIRET, SIRET, "Ville", StructureKind.PUBLIQUE)
GIVEN = {
    "identifier_type": IdentifierType.SIRET,
    "identifier": SIRET,
    "name": "Ville",
    "kind": StructureKind.PUBLIQUE,
}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ASKED = Request(SIRET, a_requester(operator=True), lambda _: True)
FROM_FIRST = replace(ASKED, precondition=lambda version: version == 1)


@dataclass
class Memory:
    """Structures in memory, and what was said of them."""

    kept: dict[str, Structure] = field(default_factory=dict)
    said: list[Outgoing] = field(default_factory=list)
    recorded: list[tuple[str, Act]] = field(default_factory=list)
    managers: dict[str, str | None] = field(default_factory=dict)
    sirene: dict[str, Establishment] = field(default_factory=dict)
    unready: dict[str, list[str]] = field(default_factory=dict)
    """Managers without a recorded account on the PIGP, by structure."""

    async def change(self, work: Callable[[Change], Awaitable[T]]) -> T:
        return await work(self)

    async def load(self, structure: str) -> Structure | None:
        return self.kept.get(structure)

    async def find(self, structure: str) -> Structure | None:
        return self.kept.get(structure)

    async def save(self, structure: Structure) -> None:
        self.kept[structure.id] = structure

    async def find_existing(self, structures: Collection[str]) -> Collection[Structure]:
        return [self.kept[each] for each in structures if each in self.kept]

    async def find_establishment(self, siret: str) -> Establishment | None:
        return self.sirene.get(siret)

    async def record(self, structure: str, act: Act) -> None:
        self.recorded.append((structure, act))

    async def appoint_first_manager(self, structure: Structure, requester: Requester) -> str:
        self.managers[structure.id] = requester.email
        return "the first manager"

    async def find_unready_managers(self, structure: str) -> Sequence[str]:
        return self.unready.get(structure, [])

    def publish(self, message: Outgoing) -> None:
        self.said.append(message)

    async def search(
        self, query: str, kind: StructureKind | None, after: str, limit: int
    ) -> Sequence[Structure]:
        raise NotImplementedError

    @property
    def told(self) -> list[StructureChanged]:
        payloads = [message.payload for message in self.said]
        return [payload for payload in payloads if isinstance(payload, StructureChanged)]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def declaring(memory: Memory) -> Declarations:
    return Declarations(memory, lambda: NOW, lambda: "id")


async def test_a_structure_is_told_whole_at_each_change(
    memory: Memory, declaring: Declarations
) -> None:
    created = await declaring.declare(ASKED, GIVEN)
    await declaring.set_parameters(ASKED, {"moa": MoaParameter.EXCLUSIVEMENT})
    await declaring.set_service(ASKED, {"code": "B", "name": "Bâtiments"})
    await declaring.set_service(ASKED, {"code": "A", "name": "Aménagement"})
    await declaring.set_service(ASKED, {"code": "B", "name": "Bâtiments", "active": False})

    assert isinstance(created, Saved)
    assert created.is_new
    assert [told.version for told in memory.told] == [1, 2, 3, 4, 5]
    last = memory.told[-1]
    assert (last.parameters.est_moa, last.parameters.est_moa_uniquement) == (True, True)
    assert [(each.code, each.active) for each in last.services] == [("A", True), ("B", False)]
    assert {(message.topic, message.key, message.sequence) for message in memory.said} == {
        (STRUCTURE, SIRET, None)
    }


async def test_the_same_declaration_again_changes_and_says_nothing(
    memory: Memory, declaring: Declarations
) -> None:
    services = [{"code": "A", "name": "A"}, {"code": "B", "name": "B"}]
    await declaring.declare(ASKED, {**GIVEN, "services": services})

    again = await declaring.declare(ASKED, {**GIVEN, "services": services[::-1]})

    assert isinstance(again, Saved)
    assert (again.structure.version, again.is_new) == (1, False)
    assert len(memory.said) == 1


async def test_a_change_of_some_parameters_leaves_the_others(declaring: Declarations) -> None:
    parameters = Parameters(moa=MoaParameter.AVEC, code_service_obligatoire=True)
    await declaring.declare(ASKED, {**GIVEN, "parameters": asdict(parameters)})

    outcome = await declaring.set_parameters(ASKED, {"engagement_ou_service": True})

    assert isinstance(outcome, Saved)
    expected = replace(parameters, engagement_ou_service=True)
    assert outcome.structure.declared.parameters == expected


async def test_what_a_declaration_leaves_out_stays_as_it_is(declaring: Declarations) -> None:
    parameters = Parameters(moa=MoaParameter.AVEC, code_service_obligatoire=True)
    services = [
        {"code": "A", "name": "A", "active": False, "engagement_obligatoire": True},
        {"code": "B", "name": "B"},
    ]
    inactive = {"status": StructureStatus.INACTIF, "parameters": asdict(parameters)}
    await declaring.declare(ASKED, {**GIVEN, **inactive, "services": services})

    await declaring.set_service(ASKED, {"code": "A", "name": "Aménagement"})
    renamed = await declaring.declare(ASKED, {**GIVEN, "name": "Métropole"})

    assert isinstance(renamed, Saved)
    assert renamed.structure.declared == replace(
        DECLARED,
        name="Métropole",
        status=StructureStatus.INACTIF,
        parameters=parameters,
        services=(
            Service("A", "Aménagement", active=False, engagement_obligatoire=True),
            Service("B", "B"),
        ),
    )


async def test_a_declaration_replaces_what_it_gives(declaring: Declarations) -> None:
    services = [{"code": "A", "name": "A", "active": False}, {"code": "B", "name": "B"}]
    parameters = {"moa": MoaParameter.AVEC, "code_service_obligatoire": True}
    await declaring.declare(ASKED, {**GIVEN, "services": services, "parameters": parameters})

    given = {
        "services": [{"code": "A", "name": "C"}],
        "parameters": {"code_service_obligatoire": False},
    }
    changed = await declaring.declare(ASKED, {**GIVEN, **given})
    emptied = await declaring.declare(ASKED, {**GIVEN, "services": []})

    assert isinstance(changed, Saved)
    assert changed.structure.declared.services == (Service("A", "C", active=False),)
    assert changed.structure.declared.parameters == Parameters(moa=MoaParameter.AVEC)
    assert isinstance(emptied, Saved)
    assert emptied.structure.declared.services == ()


async def test_a_stale_change_is_not_kept(memory: Memory, declaring: Declarations) -> None:
    await declaring.declare(ASKED, GIVEN)
    await declaring.set_parameters(FROM_FIRST, {"code_service_obligatoire": True})

    outcome = await declaring.declare(FROM_FIRST, {**GIVEN, "name": "Autre"})

    assert isinstance(outcome, Stale)
    assert memory.kept[SIRET].declared.name == "Ville"


async def test_what_breaks_a_rule_is_not_kept(memory: Memory, declaring: Declarations) -> None:
    outcome = await declaring.declare(ASKED, {**GIVEN, "name": ""})

    assert isinstance(outcome, Refused)
    assert (memory.kept, memory.said) == ({}, [])


async def test_a_structure_that_is_not_there_takes_no_parameter_and_no_service(
    memory: Memory, declaring: Declarations
) -> None:
    outcomes = [
        await declaring.set_parameters(ASKED, {}),
        await declaring.set_service(ASKED, {"code": "A", "name": "A"}),
    ]

    assert outcomes == [Missing(), Missing()]
    assert memory.said == []


@pytest.mark.parametrize("moa", list(MoaParameter))
def test_a_structure_reads_back_from_the_store_as_it_was_written(moa: MoaParameter) -> None:
    structure = Structure(
        version=7,
        declared=replace(
            DECLARED,
            parameters=Parameters(moa=moa, mise_en_paiement_non_remontee=True),
            services=(
                Service("A", "A", active=False, engagement_obligatoire=True),
                Service("B", "B", valid_from=date(2026, 1, 1), valid_until=date(2026, 12, 31)),
            ),
            address=Address("12 rue Neuve", "Bâtiment B", "59000", "Lille"),
            email="contact@ville.example",
            pipes=frozenset({Pipe.RECUES, Pipe.STATUTS}),
        ),
    )

    assert STRUCTURES.read(STRUCTURES.write(structure, 1)) == structure


async def test_a_change_sent_again_is_answered_as_it_was_whatever_version_it_names(
    memory: Memory, declaring: Declarations
) -> None:
    await declaring.declare(ASKED, GIVEN)

    service = {"code": "A", "name": "A"}
    done = await declaring.set_service(FROM_FIRST, service)
    again = await declaring.set_service(FROM_FIRST, service)
    other = await declaring.set_service(FROM_FIRST, {**service, "name": "B"})

    assert isinstance(done, Saved)
    assert again == Saved(done.structure)
    assert isinstance(other, Stale)
    assert [told.version for told in memory.told] == [1, 2]


async def test_a_structure_takes_its_address_and_e_mail_and_loses_them_by_null(
    declaring: Declarations,
) -> None:
    address = {"street": "12 rue Neuve", "city": "Lille"}
    await declaring.declare(ASKED, {**GIVEN, "address": address, "email": "a@ville.example"})

    moved = await declaring.declare(ASKED, {**GIVEN, "address": {"city": "Lyon"}})
    emptied = await declaring.declare(ASKED, {**GIVEN, "address": None, "email": None})

    assert isinstance(moved, Saved)
    assert moved.structure.declared.address == Address("12 rue Neuve", city="Lyon")
    assert moved.structure.declared.email == "a@ville.example"
    assert isinstance(emptied, Saved)
    assert (emptied.structure.declared.address, emptied.structure.declared.email) == (None, None)


async def test_what_is_received_by_edi_follows_from_the_pipes(
    memory: Memory, declaring: Declarations
) -> None:
    await declaring.declare(ASKED, GIVEN)
    await declaring.turn_pipe(ASKED, Pipe.RECUES, is_open=True)
    await declaring.turn_pipe(ASKED, Pipe.TRAVAUX, is_open=True)
    await declaring.turn_pipe(ASKED, Pipe.RECUES, is_open=False)
    await declaring.turn_pipe(ASKED, Pipe.RECUES, is_open=False)
    await declaring.turn_pipe(ASKED, Pipe.TRAVAUX, is_open=False)

    told = [(each.pipes, each.parameters.recoit_via_edi) for each in memory.told]
    assert told == [
        ((), False),
        (("recues",), True),
        (("recues", "travaux"), True),
        (("travaux",), True),
        ((), False),
    ]


async def test_a_value_of_edi_other_than_the_pipes_say_is_refused(
    memory: Memory, declaring: Declarations
) -> None:
    claimed = await declaring.declare(ASKED, {**GIVEN, "parameters": {"recoit_via_edi": True}})
    assert isinstance(claimed, Refused)
    assert [(each.code, each.field) for each in claimed.violations] == [
        ("ORG-CANAL-01", "parameters.recoit_via_edi")
    ]
    assert memory.kept == {}

    await declaring.declare(ASKED, {**GIVEN, "parameters": {"recoit_via_edi": False}})
    await declaring.turn_pipe(ASKED, Pipe.STATUTS, is_open=True)
    denied = await declaring.set_parameters(ASKED, {"recoit_via_edi": False})
    agreed = await declaring.set_parameters(ASKED, {"recoit_via_edi": True})

    assert isinstance(denied, Refused)
    assert isinstance(agreed, Saved)
    assert agreed.structure.version == 2


async def test_who_creates_a_structure_becomes_its_first_main_manager(
    memory: Memory, declaring: Declarations
) -> None:
    requester = a_requester(siret=SIRET)
    request = replace(ASKED, requester=requester)

    created = await declaring.declare(request, GIVEN)

    assert isinstance(created, Saved)
    assert memory.managers == {SIRET: requester.email}
    assert memory.recorded == [
        (
            SIRET,
            Act(
                "structure.creee",
                "the first manager",
                {"version": 1, "fields": ("created",)},
            ),
        )
    ]


async def test_a_structure_that_an_operator_creates_has_no_manager_yet(
    memory: Memory, declaring: Declarations
) -> None:
    await declaring.declare(ASKED, GIVEN)
    await declaring.set_identity(ASKED, {"status": StructureStatus.INACTIF})

    assert memory.managers == {}
    assert [(act.name, act.by, act.details["fields"]) for _, act in memory.recorded] == [
        ("structure.creee", "u1", ("created",)),
        ("structure.modifiee", "u1", ("status",)),
    ]


async def test_a_stranger_creates_and_changes_nothing(
    memory: Memory, declaring: Declarations
) -> None:
    stranger = replace(ASKED, requester=a_requester(siret="90000000300013"))

    created = await declaring.declare(stranger, GIVEN)
    assert memory.kept == {}
    await declaring.declare(ASKED, GIVEN)
    same = await declaring.declare(stranger, GIVEN)

    assert isinstance(created, Forbidden)
    assert [each.code for each in created.violations] == ["ORG-DROIT-04"]
    assert isinstance(same, Forbidden)
    assert [each.code for each in same.violations] == ["ORG-DROIT-03"]
    assert len(memory.said) == len(memory.recorded) == 1


async def test_a_new_structure_takes_the_address_of_sirene_unless_it_gives_one(
    memory: Memory, declaring: Declarations
) -> None:
    address = Address("1 place de la Mairie", "", "59000", "Lille")
    memory.sirene[SIRET] = Establishment(SIRET, "COMMUNE", address, is_closed=False)

    taken = await declaring.declare(ASKED, GIVEN)
    memory.kept.clear()
    given = await declaring.declare(ASKED, {**GIVEN, "address": {"city": "Lyon"}})

    assert isinstance(taken, Saved)
    assert taken.structure.declared == replace(DECLARED, address=address)
    assert isinstance(given, Saved)
    assert given.structure.declared.address == Address(city="Lyon")


async def test_a_closed_establishment_becomes_a_structure_by_an_operator_alone(
    memory: Memory, declaring: Declarations
) -> None:
    memory.sirene[SIRET] = Establishment(SIRET, "", None, is_closed=True)

    refused = await declaring.declare(replace(ASKED, requester=a_requester(siret=SIRET)), GIVEN)
    created = await declaring.declare(ASKED, GIVEN)

    assert isinstance(refused, Refused)
    assert [each.code for each in refused.violations] == ["ORG-SIRENE-01"]
    assert isinstance(created, Saved)


@pytest.mark.parametrize(
    ("receives", "pipes", "read"),
    [
        # Documents of before have no pipes.
        (False, None, frozenset()),
        (True, None, frozenset({Pipe.TRAVAUX})),
        (True, ["recues"], frozenset({Pipe.RECUES})),
        # A version of before has changed the parameter since.
        (False, ["recues"], frozenset()),
        (True, [], frozenset({Pipe.TRAVAUX})),
    ],
)
def test_what_was_received_by_edi_before_pipes_is_an_open_pipe(
    receives: bool, pipes: list[str] | None, read: frozenset[Pipe]
) -> None:
    document = STRUCTURES.write(Structure(1, DECLARED), 1)
    document["parameters"]["recoit_via_edi"] = receives
    document = {name: value for name, value in document.items() if name != "pipes"}
    if pipes is not None:
        document["pipes"] = pipes

    assert STRUCTURES.read(document).declared.pipes == read


async def test_a_private_structure_becomes_public_once_its_managers_are_ready(
    memory: Memory, declaring: Declarations
) -> None:
    private = {**GIVEN, "kind": StructureKind.PRIVEE}
    await declaring.declare(ASKED, private)
    memory.unready = {SIRET: ["compte-1", "compte-2"]}
    asked = replace(ASKED, ticket="T-12")

    early = await declaring.set_identity(asked, {"kind": StructureKind.PUBLIQUE})
    declared = await declaring.declare(asked, GIVEN)
    memory.unready = {}
    turned = await declaring.set_identity(asked, {"kind": StructureKind.PUBLIQUE})
    again = await declaring.set_identity(asked, {"kind": StructureKind.PUBLIQUE})

    for each in (early, declared):
        assert isinstance(each, Refused)
        (violation,) = each.violations
        assert (violation.code, violation.field) == ("ORG-TYPE-02", "kind")
        assert "compte-1, compte-2" in violation.message
    assert isinstance(turned, Saved)
    assert again == turned
    assert memory.recorded[1:] == [
        (
            SIRET,
            Act("structure.modifiee", "u1", {"version": 2, "fields": ("kind",), "ticket": "T-12"}),
        )
    ]


async def test_a_public_structure_changes_whoever_its_managers_are(
    memory: Memory, declaring: Declarations
) -> None:
    await declaring.declare(ASKED, GIVEN)
    memory.unready = {SIRET: ["compte-1"]}

    renamed = await declaring.set_identity(ASKED, {"name": "Métropole"})
    private = await declaring.set_identity(ASKED, {"kind": StructureKind.PRIVEE})

    assert isinstance(renamed, Saved)
    assert isinstance(private, Saved)
