"""Use cases of structures: declare, set parameters, set a service, search."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from services.organisation.domain import rules
from services.organisation.domain.judgement import judge
from services.organisation.domain.structure import Declaration, Parameters, Structure
from shared.circuit.parties import write_moa_booleans
from shared.contracts.organisation_v1 import ParametersV1, ServiceV1, StructureChanged
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import STRUCTURE
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import StructureKind

T = TypeVar("T")

Precondition = Callable[[int], bool]
"""Optimistic lock: tells whether a change may replace a version, 0 for a new structure."""

Edit = Callable[[Structure | None], Declaration | None]
"""Returns the new declaration of a structure; None when it has none that could be changed."""


class Change(Protocol):
    """One transaction over structures: the structure and its message are committed together."""

    async def load(self, structure: str) -> Structure | None:
        """Read a structure; None when there is none."""

    async def save(self, structure: Structure) -> None:
        """Write the new version of a structure."""

    def publish(self, message: Outgoing) -> None:
        """Publish a message through the outbox, when the transaction commits."""


class Structures(Protocol):
    """Store of structures."""

    async def change(self, work: Callable[[Change], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, structure: str) -> Structure | None:
        """Read a structure."""

    async def search(
        self, query: str, kind: StructureKind | None, after: str, limit: int
    ) -> Sequence[Structure]:
        """List structures by id, from the one after `after`, whose name or identifier matches."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The change was done: the structure as it is now."""

    structure: Structure
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """The structure is not in the version that the caller read (412)."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class Refused:
    """The declaration breaks rules (422)."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such structure (404)."""


Outcome = Saved | Stale | Refused | Missing


class Declarations:
    """Use cases of the changes that a structure makes to itself."""

    def __init__(
        self, structures: Structures, now: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        """Use these ports."""
        self._structures = structures
        self._now = now
        self._new_id = new_id

    async def declare(
        self, structure: str, given: Mapping[str, Any], precondition: Precondition
    ) -> Outcome:
        """Create a structure, or replace the fields of its declaration that are given."""
        required = ("identifier_type", "identifier", "name", "kind")
        new = Declaration(*(given[name] for name in required))

        def edit(current: Structure | None) -> Declaration | None:
            return (current.declared if current else new).update(given)

        return await self._change(structure, edit, precondition)

    async def set_parameters(
        self, structure: str, given: Mapping[str, Any], precondition: Precondition
    ) -> Outcome:
        """Set the parameters that are given and leave the others."""

        def edit(current: Structure | None) -> Declaration | None:
            if current is None:
                return None
            return current.declared.update({"parameters": given})

        return await self._change(structure, edit, precondition)

    async def set_service(
        self, structure: str, given: Mapping[str, Any], precondition: Precondition
    ) -> Outcome:
        """Add a service, or replace its fields that are given; `code` says which service it is."""

        def edit(current: Structure | None) -> Declaration | None:
            return current.declared.update_service(given) if current else None

        return await self._change(structure, edit, precondition)

    async def _change(self, structure: str, edit: Edit, precondition: Precondition) -> Outcome:
        async def work(change: Change) -> Outcome:
            current = await change.load(structure)
            declared = edit(current)
            if current and declared and declared.sort_services() == current.declared:
                # Already so, whatever version was read: a request that is sent again after its
                # answer was lost is answered as it was (RFC 9110, 13.1.1).
                return Saved(current)
            if not precondition(current.version if current else 0):
                return Stale(rules.STALE.build_violation("If-Match", structure=structure))
            if declared is None:
                return Missing()
            if violations := judge(declared, structure, current):
                return Refused(violations)
            return await self._save(change, declared.sort_services(), current)

        return await self._structures.change(work)

    async def _save(
        self, change: Change, declared: Declaration, current: Structure | None
    ) -> Saved:
        structure = Structure(current.version + 1 if current else 1, declared)
        await change.save(structure)
        change.publish(
            Outgoing(
                topic=STRUCTURE,
                key=structure.id,
                subject=structure.id,
                payload=build_state(structure, self._now()),
                correlation_id=self._new_id(),
            )
        )
        return Saved(structure, is_new=current is None)


def build_state(structure: Structure, at: datetime) -> StructureChanged:
    """Build the event of a structure, which holds all of it."""
    declared = structure.declared
    return StructureChanged(
        structure=structure.id,
        version=structure.version,
        identifier_type=declared.identifier_type,
        identifier=declared.identifier,
        name=declared.name,
        kind=declared.kind,
        status=declared.status,
        parameters=_build_parameters(declared.parameters),
        services=tuple(
            ServiceV1(
                code=service.code,
                name=service.name,
                active=service.active,
                engagement_obligatoire=service.engagement_obligatoire,
            )
            for service in declared.services
        ),
        at=at,
    )


def _build_parameters(parameters: Parameters) -> ParametersV1:
    est_moa, est_moa_uniquement = write_moa_booleans(parameters.moa)
    return ParametersV1(
        est_moa=est_moa,
        est_moa_uniquement=est_moa_uniquement,
        code_service_obligatoire=parameters.code_service_obligatoire,
        numero_engagement_obligatoire=parameters.numero_engagement_obligatoire,
        engagement_ou_service=parameters.engagement_ou_service,
        mise_en_paiement_non_remontee=parameters.mise_en_paiement_non_remontee,
        recoit_via_edi=parameters.recoit_via_edi,
    )
