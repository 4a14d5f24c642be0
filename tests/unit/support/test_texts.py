"""What people write: French typography passes, what shows nothing is nothing."""

import pytest

from services.support.access.domain.texts import judge_line, judge_text
from services.support.tickets.domain.prefill import cut_title
from shared.vocabulary.sizes import MEGABYTE, format_megabytes
from shared.vocabulary.texts import clean


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\u202e", "\u2066", "\ud800"])
def test_what_no_screen_shows_is_refused_in_a_line_as_in_a_text(sign: str) -> None:
    kept = clean(f"a{sign}b")

    for found in (judge_line("t", "T", kept), judge_text("t", "T", kept, is_required=True)):
        assert [each.code for each in found] == ["SUP-TEXTE-03"]


@pytest.mark.parametrize("sign", ["\u00a0", "\u202f", "\u200b", "\u200d", "\u2028", "\n"])
def test_a_title_made_of_a_text_is_one_that_a_ticket_takes(sign: str) -> None:
    assert [*judge_line("title", "Le titre", cut_title(f"Une{sign}question{sign}?"))] == []


def test_a_line_holds_no_line_end() -> None:
    assert [each.code for each in judge_line("t", "T", "a\nb")] == ["SUP-TEXTE-03"]
    assert [each.code for each in judge_line("t", "T", "a\tb")] == ["SUP-TEXTE-03"]


@pytest.mark.parametrize("answer", ["👍", "?", "…"])
def test_a_message_may_be_a_sign(answer: str) -> None:
    assert [*judge_text("text", "Le message", clean(answer), is_required=True)] == []


@pytest.mark.parametrize(
    ("size_bytes", "written"),
    [(10 * MEGABYTE, "10 Mo"), (10 * MEGABYTE + 1, "10,1 Mo"), (1, "0,1 Mo")],
)
def test_a_size_is_written_in_megabytes_and_never_as_less_than_it_is(
    size_bytes: int, written: str
) -> None:
    assert format_megabytes(size_bytes) == written
