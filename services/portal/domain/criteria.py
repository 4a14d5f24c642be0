"""Criteria of a search of pieces: a piece must meet all of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from services.portal.domain import rules
from shared.circuit.parties import Party
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status

Bound = TypeVar("Bound", date, Decimal)


@dataclass(frozen=True, slots=True)
class Range(Generic[Bound]):
    """What lies between two bounds, both included; without a bound it is open on that side."""

    low: Bound | None = None
    high: Bound | None = None

    @property
    def is_reversed(self) -> bool:
        """Whether nothing can lie in it."""
        return self.low is not None and self.high is not None and self.low > self.high


@dataclass(frozen=True, slots=True)
class Criteria:
    """What every piece that is found fulfils; what is left out asks nothing."""

    number: str | None = None
    number_prefix: str | None = None
    issued: Range[date] = Range()
    deposited: Range[date] = Range()
    """Days in Paris."""
    ht: Range[Decimal] = Range()
    ttc: Range[Decimal] = Range()
    due: Range[Decimal] = Range()
    currency: str | None = None
    statuses: frozenset[Status] = frozenset()
    """As the one who searches sees them."""
    cadres: frozenset[str] = frozenset()
    dossier: str | None = None
    marche: str | None = None
    engagement: str | None = None
    parties: Mapping[Role, Party] = field(default_factory=dict)
    """A party without a service stands for the structure with whichever of its services."""
    depositor: Role | None = None
    awaits_me: bool = False
    closed: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece stands in the order of a search: by its deposit, then by its id."""

    deposited_at: datetime | None
    piece_id: str


def judge_ranges(criteria: Criteria) -> Iterator[Violation]:
    """Find the ranges in which nothing can lie."""
    for name in ("issued", "deposited", "ht", "ttc", "due"):
        asked: Range[date] | Range[Decimal] = getattr(criteria, name)
        if asked.is_reversed:
            yield rules.RANGE_REVERSED.broken(f"{name}_from", low=asked.low, high=asked.high)
