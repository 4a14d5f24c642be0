"""Refusal of a chat outside opening hours, and the sentence that says when it opens."""

from datetime import datetime

from services.support.desks.domain import rules
from services.support.desks.domain.french_dates import format_opening
from services.support.desks.domain.hours import OpeningHours
from shared.vocabulary.rules import Violation


def describe_closing(hours: OpeningHours, now: datetime) -> str:
    """Describe in French that the chat is closed and when it opens."""
    closed = _refuse_closed(hours, now)
    return f"{closed.message} Un ticket se dépose à toute heure."


def judge_opening(hours: OpeningHours, now: datetime) -> tuple[Violation, ...]:
    """Refuse a chat outside opening hours."""
    if hours.is_open(now):
        return ()
    return (_refuse_closed(hours, now),)


def _refuse_closed(hours: OpeningHours, now: datetime) -> Violation:
    opening = format_opening(hours.find_next_opening(now))
    return rules.CLOSED.build_violation("requête", opening=opening)
