"""The key of a SIRET: ours, since domains import nothing, held against python-stdnum.

The library also checks the key of the SIREN inside, which ours leaves alone: it is right here.
"""

from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.fr import siret

from shared.vocabulary.siret import is_siret


def _digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


_SIREN = _digits(8).map(lambda stem: stem + str(luhn.calc_check_digit(stem)))


@given(_SIREN | st.just("356000000"), _digits(5))
@example("732829320", "00074")
@example("356000000", "00048")
@example("356000000", "49837")
@example("356000000", "00001")
def test_our_key_and_the_library_s_agree(siren: str, nic: str) -> None:
    assert is_siret(siren + nic) is siret.is_valid(siren + nic)
