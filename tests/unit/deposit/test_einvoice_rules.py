"""The rules on what was read: each is broken once, by name and by field."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deposit.domain.file_party import Party
from services.deposit.domain.invoice import Invoice, judge_invoice
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.codes import Syntax

TODAY = date(2026, 11, 24)
VALID = Invoice(
    syntax=Syntax.UBL,
    number="SIT-2026/11 n+1",
    issued_on=TODAY,
    currency="EUR",
    ht=Decimal("100.00"),
    tva=Decimal("20.00"),
    ttc=Decimal("120.00"),
    due=Decimal("70.00"),
    seller=Party(siret="73282932000074"),
    buyer=Party(siret="35600000049837"),
)


def broken(invoice: Invoice, max_number_length: int = 20) -> list[tuple[str, str]]:
    violations = judge_invoice(invoice, today=TODAY, max_number_length=max_number_length)
    return [(v.code, v.field) for v in violations]


def owing(ttc: int, due: int | str | Decimal) -> Invoice:
    """Give an invoice without VAT, of a total, with an amount left to pay."""
    total = Decimal(ttc)
    return replace(VALID, ht=total, tva=Decimal(0), ttc=total, due=Decimal(due))


def test_a_right_invoice_breaks_no_rule() -> None:
    assert broken(VALID) == []


@pytest.mark.parametrize("name", ["number", "issued_on", "currency", "ht", "ttc", "due"])
def test_an_absent_field_is_named(name: str) -> None:
    absent: dict[str, Any] = {name: None}

    assert broken(replace(VALID, **absent)) == [("DEP-INV-01", name)]


def test_absent_vat_is_named_only_when_the_totals_show_that_there_is_some() -> None:
    assert broken(replace(VALID, tva=None)) == [("DEP-INV-01", "tva")]
    assert broken(replace(VALID, tva=None, ht=Decimal(120))) == []


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("issued_on", "30/02/2026", "DEP-INV-02"),
        ("ht", "dix", "DEP-INV-03"),
        ("due", "1e3", "DEP-INV-03"),
        ("ttc", "120.001", "DEP-INV-04"),
        ("tva", "-20.000", "DEP-INV-04"),
    ],
)
def test_a_malformed_value_is_named_once(field: str, text: str, code: str) -> None:
    unread: dict[str, Any] = {field: None, "malformed": {field: text}}
    invoice = replace(VALID, **unread)

    violations = judge_invoice(invoice, today=TODAY, max_number_length=20)

    assert [(v.code, v.field) for v in violations] == [(code, field)]
    assert text in violations[0].message


def test_totals_that_do_not_add_up_are_named() -> None:
    assert broken(replace(VALID, ttc=Decimal("120.01"))) == [("DEP-INV-05", "ttc")]


@pytest.mark.parametrize(
    ("ttc", "due"),
    [
        (120, 120),
        (120, 0),
        (120, -5),  # an advance to give back is more than the month's works
        (0, 0),
        (0, -30),
        (-120, -120),  # an avoir as an invoice below zero
        (-120, -150),
        (-120, 0),
    ],
)
def test_what_is_left_to_pay_may_be_anything_up_to_the_total(ttc: int, due: int) -> None:
    assert broken(owing(ttc, due)) == []


@pytest.mark.parametrize(("ttc", "due"), [(120, "120.01"), (0, 1), (-120, 120), (-120, "0.01")])
def test_more_left_to_pay_than_the_total_is_refused(ttc: int, due: int | str) -> None:
    assert broken(owing(ttc, due)) == [("DEP-INV-13", "due")]


def test_a_file_that_gives_the_terms_adds_up_to_the_cent() -> None:
    paid = replace(VALID, prepaid=Decimal(50))

    assert broken(paid) == []
    assert broken(replace(paid, prepaid=Decimal("50.01"))) == [("DEP-INV-12", "due")]
    assert broken(replace(paid, rounding=Decimal("0.01"))) == [("DEP-INV-12", "due")]
    assert broken(replace(paid, due=Decimal("70.01"), rounding=Decimal("0.01"))) == []
    assert broken(replace(VALID, due=Decimal("120.05"), rounding=Decimal("0.05"))) == []


def test_what_was_paid_already_adds_nothing_to_the_total() -> None:
    repaid = replace(VALID, due=Decimal(130), prepaid=Decimal(-10))

    assert broken(repaid) == [("DEP-INV-13", "due")]


@pytest.mark.parametrize("rounding", ["7800.00", "1.01"])
def test_a_rounding_is_no_way_to_add_to_the_total(rounding: str) -> None:
    added = Decimal(rounding)

    assert broken(replace(owing(1200, 1200 + added), rounding=added)) == [("DEP-INV-13", "due")]
    assert broken(replace(owing(1200, 1201), rounding=Decimal(1))) == []


@pytest.mark.parametrize("rounding", [None, Decimal("0.00")])
def test_terms_of_zero_say_no_more_than_none(rounding: Decimal | None) -> None:
    """A décompte from which a retenue is taken is often written with a prepayment of 0.00."""
    assert broken(replace(owing(120, 114), prepaid=Decimal("0.00"), rounding=rounding)) == []


def test_terms_that_cannot_be_read_are_named_and_not_added_up() -> None:
    unread = replace(VALID, malformed={"prepaid": "50.000"})

    assert broken(unread) == [("DEP-INV-04", "prepaid")]


def test_a_date_after_the_deposit_is_refused() -> None:
    assert broken(replace(VALID, issued_on=date(2026, 11, 25))) == [("DEP-INV-06", "issued_on")]


@pytest.mark.parametrize(
    "day", [date(1, 1, 1), date(26, 11, 24), date(1899, 12, 31), date(1999, 12, 31), date.max]
)
def test_a_date_lies_between_2000_and_2099(day: date) -> None:
    assert broken(replace(VALID, issued_on=day)) == [("DEP-INV-17", "issued_on")]


def test_the_first_day_of_all_is_accepted() -> None:
    assert broken(replace(VALID, issued_on=date(2000, 1, 1))) == []


def test_the_longest_number_is_a_setting() -> None:
    longer = replace(VALID, number="N" * 21)

    assert broken(longer) == [("DEP-INV-07", "number")]
    assert broken(longer, max_number_length=35) == []


@pytest.mark.parametrize("number", ["N°1", "SIT\n1", "é", "<x>", "１"])
def test_an_odd_sign_in_the_number_is_refused(number: str) -> None:
    assert broken(replace(VALID, number=number)) == [("DEP-INV-08", "number")]


@pytest.mark.parametrize("currency", ["euro", "eur", "€", "E1R"])
def test_a_currency_is_three_capitals(currency: str) -> None:
    assert broken(replace(VALID, currency=currency)) == [("DEP-INV-09", "currency")]


def test_a_siret_with_a_wrong_key_names_its_party() -> None:
    wrong = Party(siret="73282932000075")

    assert broken(replace(VALID, seller=wrong)) == [("DEP-INV-10", "seller.siret")]
    assert broken(replace(VALID, buyer=wrong)) == [("DEP-INV-10", "buyer.siret")]


def test_a_contradiction_is_named_and_not_called_absent() -> None:
    invoice = replace(VALID, number=None, contradictions={"number": ("A", "B")})

    assert broken(invoice) == [("DEP-INV-11", "number")]


def test_all_violations_come_at_once() -> None:
    invoice = replace(
        VALID, number="é" * 30, currency="X", ttc=Decimal(1), due=None, buyer=Party(siret="1")
    )

    assert {code for code, _ in broken(invoice)} == {
        "DEP-INV-01",
        "DEP-INV-05",
        "DEP-INV-07",
        "DEP-INV-08",
        "DEP-INV-09",
        "DEP-INV-10",
    }


def test_a_message_quotes_a_hostile_field_in_short() -> None:
    invoice = replace(VALID, number="é" * 1_000_000, ht=None, malformed={"ht": "9" * 1_000_000})

    assert all(
        len(v.message) < 200 for v in judge_invoice(invoice, today=TODAY, max_number_length=20)
    )


@given(
    ht=st.decimals(min_value=-(10**6), max_value=10**6, places=2),
    tva=st.decimals(min_value=-(10**6), max_value=10**6, places=2),
    error=st.decimals(min_value=-1, max_value=1, places=2),
)
def test_the_totals_rule_holds_exactly_when_the_sum_is_right(
    ht: Decimal, tva: Decimal, error: Decimal
) -> None:
    invoice = replace(VALID, ht=ht, tva=tva, ttc=ht + tva + error)

    assert (("DEP-INV-05", "ttc") in broken(invoice)) == (error != 0)


def test_amounts_are_whole_or_none() -> None:
    assert VALID.get_amounts() == Amounts(Decimal(100), Decimal(20), Decimal(120), Decimal(70))
    assert replace(VALID, due=None).get_amounts() is None
    assert replace(VALID, tva=None).get_amounts() is None


def test_absent_vat_counts_as_none_when_ht_equals_ttc() -> None:
    exempt = replace(VALID, tva=None, ht=Decimal(120))

    assert exempt.get_amounts() == Amounts(Decimal(120), Decimal(0), Decimal(120), Decimal(70))
    assert replace(exempt, malformed={"tva": "x"}).get_amounts() is None
