"""Opening hours of the desks in Paris: days of the week, times, public holidays."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from holidays import country_holidays

from shared.vocabulary.dates import PARIS

_MONDAY_TO_FRIDAY = frozenset(range(1, 6))
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Availability:
    """Availability of the desks: whether people answer now, and when they next will."""

    is_open: bool
    opens_at: datetime | None
    """None while they answer."""


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Opening hours in Paris; by default those of the assistance of AIFE.

    Raises ValueError for a time with a zone, for a closing before the opening, and for days that
    are not from 1 to 7, one at least.
    """

    opens: time = time(8, 30)
    closes: time = time(18, 30)
    days: frozenset[int] = _MONDAY_TO_FRIDAY
    """Days of the week as ISO 8601 counts them: 1 is Monday."""
    closed_on: frozenset[date] = frozenset()
    """Closed days beside the public holidays."""

    def __post_init__(self) -> None:
        """Check the times and the days."""
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("the hours are of Paris: they name no zone")
        if self.opens >= self.closes:
            raise ValueError(f"{self.opens:%H:%M} is not before {self.closes:%H:%M}")
        if not self.days or not self.days <= {*range(1, 8)}:
            raise ValueError("days are numbers from 1, Monday, to 7, one at least")

    def find_availability(self, moment: datetime) -> Availability:
        """Tell whether people answer at a moment, and when they next will."""
        is_open = self.is_open(moment)
        return Availability(is_open, None if is_open else self.find_next_opening(moment))

    def is_open(self, moment: datetime) -> bool:
        """Tell whether people answer at a moment."""
        local = moment.astimezone(PARIS)
        return self._is_worked(local.date()) and self.opens <= local.time() < self.closes

    def find_next_opening(self, moment: datetime) -> datetime:
        """Find the first open moment from `moment` on, in Paris time."""
        local = moment.astimezone(PARIS)
        if self.is_open(local):
            return local
        day = local.date() if local.time() < self.opens else local.date() + _DAY
        while not self._is_worked(day):
            day += _DAY
        return _combine(day, self.opens)

    def find_closing(self, moment: datetime) -> datetime:
        """Find the closing time of the Paris day of `moment`."""
        return _combine(moment.astimezone(PARIS).date(), self.closes)

    def measure_open_time(self, start: datetime, end: datetime) -> timedelta:
        """Measure the opening hours between two moments; 0 when the second is not later."""
        day, last = start.astimezone(PARIS).date(), end.astimezone(PARIS).date()
        total = timedelta()
        while day <= last:
            if self._is_worked(day):
                opening, closing = _combine(day, self.opens), _combine(day, self.closes)
                total += _measure_elapsed(max(opening, start), min(closing, end))
            day += _DAY
        return total

    def _is_worked(self, day: date) -> bool:
        is_closed = day in self.closed_on or day in _list_holidays(day.year)
        return day.isoweekday() in self.days and not is_closed


def _measure_elapsed(since: datetime, until: datetime) -> timedelta:
    """Measure the time between two moments, 0 when the second is earlier.

    In UTC: the clocks of Paris may change between the two.
    """
    return max(until.astimezone(UTC) - since.astimezone(UTC), timedelta())


def _combine(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, PARIS)


@cache
def _list_holidays(year: int) -> frozenset[date]:
    return frozenset(country_holidays("FR", years=year))
