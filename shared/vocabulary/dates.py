"""Calendar dates, moments and time zone: ISO 8601, from 2000 to 2099, days of Paris."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
"""First and last valid date (FR CTC, BR-FR-03). They exclude defaults such as .NET's 0001-01-01,
and years of two digits."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII
)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def is_plausible(day: date) -> bool:
    """Tell whether a calendar date is between 2000 and 2099."""
    return FIRST_DAY <= day <= LAST_DAY


def read_iso_date(text: str) -> date:
    """Parse a calendar date AAAA-MM-JJ of any year; raises ValueError for anything else.

    `date.fromisoformat` alone also reads weeks, `2026-W48-1`, and dates without dashes.
    """
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def parse_date(text: str) -> date:
    """Parse a calendar date AAAA-MM-JJ between 2000 and 2099; raises ValueError otherwise."""
    day = read_iso_date(text)
    if not is_plausible(day):
        raise ValueError(text)
    return day


def parse_moment(text: str) -> datetime:
    """Parse a date and time with UTC offset, 2000 to 2099; raises ValueError otherwise."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    # Python parses microseconds only; other languages write nanoseconds.
    moment = datetime.fromisoformat(re.sub(r"([.,]\d{6})\d+", r"\1", text.upper()))
    check_moment(moment)
    return moment


def check_moment(moment: datetime) -> None:
    """Raise ValueError unless a moment has an offset and lies between 2000 and 2099."""
    if moment.utcoffset() is None or not _EARLIEST <= moment < _LATEST:
        raise ValueError(moment)


def find_paris_day(moment: datetime) -> date:
    """Return the calendar date of a moment in Paris."""
    return moment.astimezone(PARIS).date()


def compute_start_of_day(day: date) -> datetime:
    """Return the moment, in UTC, at which a day begins in Paris."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def compute_end_of_day(day: date) -> datetime:
    """Return the moment, in UTC, at which a day ends in Paris: the start of the next one."""
    return compute_start_of_day(day + timedelta(days=1))


def format_moment(moment: datetime) -> str:
    """Format a moment for a mail, as clocks show it in Paris: 30/11/2026 à 10:00."""
    return moment.astimezone(PARIS).strftime("%d/%m/%Y à %H:%M")
