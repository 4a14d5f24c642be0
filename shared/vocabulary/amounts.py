"""Amounts of money: decimals of the currency's unit, two places at most, never a float."""

import re
from dataclasses import dataclass, fields
from decimal import Decimal

_AMOUNT = re.compile(r"-?\d{1,17}(\.\d{1,2})?", re.ASCII)
"""19 digits of which 2 decimals (FR CTC schematron, BR-FR amounts)."""
_CENT = Decimal("0.01")


def parse_amount(text: str) -> Decimal:
    """Parse a plain decimal string such as `1234.5`, in the currency's unit, to two decimals.

    No zero has a sign. Raises ValueError for anything else: exponents, thousands separators, a
    third decimal.
    """
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    # Adding zero turns -0 into 0, and changes no other amount: 28 digits of precision are enough.
    return Decimal(text).quantize(_CENT) + 0


def format_amount(amount: Decimal) -> str:
    """Format an amount, a sum or a difference with its two decimals, such as `1234.50`.

    Stored amounts of before have as many decimals as their depositor wrote.
    """
    return f"{amount:.2f}"


@dataclass(frozen=True, slots=True)
class Amounts:
    """The totals of a piece, in the unit of its currency."""

    ht: Decimal
    tva: Decimal
    ttc: Decimal
    due: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """Total that differs from that of the previous piece."""

    field: str
    previous: Decimal
    now: Decimal

    @property
    def difference(self) -> Decimal:
        """Difference between the two totals; negative when the new one is smaller."""
        return self.now - self.previous


def find_changes(previous: Amounts, now: Amounts) -> tuple[Change, ...]:
    """List the totals that differ.

    A change is no reason to refuse a piece (CCP, R.2192-34), unless the piece must carry the
    amounts of the previous one: see `shared.circuit.amounts`.
    """
    pairs = (
        (each.name, getattr(previous, each.name), getattr(now, each.name)) for each in fields(now)
    )
    return tuple(Change(name, before, after) for name, before, after in pairs if before != after)
