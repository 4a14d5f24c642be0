"""What is typed, as its writer sees it; and what no screen can show."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vocabulary.texts import is_showable, plain, says_something


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("Où en est ma facture\u00a0?", "Où en est ma facture ?"),
        ("Capture à 10.00\u202fPM", "Capture à 10.00 PM"),
        ("EJ\u200b-2026\ufeff", "EJ-2026"),
        ("démo\u00adlition", "démolition"),
        ("un\r\ndeux\rtrois\u2028quatre", "un\ndeux\ntrois\nquatre"),
        ("\u3000 \u200b\t\u2800\u3164", ""),
        ("chantier 👷\u200d♀\ufe0f", "chantier 👷♀\ufe0f"),
        ("  SIT-1  ", "SIT-1"),
        ("Œuvre de l'été", "Œuvre de l'été"),
    ],
)
def test_a_typed_text_is_what_its_writer_sees(typed: str, seen: str) -> None:
    assert plain(typed) == seen
    assert is_showable(seen, lines=True)


@pytest.mark.parametrize(
    "sign",
    [
        *"\0\x08\x1b\x7f\x9b",
        *"\u202e\u2066\ud800\udfff\ue000\U0010ffff",
        *"\ufdd0\ufffe\U0001ffff",
    ],
)
def test_what_no_screen_can_show_is_told(sign: str) -> None:
    assert not is_showable(plain(f"a{sign}b"))
    assert not is_showable(plain(f"a{sign}b"), lines=True)


def test_a_line_has_no_line_end_and_no_tab() -> None:
    assert not is_showable("a\nb")
    assert not is_showable("a\tb")
    assert is_showable("a\n\tb", lines=True)


def test_every_sign_of_unicode_is_made_plain_shown_or_told() -> None:
    """The tables of this Python's Unicode say the same as ours, sign by sign."""
    for sign in map(chr, range(sys.maxunicode + 1)):
        category = unicodedata.category(sign)
        if category in {"Cc", "Cs", "Co"} and sign not in "\t\n\r\x85":
            assert not is_showable(f"a{sign}b", lines=True), hex(ord(sign))
        if category in {"Zs", "Zl", "Zp"}:
            assert plain(f"a{sign}b") in {"a b", "a\nb"}, hex(ord(sign))


@given(st.text())
def test_a_plain_text_is_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text)


def test_a_text_says_something_by_a_letter_or_a_digit() -> None:
    assert says_something("É")
    assert says_something("- 7 -")
    assert not any(map(says_something, ["", " ", "…", "-", plain("\u3164\u200b\u2800")]))
