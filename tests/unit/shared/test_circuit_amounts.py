"""Whose amounts hold, during the contract and at its end."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from shared.circuit.amounts import prevailing
from shared.circuit.loader import current
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.statuses import Status


@dataclass(frozen=True)
class Step:
    """A piece as the rule reads it, named after its cadre and its due amount."""

    cadre: str
    due: int
    status: Status = Status.ASSOCIEE

    @property
    def id(self) -> str:
        return f"{self.cadre}-{self.due}"

    @property
    def amounts(self) -> Amounts:
        return Amounts(Decimal(self.due), Decimal(0), Decimal(self.due), Decimal(self.due))


A_ASSOCIER = Status.A_ASSOCIER_FOURNISSEUR


@pytest.mark.parametrize(
    ("steps", "piece_id", "is_settled"),
    [
        ([Step("A4", 100)], "A4-100", False),
        ([Step("A4", 100), Step("A15", 90)], "A15-90", False),
        ([Step("A4", 100), Step("A15", 90), Step("A19", 80)], "A19-80", True),
        ([Step("A7", 100), Step("A17", 90)], "A17-90", False),
        ([Step("A7", 100), Step("A17", 90), Step("A20", 80, A_ASSOCIER)], "A20-80", False),
        ([Step("A17", 90), Step("A20", 80, Status.CONTESTEE)], "A20-80", False),
        ([Step("A17", 90), Step("A20", 80), Step("A20", 85, A_ASSOCIER)], "A20-85", False),
        ([Step("A20", 80), Step("A20", 85), Step("A8", 70)], "A20-85", True),
        ([Step("A4", 100), Step("A15", 90, Status.REJETEE)], "A4-100", False),
        ([Step("A4", 100), Step("A15", 90, Status.REFUSEE_MOA)], "A4-100", False),
    ],
)
def test_the_moa_prevails_and_the_titulaire_settles_the_end(
    steps: list[Step], piece_id: str, is_settled: bool
) -> None:
    held = prevailing(current(), steps, moa=True)

    assert held is not None
    assert (held.piece_id, held.is_settled) == (piece_id, is_settled)
    assert held.amounts == next(step.amounts for step in steps if step.id == piece_id)


def test_no_step_that_stands_no_amounts() -> None:
    assert prevailing(current(), [], moa=True) is None
    assert prevailing(current(), [Step("A4", 1, Status.REFUSEE_MOE)], moa=True) is None
