"""French dates and times for sentences, in Paris time."""

from datetime import datetime, time

from shared.vocabulary.dates import PARIS

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


def format_day(moment: datetime) -> str:
    """Format the Paris day of a moment."""
    local = moment.astimezone(PARIS)
    first = "1er" if local.day == 1 else str(local.day)
    return f"{first} {_MONTHS[local.month - 1]} {local.year}"


def format_moment(moment: datetime) -> str:
    """Format the Paris day and time of a moment."""
    return f"{format_day(moment)} à {format_time(moment.astimezone(PARIS).time())}"


def format_time(of_day: time) -> str:
    """Format a time of day."""
    return f"{of_day.hour} h {of_day.minute:02}"


def format_opening(opening: datetime) -> str:
    """Format an opening, with the day of the week."""
    return f"{_WEEKDAYS[opening.astimezone(PARIS).weekday()]} {format_moment(opening)}"
