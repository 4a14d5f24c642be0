"""Refusal of a chat outside opening hours, and the sentence that says when it opens."""

from datetime import datetime

from services.support.desks.domain import rules
from services.support.desks.domain.french_dates import french_opening
from services.support.desks.domain.hours import Hours
from shared.vocabulary.rules import Violation


def describe_closing(hours: Hours, now: datetime) -> str:
    """Say when the chat opens, to whom it is closed."""
    closed = _refuse_closed(hours, now)
    return f"{closed.message} Un ticket se dépose à toute heure."


def judge_opening(hours: Hours, now: datetime) -> tuple[Violation, ...]:
    """Say when the chat opens, unless it is open."""
    if hours.is_open(now):
        return ()
    return (_refuse_closed(hours, now),)


def _refuse_closed(hours: Hours, now: datetime) -> Violation:
    opening = french_opening(hours.next_opening(now))
    return rules.CLOSED.broken("requête", opening=opening)
