"""Totals of a fiscal list, by section, currency and cadre: two currencies are never added.

What was sent and what was received are never added either: a piece is sent by one and received by
another. The pieces of a dossier restate one another (an A8 repeats the amounts of its A7): a total
over all cadres counts the same works several times, so each cadre has its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from services.portal.domain import rules
from services.portal.domain.criteria import Range
from services.portal.domain.piece import Counted, Piece
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status

LONGEST_PERIOD_DAYS = 400
REFUSED = frozenset(
    {
        Status.REFUSEE_1,
        Status.REFUSEE_2,
        Status.REFUSEE_MOE,
        Status.REFUSEE_MOA,
        Status.REFUSEE_FOURNISSEUR,
        Status.REJETEE,
    }
)
"""Statuses of refused or rejected pieces, which will not be paid."""


class Section(StrEnum):
    """Section of a fiscal list: by which way its pieces came to the viewer."""

    SENT = "sent"
    RECEIVED = "received"


_ZERO = Amounts(Decimal(0), Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Sum:
    """A number of pieces and the totals of their amounts."""

    count: int = 0
    amounts: Amounts = _ZERO

    def add(self, other: "Sum") -> "Sum":
        """Return the sum of both."""
        ours, theirs = self.amounts, other.amounts
        return Sum(
            self.count + other.count,
            Amounts(
                ht=ours.ht + theirs.ht,
                tva=ours.tva + theirs.tva,
                ttc=ours.ttc + theirs.ttc,
                due=ours.due + theirs.due,
            ),
        )


@dataclass(frozen=True, slots=True)
class Subtotal:
    """The pieces of one currency, or of one cadre in it."""

    every: Sum = Sum()
    kept: Sum = Sum()
    """Pieces that were neither refused nor rejected."""
    avoirs: Sum = Sum()
    """Avoirs among `kept`; their amounts are below zero."""

    def add(self, other: "Subtotal") -> "Subtotal":
        """Return the sum of both."""
        return Subtotal(
            self.every.add(other.every),
            self.kept.add(other.kept),
            self.avoirs.add(other.avoirs),
        )


@dataclass(frozen=True, slots=True)
class Total:
    """All the pieces of one currency."""

    currency: str
    whole: Subtotal
    by_cadre: tuple[tuple[str, Subtotal], ...]


@dataclass(slots=True)
class Totals:
    """Adds up the pieces of a section one by one; its memory depends on currencies and cadres."""

    section: Section
    _parts: dict[tuple[str, str], Subtotal] = field(default_factory=dict)

    def add(self, piece: Piece, viewer: Role) -> None:
        """Add a piece, by the status that the viewer sees."""
        key = piece.currency or "", piece.cadre
        counted = find_counted(piece, viewer, self.section)
        one = _count_one(counted, is_kept=not is_refused(piece, viewer))
        self._parts[key] = self._parts.get(key, Subtotal()).add(one)

    def __iter__(self) -> Iterator[Total]:
        """Yield the total of each currency, in the order of their codes."""
        for currency, parts in groupby(
            sorted(self._parts.items(), key=_build_sort_key), lambda part: part[0][0]
        ):
            by_cadre = tuple((cadre, subtotal) for (_, cadre), subtotal in parts)
            whole = Subtotal()
            for _, subtotal in by_cadre:
                whole = whole.add(subtotal)
            yield Total(currency, whole, by_cadre)


def is_refused(piece: Piece, viewer: Role) -> bool:
    """Tell whether a piece was refused or rejected, by the status that the viewer sees."""
    return piece.select_state(viewer).status in REFUSED


def find_counted(piece: Piece, viewer: Role, section: Section) -> Counted | None:
    """Find the amounts by which a piece counts in a section; None when they are unknown.

    A piece sent counts by what it states. A piece received counts by what prevails in its dossier,
    which is what is to be paid; one that was refused or rejected by what it stated.
    """
    if section is Section.SENT or is_refused(piece, viewer):
        return piece.counted
    return piece.counted_prevailing


def judge_period(period: Range[date]) -> Sequence[Violation]:
    """Check the length and the order of a period."""
    if period.low is None or period.high is None:
        return ()
    if period.is_reversed:
        return [
            rules.RANGE_REVERSED.build_violation("deposited_from", low=period.low, high=period.high)
        ]
    days = (period.high - period.low).days + 1
    if days > LONGEST_PERIOD_DAYS:
        return [
            rules.PERIOD_TOO_LONG.build_violation(
                "deposited_to", days=days, limit=LONGEST_PERIOD_DAYS
            )
        ]
    return ()


def _count_one(counted: Counted | None, *, is_kept: bool) -> Subtotal:
    one = Sum(1, counted.amounts if counted else _ZERO)
    is_avoir = is_kept and counted is not None and counted.is_avoir
    return Subtotal(one, one if is_kept else Sum(), one if is_avoir else Sum())


def _build_sort_key(part: tuple[tuple[str, str], Subtotal]) -> tuple[str, int, str]:
    """Build the sort key of a subtotal: its currency, then its cadre, A4 before A10."""
    (currency, cadre), _ = part
    return currency, len(cadre), cadre
