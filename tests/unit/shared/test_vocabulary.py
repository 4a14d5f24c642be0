"""The words of the trade: what is valid, and what is not."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vocabulary.amounts import format_amount, parse_amount
from shared.vocabulary.piece_numbers import build_number_key
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.rules import Rule, Violation
from shared.vocabulary.siret import is_siret
from shared.vocabulary.statuses import FINAL, Status


@pytest.mark.parametrize(
    "text",
    [
        "73282932000074",  # Luhn
        "35600000000048",  # La Poste, head office: Luhn
        "35600000049837",  # La Poste, an establishment: digit sum
        "35600000000001",
    ],
)
def test_a_siret_whose_key_is_right_is_one(text: str) -> None:
    assert is_siret(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7328293200007",
        "732829320000740",
        "73282932000075",
        "35600000049838",
        "98765432100029",
        "356000000 49837",
        "7328293200007a",
        "٧٣٢٨٢٩٣٢٠٠٠٠٧٤",
    ],
)
def test_anything_else_is_no_siret(text: str) -> None:
    assert not is_siret(text)


@given(st.integers(0, 10**12 - 1), st.integers(0, 13), st.integers(1, 9))
def test_a_digit_misread_is_noticed(number: int, place: int, shift: int) -> None:
    stem = f"{number:012d}"
    keyed = (f"{stem[:8]}{siren}{stem[8:]}{key}" for siren in range(10) for key in range(10))
    valid = next(filter(is_siret, keyed))
    wrong = str((int(valid[place]) + shift) % 10)
    misread = valid[:place] + wrong + valid[place + 1 :]

    is_la_poste = "356000000" in {valid[:9], misread[:9]}
    assert is_la_poste or not is_siret(misread)


def test_zero_has_no_sign() -> None:
    assert [str(parse_amount(text)) for text in ("-0", "-0.00", "0.0")] == ["0.00"] * 3
    assert str(parse_amount("-" + "9" * 17 + ".99")) == "-" + "9" * 17 + ".99"


@pytest.mark.parametrize("text", ["0", "-0.5", "1234.5", "1234.50", "9" * 17 + ".99"])
def test_a_plain_decimal_is_an_amount(text: str) -> None:
    assert parse_amount(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "1.234",
        "1,50",
        "1 234.50",
        "1e3",
        "+1",
        ".5",
        "1.",
        "NaN",
        "9" * 18,
        "1\n",
        "١٢",
        "--1",
    ],
)
def test_anything_else_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        parse_amount(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [("10000", "10000.00"), ("2000.5", "2000.50"), ("-7", "-7.00"), ("9" * 17, f"{'9' * 17}.00")],
)
def test_an_amount_is_read_and_written_with_two_decimals(text: str, written: str) -> None:
    assert str(parse_amount(text)) == written
    assert format_amount(Decimal(text)) == written


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2))
def test_an_amount_reads_back_to_the_cent(amount: Decimal) -> None:
    assert parse_amount(format(amount, "f")) == amount


def test_a_broken_rule_says_which_where_why_and_what_to_do() -> None:
    rule = Rule(
        "X-01", "Le montant {amount} est faux.", "Écrire {right}.", "règle de la plateforme"
    )

    assert rule.build_violation("ttc", amount="1", right="2") == Violation(
        "X-01", "ttc", "Le montant 1 est faux.", "Écrire 2."
    )


def test_no_payer_is_on_the_side_of_the_suppliers() -> None:
    assert {Role.MOE, Role.MOA, Role.SERVICE_FINANCIER}.isdisjoint(SUPPLIER_SIDE)


def test_a_final_status_is_a_status() -> None:
    assert set(Status) > FINAL


def test_two_numbers_that_differ_by_case_and_outer_blanks_are_the_same_number() -> None:
    assert {build_number_key(each) for each in ("sit-1", " SIT-1 ", "Sit-1")} == {"SIT-1"}
    assert {build_number_key(each) for each in ("été", " Été ", "ÉTÉ")} == {"ÉTÉ"}
    assert {build_number_key(each) for each in ("ß", "ss", " SS ")} == {"SS"}
    assert build_number_key("SIT 1") != build_number_key("SIT1")
