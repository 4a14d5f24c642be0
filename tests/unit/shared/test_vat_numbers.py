"""French VAT numbers: ours, held against python-stdnum, but for keys with a letter."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.fr import tva

from shared.vocabulary.vat_numbers import (
    compact_vat_number,
    extract_siren,
    has_french_form,
    is_french_vat_number,
)

_SIREN = st.text("123456789", min_size=1, max_size=1).flatmap(
    lambda first: st.text("0123456789", min_size=7, max_size=7).map(lambda rest: first + rest)
)


@given(_SIREN.map(lambda stem: stem + str(luhn.calc_check_digit(stem))), st.integers(0, 99))
@example("552081317", 3)
@example("552081317", 44)
def test_a_key_of_digits_and_the_library_s_agree(siren: str, key: int) -> None:
    number = f"FR{key:02d}{siren}"

    assert is_french_vat_number(number) is tva.is_valid(number)
    assert extract_siren(number) == siren


@pytest.mark.parametrize("number", ["FRK7399859412", "FR4Z123456782"])
def test_a_key_with_a_letter_is_taken_as_it_is(number: str) -> None:
    assert is_french_vat_number(number)
    assert extract_siren(number) == number[4:]


@pytest.mark.parametrize(
    "number", ["", "FR", "FR123", "FR0355208131", "FR035520813170", "FRIO334175221", "DE811569869"]
)
def test_another_form_is_no_french_number(number: str) -> None:
    assert not has_french_form(number)
    assert not is_french_vat_number(number)
    assert extract_siren(number) is None


def test_a_number_of_monaco_holds_no_siren() -> None:
    assert is_french_vat_number("FR53000004605")
    assert extract_siren("FR53000004605") is None


def test_blanks_points_and_dashes_do_not_count() -> None:
    assert compact_vat_number(" fr 05-987.654\u00a0321 ") == "FR05987654321"
