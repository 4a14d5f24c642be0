"""What people write, as it is kept: French typography passes, what shows nothing is nothing."""

import pytest

from services.support.domain.conversation import as_title
from services.support.domain.texts import judge_line, judge_text, tidy
from shared.vocabulary.texts import is_blank


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Où en est ma facture\u00a0?", "Où en est ma facture ?"),
        ("Où en est ma facture\u202f?", "Où en est ma facture ?"),
        ("a\u2003b\u3000c", "a b c"),
        ("\ufeffBon\u00adjour\u200b", "Bonjour"),
        ("👩\u200d🔧 en panne", "👩🔧 en panne"),
        ("un\r\ndeux\rtrois\u2028quatre", "un\ndeux\ntrois\nquatre"),
        ("👍", "👍"),
        ("?", "?"),
        ("a\u202eb", "a\u202eb"),
        ("\x07", "\x07"),
    ],
)
def test_a_text_is_kept_with_one_kind_of_space(written: str, kept: str) -> None:
    assert tidy(written) == kept


@pytest.mark.parametrize(
    "nothing",
    ["", " \n", "\u3164", "\u2800", "\u200b", "\u2028", "\U000e0041\U000e007f", "\ufe0f", "\u00ad"],
)
def test_what_shows_nothing_is_no_text(nothing: str) -> None:
    assert is_blank(nothing)
    assert tidy(nothing) == ""
    found = judge_text("t", "Le titre", tidy(nothing), is_required=True)
    assert [each.code for each in found] == ["SUP-TEXTE-01"]


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x85", "\u202e", "\u2066", "\ud800"])
def test_what_no_screen_shows_is_refused_in_a_line_as_in_a_text(sign: str) -> None:
    kept = tidy(f"a{sign}b")

    for found in (judge_line("t", "T", kept), judge_text("t", "T", kept, is_required=True)):
        assert [each.code for each in found] == ["SUP-TEXTE-03"]


@pytest.mark.parametrize("sign", ["\u00a0", "\u202f", "\u200b", "\u200d", "\u2028", "\n"])
def test_a_title_made_of_a_text_is_one_that_a_ticket_takes(sign: str) -> None:
    assert [*judge_line("title", "Le titre", as_title(f"Une{sign}question{sign}?"))] == []


def test_a_line_holds_no_line_end() -> None:
    assert [each.code for each in judge_line("t", "T", "a\u2028b")] == ["SUP-TEXTE-03"]
    assert [each.code for each in judge_line("t", "T", "a\tb")] == ["SUP-TEXTE-03"]
