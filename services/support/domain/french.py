"""Moments as a French sentence names them, in Paris time."""

from datetime import datetime

from services.support.domain import hours
from services.support.domain.hours import PARIS

_WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


def french_day(moment: datetime) -> str:
    """Write the day of a moment, in Paris."""
    local = moment.astimezone(PARIS)
    first = "1er" if local.day == 1 else str(local.day)
    return f"{first} {_MONTHS[local.month - 1]} {local.year}"


def french_moment(moment: datetime) -> str:
    """Write a moment, in Paris."""
    local = moment.astimezone(PARIS)
    return f"{french_day(moment)} à {local.hour} h {local.minute:02}"


def french_opening(moment: datetime) -> str:
    """Write when people next answer, with the day of the week."""
    opening = hours.next_opening(moment)
    return f"{_WEEKDAYS[opening.weekday()]} {french_moment(opening)}"
