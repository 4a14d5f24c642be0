"""The keys of a SIREN and of a SIRET: ours, as domains import nothing, held to python-stdnum.

The library also checks the key of the SIREN inside, which ours leaves alone: it is right here.
"""

from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.fr import siren, siret

from shared.vocabulary.siret import is_siren, is_siret


def _digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


_SIREN = _digits(8).map(lambda stem: stem + str(luhn.calc_check_digit(stem)))


@given(_SIREN | st.just("356000000"), _digits(5))
@example("732829320", "00074")
@example("356000000", "00048")
@example("356000000", "49837")
@example("356000000", "00001")
def test_our_key_and_the_library_s_agree(company: str, nic: str) -> None:
    assert is_siret(company + nic) is siret.is_valid(company + nic)


@given(_digits(9))
@example("356000000")
@example("900000002")
def test_our_key_of_a_siren_and_the_library_s_agree(text: str) -> None:
    assert is_siren(text) is siren.is_valid(text)


@given(st.text(max_size=10))
def test_a_siren_is_nine_digits(text: str) -> None:
    assert not is_siren(text) or (len(text) == 9 and text.isascii() and text.isdigit())
