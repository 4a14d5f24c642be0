"""Criteria of a search of pieces: a piece must meet all of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from services.portal.domain import rules
from shared.circuit.applications import ListedApplication
from shared.circuit.parties import Party
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status

Bound = TypeVar("Bound", date, Decimal)


@dataclass(frozen=True, slots=True)
class Range(Generic[Bound]):
    """Range between two bounds, both included; a missing bound leaves that side open."""

    low: Bound | None = None
    high: Bound | None = None

    @property
    def is_reversed(self) -> bool:
        """Whether its lower bound is over its upper bound."""
        return self.low is not None and self.high is not None and self.low > self.high


@dataclass(frozen=True, slots=True)
class Criteria:
    """Criteria of a search; a criterion that is left out is not checked."""

    number: str | None = None
    number_prefix: str | None = None
    issued: Range[date] = Range()
    deposited: Range[date] = Range()
    """Days of deposit, in Paris."""
    ht: Range[Decimal] = Range()
    ttc: Range[Decimal] = Range()
    due: Range[Decimal] = Range()
    currency: str | None = None
    statuses: frozenset[Status] = frozenset()
    """Statuses, as the viewer sees them."""
    cadres: frozenset[str] = frozenset()
    dossier: str | None = None
    marche: str | None = None
    engagement: str | None = None
    parties: Mapping[Role, Party] = field(default_factory=dict)
    """A party without a service matches any service of the structure."""
    depositor: Role | None = None
    awaits_me: bool = False
    received: bool = False
    """The viewer has received the piece."""
    closed: bool | None = None
    application: ListedApplication | None = None
    """Application of the portal in which the viewer finds the piece."""


@dataclass(frozen=True, slots=True)
class Place:
    """Position of a piece in the order of a search, by its deposit and its id: a cursor."""

    deposited_at: datetime | None
    piece_id: str


def judge_ranges(criteria: Criteria) -> Iterator[Violation]:
    """List the violations of ranges whose bounds are reversed."""
    for name in ("issued", "deposited", "ht", "ttc", "due"):
        asked: Range[date] | Range[Decimal] = getattr(criteria, name)
        if asked.is_reversed:
            yield rules.RANGE_REVERSED.build_violation(
                f"{name}_from", low=asked.low, high=asked.high
            )
