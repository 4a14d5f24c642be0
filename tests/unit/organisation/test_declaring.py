"""How a structure changes, over structures in memory."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from services.organisation.adapters import STRUCTURES
from services.organisation.application import (
    Change,
    Declarations,
    Missing,
    Refused,
    Saved,
    Stale,
)
from services.organisation.domain.structure import Declaration, Parameters, Service, Structure
from shared.contracts.organisation_v1 import StructureChanged
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import STRUCTURE
from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    StructureKind,
    StructureStatus,
)

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


@dataclass
class Memory:
    """Structures in memory, and what was said of them."""

    kept: dict[str, Structure] = field(default_factory=dict)
    said: list[Outgoing] = field(default_factory=list)

    async def change(self, work: Callable[[Change], Awaitable[T]]) -> T:
        return await work(self)

    async def load(self, structure: str) -> Structure | None:
        return self.kept.get(structure)

    async def find(self, structure: str) -> Structure | None:
        return self.kept.get(structure)

    async def save(self, structure: Structure) -> None:
        self.kept[structure.id] = structure

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


def anything(_: int) -> bool:
    return True


async def test_a_structure_is_told_whole_at_each_change(
    memory: Memory, declaring: Declarations
) -> None:
    created = await declaring.declare(SIRET, GIVEN, anything)
    await declaring.set_parameters(SIRET, {"moa": MoaParameter.EXCLUSIVEMENT}, anything)
    await declaring.set_service(SIRET, {"code": "B", "name": "Bâtiments"}, anything)
    await declaring.set_service(SIRET, {"code": "A", "name": "Aménagement"}, anything)
    await declaring.set_service(
        SIRET, {"code": "B", "name": "Bâtiments", "active": False}, anything
    )

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
    await declaring.declare(SIRET, {**GIVEN, "services": services}, anything)

    again = await declaring.declare(SIRET, {**GIVEN, "services": services[::-1]}, anything)

    assert isinstance(again, Saved)
    assert (again.structure.version, again.is_new) == (1, False)
    assert len(memory.said) == 1


async def test_a_change_of_some_parameters_leaves_the_others(declaring: Declarations) -> None:
    parameters = Parameters(moa=MoaParameter.AVEC, code_service_obligatoire=True)
    await declaring.declare(SIRET, {**GIVEN, "parameters": asdict(parameters)}, anything)

    outcome = await declaring.set_parameters(SIRET, {"recoit_via_edi": True}, anything)

    assert isinstance(outcome, Saved)
    expected = replace(parameters, recoit_via_edi=True)
    assert outcome.structure.declared.parameters == expected


async def test_what_a_declaration_leaves_out_stays_as_it_is(declaring: Declarations) -> None:
    parameters = Parameters(moa=MoaParameter.AVEC, code_service_obligatoire=True)
    services = [
        {"code": "A", "name": "A", "active": False, "engagement_obligatoire": True},
        {"code": "B", "name": "B"},
    ]
    inactive = {"status": StructureStatus.INACTIF, "parameters": asdict(parameters)}
    await declaring.declare(SIRET, {**GIVEN, **inactive, "services": services}, anything)

    await declaring.set_service(SIRET, {"code": "A", "name": "Aménagement"}, anything)
    renamed = await declaring.declare(SIRET, {**GIVEN, "name": "Métropole"}, anything)

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
    parameters = {"moa": MoaParameter.AVEC, "recoit_via_edi": True}
    await declaring.declare(
        SIRET, {**GIVEN, "services": services, "parameters": parameters}, anything
    )

    given = {"services": [{"code": "A", "name": "C"}], "parameters": {"recoit_via_edi": False}}
    changed = await declaring.declare(SIRET, {**GIVEN, **given}, anything)
    emptied = await declaring.declare(SIRET, {**GIVEN, "services": []}, anything)

    assert isinstance(changed, Saved)
    assert changed.structure.declared.services == (Service("A", "C", active=False),)
    assert changed.structure.declared.parameters == Parameters(moa=MoaParameter.AVEC)
    assert isinstance(emptied, Saved)
    assert emptied.structure.declared.services == ()


async def test_a_stale_change_is_not_kept(memory: Memory, declaring: Declarations) -> None:
    await declaring.declare(SIRET, GIVEN, anything)
    await declaring.set_parameters(SIRET, {"recoit_via_edi": True}, lambda version: version == 1)

    outcome = await declaring.declare(
        SIRET, {**GIVEN, "name": "Autre"}, lambda version: version == 1
    )

    assert isinstance(outcome, Stale)
    assert memory.kept[SIRET].declared.name == "Ville"


async def test_what_breaks_a_rule_is_not_kept(memory: Memory, declaring: Declarations) -> None:
    outcome = await declaring.declare(SIRET, {**GIVEN, "name": ""}, anything)

    assert isinstance(outcome, Refused)
    assert (memory.kept, memory.said) == ({}, [])


async def test_a_structure_that_is_not_there_takes_no_parameter_and_no_service(
    memory: Memory, declaring: Declarations
) -> None:
    outcomes = [
        await declaring.set_parameters(SIRET, {}, anything),
        await declaring.set_service(SIRET, {"code": "A", "name": "A"}, anything),
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
            services=(Service("A", "A", active=False, engagement_obligatoire=True),),
        ),
    )

    assert STRUCTURES.read(STRUCTURES.write(structure, 1)) == structure


async def test_a_change_sent_again_is_answered_as_it_was_whatever_version_it_names(
    memory: Memory, declaring: Declarations
) -> None:
    await declaring.declare(SIRET, GIVEN, anything)

    def first(version: int) -> bool:
        return version == 1

    service = {"code": "A", "name": "A"}
    done = await declaring.set_service(SIRET, service, first)
    again = await declaring.set_service(SIRET, service, first)
    other = await declaring.set_service(SIRET, {**service, "name": "B"}, first)

    assert isinstance(done, Saved)
    assert again == Saved(done.structure)
    assert isinstance(other, Stale)
    assert [told.version for told in memory.told] == [1, 2]
