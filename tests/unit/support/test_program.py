"""Support as a program: what needs no broker and no store asks for no settings."""

import pytest
from typer.testing import CliRunner

from services.support.__main__ import app


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], "ask"),
        (["ask", "--help"], "its source"),
        (["ask", "quels sont les motifs", "de refus ?"], "Source : refus"),
        (["ask", "la recette de la tarte aux pommes"], "ne rien inventer"),
    ],
)
def test_it_answers_at_a_terminal_without_settings(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AIGUILLAGE_KAFKA", "AIGUILLAGE_MONGO"):
        monkeypatch.delenv(name, raising=False)

    done = CliRunner().invoke(app, words)

    assert done.exit_code == 0
    assert said in done.output
