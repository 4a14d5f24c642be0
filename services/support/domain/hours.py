"""When people answer: Monday to Friday, 8:30 to 18:30 in Paris, but for French public holidays."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

PARIS = ZoneInfo("Europe/Paris")
OPENS = time(8, 30)
CLOSES = time(18, 30)
_FRIDAY = 4
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether people answer now, and when they next do."""

    is_open: bool
    opens_at: datetime


def availability(moment: datetime) -> Availability:
    """Say whether people answer at a moment."""
    return Availability(is_open(moment), next_opening(moment))


def is_open(moment: datetime) -> bool:
    """Tell whether people answer at a moment."""
    local = moment.astimezone(PARIS)
    return _is_worked(local.date()) and OPENS <= local.time() < CLOSES


def next_opening(moment: datetime) -> datetime:
    """Give the first moment from `moment` on at which people answer, in Paris time."""
    local = moment.astimezone(PARIS)
    if is_open(local):
        return local
    day = local.date() if local.time() < OPENS else local.date() + _DAY
    while not _is_worked(day):
        day += _DAY
    return _at(day, OPENS)


def closing(moment: datetime) -> datetime:
    """Give the moment at which people stop answering, on the Paris day of `moment`."""
    return _at(moment.astimezone(PARIS).date(), CLOSES)


def worked(start: datetime, end: datetime) -> timedelta:
    """Measure the opening hours between two moments; nothing when the second is not later."""
    day, last = start.astimezone(PARIS).date(), end.astimezone(PARIS).date()
    total = timedelta()
    while day <= last:
        if _is_worked(day):
            opening, closing = _at(day, OPENS), _at(day, CLOSES)
            # Aware datetimes of one zone are subtracted as wall clocks: no change of hour falls
            # between opening and closing.
            since, until = max(opening, start), min(closing, end)
            total += max(until.astimezone(PARIS) - since.astimezone(PARIS), timedelta())
        day += _DAY
    return total


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, PARIS)


def _is_worked(day: date) -> bool:
    return day.weekday() <= _FRIDAY and day not in _holidays(day.year)


@cache
def _holidays(year: int) -> frozenset[date]:
    return frozenset(country_holidays("FR", years=year))
