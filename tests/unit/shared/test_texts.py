"""Ordinary French is made plain; what hides something stays, to be refused."""

import pytest

from shared.vocabulary.texts import plain


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Où en est ma facture\u00a0?", "Où en est ma facture ?"),
        ("Capture à 10.00\u202fPM.txt", "Capture à 10.00 PM.txt"),
        ("\ufeffcoop\u00adération\u200b", "coopération"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\U0001f4bb"),
        ("deux\nlignes\t!", "deux\nlignes\t!"),
        ("", ""),
    ],
)
def test_spaces_become_common_and_what_nobody_sees_goes(text: str, made: str) -> None:
    assert plain(text) == made
    assert plain(made) == made


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u2028", "\U000e0041", "\x00", "\x7f"])
def test_what_hides_or_reorders_stays(sign: str) -> None:
    assert plain(f"a{sign}b") == f"a{sign}b"
    assert not plain(f"a{sign}b").isprintable()
