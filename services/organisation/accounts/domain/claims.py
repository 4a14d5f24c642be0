"""Requests of a structure with a proof: to create it, or to manage one that has no manager."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.requests import RequestStatus
from shared.vocabulary.attachments import SIZE_LIMIT, Attached, AttachmentRules, StoredFile, judge
from shared.vocabulary.rules import Violation

CLAIMS_LIMIT = 5
"""Limit of the requests of one person that wait."""

PROOFS = AttachmentRules(
    name_too_long=rules.PROOF_NAME_TOO_LONG,
    name_refused=rules.PROOF_NAME_REFUSED,
    type_refused=rules.PROOF_TYPE_REFUSED,
    content_differs=rules.PROOF_CONTENT_DIFFERS,
    empty=rules.PROOF_EMPTY,
    too_large=rules.PROOF_TOO_LARGE,
    too_many=rules.PROOFS_TOO_MANY,
    total_too_large=rules.PROOFS_TOO_LARGE,
    count_limit=1,
    total_limit=SIZE_LIMIT,
)
"""Rules of a proof: one file."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Request of a structure: what it declares, and the file that proves who asks."""

    id: str
    structure: str
    user: str
    declared: Mapping[str, Any]
    """The declaration, as `PUT /structures/{structure_id}` takes it."""
    proof: StoredFile
    asked_at: datetime
    status: RequestStatus = RequestStatus.EN_COURS_DE_VALIDATION
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether an operator must decide about it."""
        return self.status is RequestStatus.EN_COURS_DE_VALIDATION

    def end(self, status: RequestStatus, by: str, at: datetime, reason: str = "") -> "Claim":
        """Build the request once it waits no more."""
        return replace(self, status=status, decided_by=by, decided_at=at, reason=reason)


def judge_proof(
    proof: Attached, rules: AttachmentRules = PROOFS, field: str = "proof"
) -> tuple[Violation, ...]:
    """Judge the file of a proof, which a form has in this field."""
    return tuple(
        replace(
            each, field=each.field.replace("attachments.0", field).replace("attachments", field)
        )
        for each in judge(rules, [proof])
    )


def judge_claim(waiting: int) -> tuple[Violation, ...]:
    """Judge a new request of a person of whom `waiting` requests wait already."""
    if waiting >= CLAIMS_LIMIT:
        return (
            rules.TOO_MANY_CLAIMS.build_violation("requête", count=waiting, limit=CLAIMS_LIMIT),
        )
    return ()


def judge_decision(claim: Claim, reason: str, *, is_approved: bool) -> tuple[Violation, ...]:
    """Judge the decision of an operator."""
    if not claim.is_waiting:
        return (rules.ALREADY_DECIDED.build_violation("request_id", status=claim.status.value),)
    if not is_approved and not reason:
        return (rules.REASON_MISSING.build_violation("reason"),)
    return ()
