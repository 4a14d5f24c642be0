"""Amounts of money: decimals of the currency's unit, two places at most, never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal

_AMOUNT = re.compile(r"-?\d{1,17}(\.\d{1,2})?", re.ASCII)
"""19 digits of which 2 decimals (FR CTC schematron, BR-FR amounts)."""


def parse_amount(text: str) -> Decimal:
    """Read a plain decimal string such as `1234.50`, in the currency's unit; no zero has a sign.

    Raises ValueError for anything else: exponents, thousands separators, a third decimal.
    """
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    # Twenty-eight digits of precision hold any amount: to add zero changes nothing but -0.
    return Decimal(text) + 0


@dataclass(frozen=True, slots=True)
class Amounts:
    """The totals of a piece, in the unit of its currency."""

    ht: Decimal
    tva: Decimal
    ttc: Decimal
    due: Decimal
