"""Support as a program: what needs no broker and no store asks for no settings."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.support.__main__ import app
from services.support.settings import DATA, load_catalogue
from services.support.suggestions.adapters.model_file import read_model

TAUGHT = {"DEPOT": "fichier", "M_PAIEMENT": "retard", "INCONNUE": "autre"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], "ask"),
        (["train", "--help"], "AIGUILLAGE_MODEL"),
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


def test_it_trains_a_model_that_it_may_serve_by(tmp_path: Path) -> None:
    examples = tmp_path / "exemples.csv"
    lines = [f"{code};un {word} {n};{word}" for code, word in TAUGHT.items() for n in range(4)]
    examples.write_text("\n".join(["sous_categorie;titre;description", *lines]), encoding="utf-8")
    file = tmp_path / "model.npz"

    done = CliRunner().invoke(app, ["train", str(file), "--examples", str(examples)])

    assert done.exit_code == 0, done.output
    assert "8 examples of 2 sub-categories, learnt in " in done.output
    assert "4 examples passed over" in done.output
    assert "never suggested: ACTIVATION, API, CADRE" in done.output
    assert "cross-validated, sub-category first: 1.000" in done.output
    assert read_model(file, load_catalogue(DATA / "catalogue.csv").desks).classes == [
        "DEPOT",
        "M_PAIEMENT",
    ]


def test_what_cannot_be_learnt_from_is_named_and_nothing_written(tmp_path: Path) -> None:
    missing, file = tmp_path / "absent.csv", tmp_path / "model.npz"

    done = CliRunner().invoke(app, ["train", str(file), "--examples", str(missing)])

    assert done.exit_code == 1
    assert "absent.csv" in done.output
    assert not file.exists()
