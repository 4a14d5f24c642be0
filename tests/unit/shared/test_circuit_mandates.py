"""Mandates: which one allows an act on a day, and which reason is told when none does."""

from dataclasses import replace
from datetime import date

import pytest

from shared.circuit.mandates import Mandate, judge_mandate, needs_mandate
from shared.circuit.parties import Parties, Party
from shared.vocabulary.rules import Violation

MANDANT, DELEGATE, OTHER = "90000000300013", "90000000800012", "90000000400011"
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
ALL = Mandate("all", 1, MANDANT, DELEGATE, MANDANT, FIRST, LAST)
SOME = replace(ALL, id="some", contracts=frozenset({"2026-T-017"}))
CLOSED = replace(ALL, id="closed", closed_on=date(2026, 6, 1))
NEXT = replace(ALL, id="next", valid_from=date(2027, 1, 1), valid_until=date(2027, 12, 31))


@pytest.mark.parametrize(
    ("mandates", "marche", "day", "expected"),
    [
        ([ALL], None, FIRST, "all"),
        ([ALL], "2026-T-017", LAST, "all"),
        ([ALL], None, date(2027, 1, 1), "CIR-MANDAT-03"),
        ([ALL], None, date(2025, 12, 31), "CIR-MANDAT-02"),
        ([ALL, NEXT], None, LAST, "all"),
        ([ALL, NEXT], None, date(2027, 1, 1), "next"),
        ([NEXT], None, LAST, "CIR-MANDAT-02"),
        ([SOME], "2026-T-017", LAST, "some"),
        ([SOME], " 2026-t-017", LAST, "some"),
        ([SOME], "2026-T-018", LAST, "CIR-MANDAT-05"),
        ([SOME], None, LAST, "CIR-MANDAT-05"),
        ([SOME, CLOSED], "2026-T-018", LAST, "CIR-MANDAT-04"),
        ([CLOSED], None, FIRST, "CIR-MANDAT-04"),
        ([replace(ALL, delegate=OTHER)], None, FIRST, "CIR-MANDAT-01"),
        ([replace(ALL, mandant=OTHER)], None, FIRST, "CIR-MANDAT-01"),
        ([], None, FIRST, "CIR-MANDAT-01"),
    ],
)
def test_a_mandate_allows_an_act_or_a_reason_is_told(
    mandates: list[Mandate], marche: str | None, day: date, expected: str
) -> None:
    found = judge_mandate(mandates, MANDANT, DELEGATE, marche, day)

    if isinstance(found, Violation):
        assert (found.code, found.field) == (expected, "mandant")
    else:
        assert found.id == expected


@pytest.mark.parametrize(
    ("mandant", "moa", "is_needed"),
    [(MANDANT, DELEGATE, True), (MANDANT, MANDANT, False), (None, DELEGATE, False)],
)
def test_a_moa_that_acts_for_another_needs_a_mandate(
    mandant: str | None, moa: str, *, is_needed: bool
) -> None:
    parties = Parties(Party("t"), Party("f"), moa=Party(moa))

    assert needs_mandate(mandant, parties) is is_needed
    assert not needs_mandate(mandant, Parties(Party("t"), Party("f")))
