"""Response-time targets of the desks, and the times of a ticket, in opening hours.

The clock stops while the issuer is awaited. It starts from zero when the ticket is transferred to
another desk, and when it is reopened.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.support.tickets.domain.tickets import JournalEntry, Ticket
from services.support.tickets.domain.transitions import ANSWER_ACTS, ARRIVAL_ACTS, RUNNING_STATUSES
from shared.vocabulary.tickets import Desk, Priority, Side

COLUMNS = ("bureau", "priorite", "premiere_reponse_h", "resolution_h")
_HOURS_LIMIT = 2000

OpeningHoursBetween = Callable[[datetime, datetime], timedelta]
"""Measures the opening hours between two moments."""


class TargetsError(ValueError):
    """A table of targets that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Response-time target: opening hours until the first answer and until the resolution."""

    first_answer: timedelta
    resolution: timedelta


Targets = Mapping[tuple[Desk, Priority], Target]


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """Response times of a ticket against its target, in opening hours."""

    target: Target
    first_answer: timedelta
    """Time until the first answer, or until now."""
    is_answered: bool
    resolution: timedelta
    """Time during which the desk had to act."""

    @property
    def is_late(self) -> bool:
        """Whether a target is exceeded."""
        return (
            self.first_answer > self.target.first_answer or self.resolution > self.target.resolution
        )


def measure_response_times(
    ticket: Ticket, targets: Targets, now: datetime, worked: OpeningHoursBetween
) -> ResponseTimes | None:
    """Measure the response times of a ticket; None for a draft."""
    if ticket.desk is None or ticket.submitted_at is None:
        return None
    journal = _list_since_arrival(ticket)
    answers = [each.at for each in journal if each.by is Side.BUREAU and each.act in ANSWER_ACTS]
    return ResponseTimes(
        target=targets[ticket.desk, ticket.priority],
        first_answer=worked(journal[0].at, answers[0] if answers else now),
        is_answered=bool(answers),
        resolution=sum(
            (worked(start, end) for start, end in _list_running_periods(journal, now)),
            start=timedelta(),
        ),
    )


def _list_since_arrival(ticket: Ticket) -> Sequence[JournalEntry]:
    """List the journal since the ticket last came to the desk that has it."""
    starts = [rank for rank, each in enumerate(ticket.journal) if each.act in ARRIVAL_ACTS]
    return ticket.journal[starts[-1] :]


def _list_running_periods(
    journal: Sequence[JournalEntry], now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """List the periods during which the clock of the desk runs."""
    since: datetime | None = None
    for entry in journal:
        runs = entry.status in RUNNING_STATUSES
        if runs and since is None:
            since = entry.at
        elif not runs and since is not None:
            yield since, entry.at
            since = None
    if since is not None:
        yield since, now


def read_targets(lines: Iterable[str]) -> Targets:
    """Read the targets of a CSV, which has a row for each desk and priority.

    Raises TargetsError.
    """
    try:
        header, *records = [*csv.reader(lines, delimiter=";", strict=True)] or [[]]
    except csv.Error as error:
        raise TargetsError(f"not a CSV with semicolons: {error}") from error
    if tuple(header) != COLUMNS:
        raise TargetsError(f"columns must be {';'.join(COLUMNS)}")
    found: dict[tuple[Desk, Priority], Target] = {}
    for line, record in enumerate(records, start=2):
        if not any(record):
            continue
        if len(record) != len(COLUMNS):
            raise TargetsError(f"line {line}: {len(record)} fields instead of {len(COLUMNS)}")
        desk, priority, first, resolution = map(str.strip, record)
        try:
            row = Desk(desk), Priority(priority)
            target = Target(_parse_hours(first), _parse_hours(resolution))
        except ValueError as error:
            raise TargetsError(f"line {line}: {error}") from error
        if row in found:
            raise TargetsError(f"line {line}: {desk} {priority} has a row already")
        found[row] = target
    missing = [f"{desk} {each}" for desk in Desk for each in Priority if (desk, each) not in found]
    if missing:
        raise TargetsError(f"no row for {', '.join(missing)}")
    return found


def _parse_hours(text: str) -> timedelta:
    hours = int(text)
    if not 0 < hours <= _HOURS_LIMIT:
        raise ValueError(f"{text} is no number of hours from 1 to {_HOURS_LIMIT}")
    return timedelta(hours=hours)
