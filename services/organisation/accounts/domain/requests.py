"""Requests for habilitations: asked, approved, refused, withdrawn. Silence grants nothing."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.accounts import (
    HABILITATIONS_LIMIT,
    Account,
    Decider,
    Roster,
)
from services.organisation.accounts.domain.attachments import Decided, describe
from services.organisation.accounts.domain.habilitations import (
    Habilitations,
    add_habilitations,
    find_additions,
    judge_habilitations,
    sort_habilitations,
)
from services.organisation.audit.domain.entries import Detail
from shared.vocabulary.rules import Violation


class RequestStatus(StrEnum):
    """Status of a request; the words are those of attachments."""

    EN_COURS_DE_VALIDATION = "EN_COURS_DE_VALIDATION"
    VALIDEE = "VALIDEE"
    REFUSEE = "REFUSEE"
    SUPPRIMEE = "SUPPRIMEE"
    """Withdrawn by who asked, or dropped when the attachment ended."""


@dataclass(frozen=True, slots=True)
class HabilitationRequest:
    """Request of a user for habilitations in a structure."""

    id: str
    structure: str
    user: str
    habilitations: Habilitations
    asked_at: datetime
    status: RequestStatus = RequestStatus.EN_COURS_DE_VALIDATION
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""
    remind_at: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether somebody must decide about it."""
        return self.status is RequestStatus.EN_COURS_DE_VALIDATION

    def end(
        self, status: RequestStatus, by: str, at: datetime, reason: str = ""
    ) -> "HabilitationRequest":
        """Build the request once it waits no more."""
        return replace(
            self, status=status, decided_by=by, decided_at=at, reason=reason, remind_at=None
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """What a decision about a request comes to."""

    request: HabilitationRequest
    decided: Decided


Outcome = Judged | tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """How many requests wait already: of the structure, and of the user anywhere."""

    structure: int
    user: int
    structure_limit: int
    user_limit: int


def ask_habilitations(
    request: HabilitationRequest,
    account: Account,
    roster: Roster,
    services: Collection[str],
    load: Load,
) -> Outcome:
    """Ask for habilitations. Who decides for the structure has them at once; nobody else does.

    Source: webinar for the MOA, 30:14 to 30:30.
    """
    current = account.find_active(roster.structure)
    if current is None:
        return (rules.NOT_ATTACHED.build_violation("structure_id", structure=roster.structure),)
    wanted = sort_habilitations(request.habilitations)
    violations = list(judge_habilitations(wanted, services))
    if not violations and not find_additions(wanted, current.habilitations):
        violations.append(rules.NOTHING_ASKED.build_violation("habilitations"))
    if violations:
        return tuple(violations)
    asked = replace(request, habilitations=wanted)
    if current.can_decide:
        decider = Decider.of(account, roster.structure)
        return _grant(asked, decider, account, roster, asked.asked_at)
    if violation := _judge_load(load, roster.structure):
        return (violation,)
    noted = roster.renew()
    return Judged(
        asked,
        Decided(account, noted, "habilitations.demandees", {"habilitations": describe(wanted)}),
    )


def approve_request(
    request: HabilitationRequest,
    decider: Decider,
    account: Account,
    roster: Roster,
    at: datetime,
) -> Outcome:
    """Approve a request: what it asks for is added to what the user has."""
    if violation := _judge_decision(request, decider):
        return (violation,)
    if account.find_active(roster.structure) is None:
        return (rules.NOT_ATTACHED.build_violation("request_id", structure=roster.structure),)
    return _grant(request, decider, account, roster, at)


def refuse_request(
    request: HabilitationRequest,
    decider: Decider,
    account: Account,
    roster: Roster,
    reason: str,
    at: datetime,
) -> Outcome:
    """Refuse a request, for a reason that the user reads."""
    if violation := _judge_decision(request, decider):
        return (violation,)
    if not reason:
        return (rules.REASON_MISSING.build_violation("reason"),)
    refused = request.end(RequestStatus.REFUSEE, decider.id, at, reason)
    return _note(refused, account, roster, "habilitations.refusees")


def withdraw_request(
    request: HabilitationRequest, account: Account, roster: Roster, at: datetime
) -> Outcome:
    """Withdraw one's own request."""
    if request.status is RequestStatus.SUPPRIMEE:
        return Judged(request, Decided(account, roster))
    if not request.is_waiting:
        return (_refuse_decided(request),)
    withdrawn = request.end(RequestStatus.SUPPRIMEE, account.id, at)
    return _note(withdrawn, account, roster, "habilitations.retirees")


def _grant(
    request: HabilitationRequest,
    decider: Decider,
    account: Account,
    roster: Roster,
    at: datetime,
) -> Outcome:
    current = account.find_active(roster.structure)
    assert current is not None  # noqa: S101 - both callers have checked it
    given = add_habilitations(current.habilitations, request.habilitations)
    if len(given) > HABILITATIONS_LIMIT:
        rule = rules.TOO_MANY_HABILITATIONS
        return (rule.build_violation("habilitations", count=len(given), limit=HABILITATIONS_LIMIT),)
    after = account.put(replace(current.decide(decider.id, at), habilitations=given))
    approved = request.end(RequestStatus.VALIDEE, decider.id, at)
    details: dict[str, Detail] = {
        "demande": request.id,
        "habilitations": describe(request.habilitations),
    }
    return Judged(
        approved,
        Decided(after, roster.take_note(after), "habilitations.approuvees", details),
    )


def _note(request: HabilitationRequest, account: Account, roster: Roster, act: str) -> Judged:
    """Note a decision by which the rights of nobody change."""
    noted = roster.renew()
    return Judged(request, Decided(account, noted, act, {"demande": request.id}))


def _judge_decision(request: HabilitationRequest, decider: Decider) -> Violation | None:
    if not decider.can_decide:
        return rules.NOT_DECIDER.build_violation("X-Structure", structure=request.structure)
    return None if request.is_waiting else _refuse_decided(request)


def _refuse_decided(request: HabilitationRequest) -> Violation:
    return rules.ALREADY_DECIDED.build_violation("request_id", status=request.status.value)


def _judge_load(load: Load, structure: str) -> Violation | None:
    if load.structure >= load.structure_limit:
        return rules.TOO_MANY_WAITING.build_violation(
            "structure_id", count=load.structure, structure=structure, limit=load.structure_limit
        )
    if load.user >= load.user_limit:
        return rules.TOO_MANY_ASKED.build_violation(
            "requête", count=load.user, limit=load.user_limit
        )
    return None
