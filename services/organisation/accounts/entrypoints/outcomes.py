"""HTTP results of the use cases of accounts."""

from typing import TypeVar

from fastapi import Response

from services.organisation.accounts.application.outcomes import (
    Done,
    NotFound,
    Outcome,
    Refused,
)
from services.organisation.accounts.domain import rules
from services.organisation.structures.domain import rules as structure_rules
from shared.rights.model import Requester
from shared.runtime.web.idempotency import mark_replay
from shared.runtime.web.problems import build_not_found, build_refused

T = TypeVar("T")
_STATUSES = {
    403: (
        rules.ACCOUNT_CLOSED,
        rules.PEOPLE_ONLY,
        rules.NOT_DECIDER,
        rules.MAIN_MANAGER_ONLY,
        rules.OPERATOR_ONLY,
        structure_rules.KIND_NOT_OF_ISSUER,
    ),
    409: (
        rules.ALREADY_DECIDED,
        rules.LAST_MAIN_MANAGER,
        rules.ALREADY_MANAGED,
        rules.ALREADY_ATTACHED,
        rules.NOBODY_DECIDES,
        rules.NOT_ATTACHED,
        rules.INVITED_IS_ATTACHED,
        rules.INVITATION_ENDED,
        rules.INVITER_DECIDES_NO_MORE,
    ),
    412: (rules.ATTACHMENT_STALE,),
    429: (
        rules.TOO_MANY_INVITATIONS,
        rules.TOO_MANY_WAITING,
        rules.TOO_MANY_ASKED,
        rules.TOO_MANY_CLAIMS,
    ),
}
_STATUS_OF = {rule.code: status for status, given in _STATUSES.items() for rule in given}


def require_done(outcome: Outcome[T], response: Response) -> T:
    """Return what was done, or raise the problem that says why not.

    Marks `response` when an earlier request with the same idempotency key did it.
    """
    match outcome:
        case Done():
            mark_replay(response, is_replay=outcome.is_replay)
            return outcome.value
        case Refused(violations):
            raise build_refused(violations, _STATUS_OF.get(violations[0].code, 422))
        case NotFound(what):
            raise build_not_found(what)


def require_own(who: Requester, structure: str) -> None:
    """Raise a 403 problem when the structure of the path is not the one the caller acts for."""
    if who.structure != structure and not who.is_operator:
        rule = structure_rules.NOT_YOURS
        violation = rule.build_violation("X-Structure", caller=who.structure, structure=structure)
        raise build_refused([violation], 403)
