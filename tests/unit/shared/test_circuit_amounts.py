"""Whose amounts hold, during the contract and at its end."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from shared.circuit.amounts import (
    Previous,
    find_prevailing_amounts,
    judge_carried,
    must_carry_amounts,
)
from shared.circuit.loader import load_current, load_version
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.statuses import FINAL, Status


@dataclass(frozen=True)
class Step:
    """A piece as the rule reads it, named after its cadre and its total."""

    cadre: str
    total: int
    status: Status = Status.ASSOCIEE
    due: int | None = None
    """What is left of the total; the whole of it unless told."""

    @property
    def id(self) -> str:
        return f"{self.cadre}-{self.total}"

    @property
    def amounts(self) -> Amounts:
        total = Decimal(self.total)
        return Amounts(total, Decimal(0), total, total if self.due is None else Decimal(self.due))


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
        ([Step("A20", 80), Step("A20", 85), Step("A8", 80)], "A20-85", True),
        ([Step("A20", 80), Step("A8", 80, due=95)], "A20-80", True),
        ([Step("A20", 80), Step("A8", 80, Status.MISE_A_DISPOSITION)], "A8-80", True),
        ([Step("A20", 80), Step("A8", 80, due=30)], "A8-80", True),
        ([Step("A20", 80), Step("A8", 80, Status.REJETEE)], "A20-80", True),
        ([Step("A20", 80), Step("A8", 81, Status.REJETEE), Step("A8", 80)], "A8-80", True),
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
    held = find_prevailing_amounts(load_current(), steps, moa=True)

    assert held is not None
    assert (held.piece_id, held.is_settled) == (piece_id, is_settled)
    assert held.amounts == next(step.amounts for step in steps if step.id == piece_id)


def test_no_step_that_stands_no_amounts() -> None:
    assert find_prevailing_amounts(load_current(), [], moa=True) is None
    for status in FINAL - {Status.ASSOCIEE, Status.REMPLACEE_PAR_A22, Status.MISE_EN_PAIEMENT}:
        assert find_prevailing_amounts(load_current(), [Step("A10", 1, status)], moa=True) is None


@pytest.mark.parametrize(
    ("steps", "piece_id", "is_settled"),
    [
        ([Step("A4", 100), Step("A16", 90)], "A16-90", True),
        ([Step("A6", 100)], "A6-100", True),
        ([Step("A7", 100), Step("A18", 90, A_ASSOCIER)], "A18-90", False),
        ([Step("A7", 100), Step("A18", 90), Step("A8", 70)], "A18-90", True),
        ([Step("A7", 100), Step("A18", 90), Step("A8", 90)], "A8-90", True),
    ],
)
def test_without_a_moa_the_moe_prevails(steps: list[Step], piece_id: str, is_settled: bool) -> None:
    held = find_prevailing_amounts(load_current(), steps, moa=False)

    assert held is not None
    assert (held.piece_id, held.is_settled) == (piece_id, is_settled)


CARRIED = {
    ("A8", "A20", True),
    ("A8", "A18", False),
    ("A23", "A22", True),
    ("A24", "A22", True),
    ("A23", "A22", False),
    ("A24", "A22", False),
}
"""By hand: (what carries, whose amounts, MOA present); all the others state their own."""


def test_a_signature_and_what_silence_makes_final_carry_the_amounts_and_nothing_else_does() -> None:
    rows = load_current().rows
    pairs = [(row, before) for row in rows for before in rows]

    found = {
        (row.cadre, before.cadre, before.moa_present)
        for row, before in pairs
        if row.moa_present is before.moa_present and must_carry_amounts(row, before)
    }

    assert found == CARRIED


def test_a_dossier_of_the_first_version_is_signed_by_its_amounts_as_well() -> None:
    first = load_version("2026-1")

    assert must_carry_amounts(first["A8", True], first["A20", True])
    assert not must_carry_amounts(first["A20", True], first["A17", True])


def _amounts(ht: str, tva: str, ttc: str, due: str) -> Amounts:
    return Amounts(Decimal(ht), Decimal(tva), Decimal(ttc), Decimal(due))


def _broken(
    cadre: str,
    previous: str,
    now: Amounts,
    before: Amounts,
    types: tuple[str | None, str | None] = ("380", "380"),
) -> list[tuple[str, str]]:
    circuit = load_current()
    step = Previous(circuit[previous, True], "DG-1", before, types[1])
    broken = judge_carried(circuit[cadre, True], now, types[0], step)
    return [(each.code, each.field) for each in broken]


GENERAL = _amounts("10000", "2000", "12000", "9000")


@pytest.mark.parametrize(
    ("now", "fields"),
    [
        (_amounts("10000.00", "2000.00", "12000.00", "9000.00"), []),
        (_amounts("10000", "2000", "12000", "4000"), []),
        (_amounts("10000", "2000", "12000", "0"), []),
        (_amounts("10000", "2000", "12000", "9000.01"), ["due"]),
        (_amounts("10000", "2000", "12000", "12000"), ["due"]),
        (_amounts("10000", "2000", "12000", "-0.01"), ["due"]),
        (_amounts("99000", "19800", "118800", "118800"), ["ht", "tva", "ttc", "due"]),
        (_amounts("9000", "1800", "10800", "9000"), ["ht", "tva", "ttc"]),
        (_amounts("10500", "1500", "12000", "9000"), ["ht", "tva"]),
        (_amounts("-10000", "-2000", "-12000", "-9000"), ["ht", "tva", "ttc", "due"]),
    ],
)
def test_a_signature_of_other_amounts_is_refused_and_less_may_be_due(
    now: Amounts, fields: list[str]
) -> None:
    assert _broken("A8", "A20", now, GENERAL) == [("CIR-MONTANT-01", field) for field in fields]
    assert _broken("A23", "A22", now, GENERAL) == [("CIR-MONTANT-02", field) for field in fields]
    assert _broken("A20", "A17", now, GENERAL) == []
    assert _broken("A25", "A22", now, GENERAL) == []


@pytest.mark.parametrize(
    ("due", "fields"), [("-500", []), ("-200", []), ("0", []), ("-501", ["due"]), ("1", ["due"])]
)
def test_what_a_titulaire_owes_may_only_come_nearer_to_nothing(due: str, fields: list[str]) -> None:
    before = _amounts("-400", "-100", "-500", "-500")

    broken = _broken("A8", "A20", _amounts("-400", "-100", "-500", due), before)

    assert [field for _, field in broken] == fields


@pytest.mark.parametrize(
    ("types", "is_broken"),
    [
        (("380", "380"), False),
        (("384", "380"), False),
        (("381", "381"), False),
        (("381", "380"), True),
        (("380", "381"), True),
        ((None, "381"), True),
        (("380", None), False),
        (("381", None), False),
    ],
)
def test_an_avoir_is_not_signed_as_an_invoice_nor_an_invoice_as_an_avoir(
    types: tuple[str | None, str | None], is_broken: bool
) -> None:
    """Where the step before is of a trail that does not hold its type, nothing is said."""
    expected = [("CIR-MONTANT-03", "type_code")] if is_broken else []

    assert _broken("A8", "A20", GENERAL, GENERAL, types) == expected


def test_the_refusal_tells_both_amounts_and_to_contest() -> None:
    circuit = load_current()
    step = Previous(circuit["A20", True], "DG-1", GENERAL, "380")
    now = _amounts("10000", "2000", "118800", "9000")

    (broken,) = judge_carried(circuit["A8", True], now, "380", step)

    assert broken.message == (
        "Le montant TTC est de 118800.00 dans cette pièce A8, "
        "et de 12000.00 dans la pièce DG-1 qu'elle signe."
    )
    assert "la contester" in broken.remedy
