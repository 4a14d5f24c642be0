"""Use cases of structures: create, change, set parameters, services and pipes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.organisation.audit.application.acts import Precondition
from services.organisation.structures.application.messages import build_state
from services.organisation.structures.application.ports import Act, Change, Details, Structures
from services.organisation.structures.domain import rules
from services.organisation.structures.domain.access import judge_change, judge_creation
from services.organisation.structures.domain.judgement import judge
from services.organisation.structures.domain.structure import (
    Declaration,
    Structure,
    list_changes,
)
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import STRUCTURE
from shared.rights.model import Requester
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import Pipe

Edit = Callable[[Structure | None], Declaration | None]
"""Returns the new declaration of a structure; None when it has none that could be changed."""

_EDI = "recoit_via_edi"


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
class Forbidden:
    """The caller lacks the right for this change (403)."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The declaration breaks rules (422)."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such structure (404)."""


Outcome = Saved | Stale | Forbidden | Refused | Missing


@dataclass(frozen=True, slots=True)
class Request:
    """A request to change a structure: which one, by whom, from which version."""

    structure: str
    requester: Requester
    precondition: Precondition
    ticket: str | None = None
    """Ticket that asks for the change, for the audit trail."""

    @property
    def by(self) -> str:
        """Who is named in the audit trail."""
        return self.requester.user or ""


class Declarations:
    """Use cases of the changes of structures."""

    def __init__(
        self, structures: Structures, now: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        """Use these ports."""
        self._structures = structures
        self._now = now
        self._new_id = new_id

    async def declare(self, request: Request, given: Mapping[str, Any]) -> Outcome:
        """Create a structure, or replace the fields of its declaration that are given."""
        parameters, edi = _take_edi(given.get("parameters", {}))
        fields = {**given, "parameters": parameters}

        def edit(current: Structure | None) -> Declaration | None:
            return (current.declared if current else _begin(given)).update(fields)

        return await self._change(request, edit, edi=edi)

    async def set_parameters(self, request: Request, given: Mapping[str, Any]) -> Outcome:
        """Set the parameters that are given and leave the others."""
        parameters, edi = _take_edi(given)

        def edit(current: Structure | None) -> Declaration | None:
            return current.declared.update({"parameters": parameters}) if current else None

        return await self._change(request, edit, edi=edi)

    async def set_identity(self, request: Request, given: Mapping[str, Any]) -> Outcome:
        """Set the legal name, the kind or the status: what only an operator may."""

        def edit(current: Structure | None) -> Declaration | None:
            return current.declared.update(given) if current else None

        return await self._change(request, edit)

    async def set_service(self, request: Request, given: Mapping[str, Any]) -> Outcome:
        """Add a service, or replace its fields that are given; `code` says which service it is."""

        def edit(current: Structure | None) -> Declaration | None:
            return current.declared.update_service(given) if current else None

        return await self._change(request, edit)

    async def turn_pipe(self, request: Request, pipe: Pipe, *, is_open: bool) -> Outcome:
        """Open or close a pipe of data exchange."""

        def edit(current: Structure | None) -> Declaration | None:
            return current.declared.turn_pipe(pipe, is_open=is_open) if current else None

        return await self._change(request, edit)

    async def _change(self, request: Request, edit: Edit, *, edi: bool | None = None) -> Outcome:
        async def work(change: Change) -> Outcome:
            current = await change.load(request.structure)
            declared = edit(current)
            if declared is None:
                return Missing()
            declared = declared.sort_services()
            if answer := _answer_unchanged(request, current, declared, edi):
                return answer
            broken = judge(declared, request.structure) + _judge_edi(edi, declared)
            if violations := broken or await _judge_conversion(change, current, declared):
                return Refused(violations)
            if current is None:
                return await self._create(change, declared, request.requester)
            return await self.save(change, declared, current, request.by, request.ticket)

        return await self._structures.change(work)

    async def _create(
        self, change: Change, declared: Declaration, requester: Requester
    ) -> Saved | Refused:
        """Create a structure, with the address of SIRENE if it gives none."""
        known = await change.find_establishment(declared.structure)
        if known and known.is_closed and not requester.is_operator:
            rule = rules.ESTABLISHMENT_CLOSED
            return Refused((rule.build_violation("identifier", structure=declared.structure),))
        if known and declared.address is None:
            declared = replace(declared, address=known.address)
        if requester.is_operator:
            return await self.save(change, declared, None, requester.user or "")
        by = await change.appoint_first_manager(Structure(1, declared), requester)
        return await self.save(change, declared, None, by)

    async def create_for(
        self, change: Change, declared: Declaration, by: str
    ) -> tuple[Violation, ...]:
        """Create a structure that an operator grants to who proved it, within a transaction.

        Returns the rules that refuse it.
        """
        if violations := judge(declared, declared.structure):
            return violations
        known = await change.find_establishment(declared.structure)
        if known and declared.address is None:
            declared = replace(declared, address=known.address)
        await self.save(change, declared.sort_services(), None, by)
        return ()

    async def save(
        self,
        change: Change,
        declared: Declaration,
        current: Structure | None,
        by: str,
        ticket: str | None = None,
    ) -> Saved:
        """Write, record and publish a judged declaration, within a transaction."""
        changed = list_changes(current.declared if current else None, declared)
        structure = Structure(current.version + 1 if current else 1, declared)
        await change.save(structure)
        name = "structure.modifiee" if current else "structure.creee"
        asked: Details = {"ticket": ticket} if ticket else {}
        details: Details = {"version": structure.version, "fields": changed, **asked}
        await change.record(structure.id, Act(name, by, details))
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


def _answer_unchanged(
    request: Request, current: Structure | None, declared: Declaration, edi: bool | None
) -> Forbidden | Saved | Stale | None:
    """Answer a request that changes nothing: one that is refused, or already done."""
    before = current.declared if current else None
    if refusal := _judge_access(request.requester, before, declared):
        return Forbidden(refusal)
    if current and declared == before and _agrees(edi, declared):
        # Already so, whatever version was read: a request that is sent again after its answer was
        # lost is answered as it was (RFC 9110, 13.1.1).
        return Saved(current)
    if not request.precondition(current.version if current else 0):
        return Stale(rules.STALE.build_violation("If-Match", structure=request.structure))
    return None


def _begin(given: Mapping[str, Any]) -> Declaration:
    required = ("identifier_type", "identifier", "name", "kind")
    return Declaration(*(given[name] for name in required))


def _judge_access(
    requester: Requester, before: Declaration | None, after: Declaration
) -> tuple[Violation, ...]:
    if before is None:
        return judge_creation(requester, after)
    return judge_change(requester, before, after)


async def _judge_conversion(
    change: Change, current: Structure | None, declared: Declaration
) -> tuple[Violation, ...]:
    """Refuse to turn a private structure public before its managers are ready for it."""
    if current is None or not current.declared.becomes_public(declared):
        return ()
    if unready := await change.find_unready_managers(declared.structure):
        return (rules.MANAGERS_NOT_READY.build_violation("kind", users=", ".join(unready)),)
    return ()


def _take_edi(given: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool | None]:
    """Take the derived parameter out of those that a request states."""
    return {name: value for name, value in given.items() if name != _EDI}, given.get(_EDI)


def _agrees(edi: bool | None, declared: Declaration) -> bool:
    return edi is None or edi is declared.receives_by_edi


def _judge_edi(edi: bool | None, declared: Declaration) -> tuple[Violation, ...]:
    """Refuse a value of the derived parameter other than what the pipes say."""
    if _agrees(edi, declared):
        return ()
    derived = "oui" if declared.receives_by_edi else "non"
    return (rules.EDI_DERIVED.build_violation(f"parameters.{_EDI}", derived=derived),)
