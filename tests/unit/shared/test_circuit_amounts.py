"""Whose amounts hold, during the contract and at its end."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from shared.circuit.amounts import prevailing
from shared.circuit.loader import current
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.statuses import FINAL, Status


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


A_ASSOCIER, REPLACED = Status.A_ASSOCIER_FOURNISSEUR, Status.REMPLACEE_PAR_A22


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
        ([Step("A7", 100, REPLACED), Step("A22", 95)], "A22-95", False),
        ([Step("A7", 100, REPLACED), Step("A22", 95), Step("A23", 94)], "A23-94", True),
        ([Step("A19", 80, Status.MISE_A_DISPOSITION)], "A19-80", True),
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
    for status in FINAL - {Status.ASSOCIEE, Status.REMPLACEE_PAR_A22, Status.MISE_EN_PAIEMENT}:
        assert prevailing(current(), [Step("A10", 1, status)], moa=True) is None


@pytest.mark.parametrize(
    ("steps", "piece_id", "is_settled"),
    [
        ([Step("A4", 100), Step("A16", 90)], "A16-90", True),
        ([Step("A6", 100)], "A6-100", True),
        ([Step("A7", 100), Step("A18", 90, A_ASSOCIER)], "A18-90", False),
        ([Step("A7", 100), Step("A18", 90), Step("A8", 70)], "A18-90", True),
    ],
)
def test_without_a_moa_the_moe_prevails(steps: list[Step], piece_id: str, is_settled: bool) -> None:
    held = prevailing(current(), steps, moa=False)

    assert held is not None
    assert (held.piece_id, held.is_settled) == (piece_id, is_settled)
