"""Problems of what a rule of subscriptions refuses."""

from fastapi import status

from services.notification.subscriptions.application.book import Done, Missing, Outcome, Refused
from services.notification.subscriptions.domain import rules
from shared.runtime.web.problems import Problem, build_not_found, build_refused
from shared.vocabulary.rules import Violation

_STATUSES = {
    rules.TOO_MANY.code: status.HTTP_409_CONFLICT,
    rules.NO_KEYS.code: status.HTTP_503_SERVICE_UNAVAILABLE,
    rules.NOT_YOURS.code: status.HTTP_403_FORBIDDEN,
    rules.NOT_ACTIVE.code: status.HTTP_409_CONFLICT,
    rules.NOT_WEBHOOK.code: status.HTTP_409_CONFLICT,
    rules.BUSY.code: status.HTTP_409_CONFLICT,
}


def require_done(outcome: Outcome) -> Done:
    """Return what was done. Raises the problem of what was not."""
    match outcome:
        case Done():
            return outcome
        case Refused(violation):
            raise build_violated(violation)
        case Missing():
            raise build_missing()


def build_violated(violation: Violation) -> Problem:
    """Build the problem of a broken rule."""
    return build_refused([violation], _STATUSES.get(violation.code, 422))


def build_missing() -> Problem:
    """Build the 404 problem of a subscription that the caller does not see."""
    return build_not_found("Abonnement")
