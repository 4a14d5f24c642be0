"""What is typed, as its writer sees it; and what no screen can show."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vocabulary.texts import (
    FOLDED_LIMIT,
    clean,
    fold,
    has_visible_letter,
    is_showable,
    make_one_line,
    make_showable,
    normalise_nfc,
    normalise_nfd,
)

_STACKS = ("\u0301", "\u0315\u0300")
"""Marks as texts may stack them: one, and two out of order."""


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
        ("Re\u0301gie", "Régie"),
        ("e\u200d\u0301", "é"),
        ("\u212b", "Å"),
    ],
)
def test_a_typed_text_is_what_its_writer_sees(typed: str, seen: str) -> None:
    assert clean(typed) == seen
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
    assert not is_showable(clean(f"a{sign}b"))
    assert not is_showable(clean(f"a{sign}b"), lines=True)


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
            assert clean(f"a{sign}b") in {"a b", "a\nb"}, hex(ord(sign))


@given(st.text())
def test_a_plain_text_is_plain(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text())
def test_a_text_is_composed_and_decomposed_as_unicode_says(text: str) -> None:
    assert normalise_nfc(text) == unicodedata.normalize("NFC", text)
    assert normalise_nfd(text) == unicodedata.normalize("NFD", text)


@given(st.text())
def test_a_folded_text_is_what_unicode_leaves_of_it_without_its_marks(text: str) -> None:
    whole = unicodedata.normalize("NFKD", text.casefold())
    assert fold(text) == "".join(each for each in whole if not unicodedata.combining(each))


def test_a_folded_text_is_bounded_by_what_it_becomes() -> None:
    assert fold("\ufdfa", 5) == "صلى ا"
    assert len(fold("\ufdfa" * 10_000)) == FOLDED_LIMIT


@pytest.mark.parametrize("stack", _STACKS)
def test_marks_are_stacked_as_high_as_unicode_allows(stack: str) -> None:
    low, high = f"a{stack * 31}"[:31], f"a{stack * 31}"[:32]
    assert is_showable(clean(low))
    assert not is_showable(clean(high))
    assert not is_showable(clean(f"e\u0301{high}"), lines=True)
    assert clean(high) == high
    assert make_showable(f"{high}b") == f"{high[:31]}\N{REPLACEMENT CHARACTER}b"


def test_a_name_of_an_older_release_is_shown_on_one_line() -> None:
    assert make_one_line("Ville\u202e\nde  Lyon\u200b") == "Ville\N{REPLACEMENT CHARACTER} de Lyon"
    assert is_showable(make_one_line("\0\ud800\ta"))


def test_a_text_says_something_by_a_letter_or_a_digit() -> None:
    assert has_visible_letter("É")
    assert has_visible_letter("- 7 -")
    assert not any(map(has_visible_letter, ["", " ", "…", "-", clean("\u3164\u200b\u2800")]))
