"""Reader of `expected.csv`: what each kind of caller gets from each endpoint."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.authz.callers import CallerKind

EXPECTED = Path(__file__).with_name("expected.csv")
_NAMES = ("service", "method", "path", "role", "application")


class Verdict(StrEnum):
    """Answer that is expected of an endpoint."""

    YES = "yes"
    """Done: 2xx, or a WebSocket that opens."""
    LET_IN = "let in"
    """Not refused to the caller, and not done: a 4xx of the trade, or of the form of a request."""
    UNKNOWN = "401"
    """The caller is nobody."""
    FORBIDDEN = "403"
    """The caller is somebody else."""
    HIDDEN = "404"
    """What is asked for does not exist, for this caller."""

    def allows(self, status: int) -> bool:
        """Tell whether an answer's status is what this verdict expects."""
        match self:
            case Verdict.YES:
                return status == _SWITCHING or _OK <= status < _REDIRECTED
            case Verdict.LET_IN:
                return _FAULTY <= status < _FAILED and status not in _REFUSALS
            case _:
                return status == int(self)

    @property
    def is_refusal(self) -> bool:
        """Whether the caller is kept out."""
        return self in {Verdict.UNKNOWN, Verdict.FORBIDDEN, Verdict.HIDDEN}


_SWITCHING, _OK, _REDIRECTED, _FAULTY, _FAILED = 101, 200, 300, 400, 500
_REFUSALS = {401, 403}


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Route of a service: its method, `WS` for a WebSocket, and its path after the prefix."""

    service: str
    method: str
    path: str

    def __str__(self) -> str:
        """Write the endpoint as a request names it."""
        return f"{self.method} /{self.service}/v1{self.path}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """Row of `expected.csv`: an endpoint, as whom it is asked, and the verdict of each caller."""

    endpoint: Endpoint
    role: str
    """Role or desk that the caller chooses; empty: it names no structure."""
    application: str
    """Application whose habilitation is needed; empty: none."""
    verdicts: Mapping[CallerKind, Verdict]

    def __str__(self) -> str:
        """Name the row."""
        return f"{self.endpoint}{f' ({self.role})' if self.role else ''}"


class ExpectationsError(ValueError):
    """`expected.csv` cannot be read; the message names the line."""


def read_expectations(lines: Iterable[str]) -> Sequence[Expectation]:
    """Read the expectations. Raises ExpectationsError for a bad column, verdict or row."""
    rows = csv.DictReader(lines, delimiter=";")
    columns = [*_NAMES, *CallerKind]
    if rows.fieldnames != columns:
        raise ExpectationsError(f"columns must be {columns}, not {rows.fieldnames}")
    found = []
    for row in rows:
        try:
            verdicts = {kind: Verdict(row[kind]) for kind in CallerKind}
        except ValueError as error:
            raise ExpectationsError(f"line {rows.line_num}: {error}") from None
        endpoint = Endpoint(row["service"], row["method"], row["path"])
        found.append(Expectation(endpoint, row["role"], row["application"], verdicts))
    counts = Counter((each.endpoint, each.role) for each in found)
    if twice := [str(endpoint) for (endpoint, _), number in counts.items() if number > 1]:
        raise ExpectationsError(f"more than one row for {', '.join(twice)}")
    return found


def load_expectations() -> Sequence[Expectation]:
    """Load `expected.csv`."""
    with EXPECTED.open(encoding="utf-8", newline="") as lines:
        return read_expectations(lines)
