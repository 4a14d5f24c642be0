"""The catalogue: whole, or every fault named; the desk against the label."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.support.desks.domain.catalogue import (
    COLUMNS,
    CatalogueError,
    find_desk_of_label,
    read_catalogue,
)
from services.support.settings import DATA, Settings, load_catalogue, load_targets
from services.support.tickets.domain import targets as clock
from shared.vocabulary.tickets import Desk, Priority

HEADER = ";".join(COLUMNS)
GOOD = "A;Compte;X;Mot de passe;technique;aide;source"


@pytest.mark.parametrize(
    ("label", "desk"),
    [
        ("M-question", Desk.METIER),
        ("M – Question pour le destinataire", Desk.METIER),
        ("M— Paiement", Desk.METIER),
        ("m - paiement", Desk.METIER),
        ("  M\u00a0–\u202fPaiement", Desk.METIER),
        ("M\u2011question", Desk.METIER),
        ("M−question", Desk.METIER),
        ("Ｍ－question", Desk.METIER),
        ("\u041c-question", Desk.METIER),
        ("\u039c – question", Desk.METIER),
        ("M : question", Desk.METIER),
        ("M\u00a0: question", Desk.METIER),
        ("M⸺question", Desk.METIER),
        ("M─question", Desk.METIER),
        ("M_question", Desk.METIER),
        ("M + question", Desk.METIER),
        ("M=question", Desk.METIER),
        ("M ~ question", Desk.METIER),
        ("M^question", Desk.METIER),
        ("M, le gestionnaire", Desk.TECHNIQUE),
        ("M2M : raccordement", Desk.TECHNIQUE),
        ("Mot de passe", Desk.TECHNIQUE),
        ("MOA – droits", Desk.TECHNIQUE),
        ("M. le gestionnaire", Desk.TECHNIQUE),
        ("Raccordement - M", Desk.TECHNIQUE),
        ("", Desk.TECHNIQUE),
    ],
)
def test_the_label_announces_the_desk_however_its_dash_is_written(label: str, desk: Desk) -> None:
    assert find_desk_of_label(label) is desk


def test_the_desk_of_every_sub_category_is_the_one_that_its_label_announces() -> None:
    catalogue = load_catalogue(DATA / "catalogue.csv")

    assert len(catalogue.by_code) > 15
    assert {each.desk for each in catalogue.by_code.values()} == {*Desk}
    for each in catalogue.by_code.values():
        assert each.desk is find_desk_of_label(each.label), each.code
        assert each.desk is (Desk.METIER if each.code.startswith("M_") else Desk.TECHNIQUE)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "columns"),
        (["a;b"], "columns"),
        ([HEADER], "no sub-category"),
        ([HEADER, "A;B"], "line 2: 2 fields"),
        ([HEADER, GOOD, GOOD], "line 3: X is on line 2 already"),
        ([HEADER, GOOD, "A;Autre;Y;Droits;technique;;s"], "line 3: A was labelled 'Compte'"),
        ([HEADER, "a;Compte;X;Mot;technique;;s"], "'a' is no code"),
        ([HEADER, "A;Compte;X;;technique;;s"], "a label has"),
        ([HEADER, "A;Compte;X;Mot;compta;;s"], "'compta' is no desk"),
        ([HEADER, "A;Compte;X;Mot;technique;;"], "X has no source"),
        ([HEADER, "A;Compte;X;M - Mot;technique;;s"], "announces the desk metier"),
        ([HEADER, "A;Compte;X;Mot;metier;;s"], "announces the desk technique"),
        ([HEADER, 'A;"Com;X'], "not a CSV"),
    ],
)
def test_each_fault_of_a_catalogue_is_named(lines: list[str], said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        read_catalogue(lines)


def test_a_label_may_be_typeset_as_french_is() -> None:
    label = "Où en est ma facture\u202f?"
    found = read_catalogue([HEADER, f"A;Compte\u00a0: droits;X;{label};technique;;s"])

    assert found.by_code["X"].label == "Où en est ma facture ?"
    assert found.categories[0].label == "Compte : droits"


def test_all_the_faults_of_a_catalogue_are_named_at_once() -> None:
    lines = [HEADER, "A;Compte;X;Mot;compta;;s", "A;Compte;y;M-Mot;technique;;s", "A;B"]

    with pytest.raises(CatalogueError) as error:
        read_catalogue(lines)

    assert str(error.value).count("line 2") == 1
    assert str(error.value).count("line 3") == 2
    assert "line 4: 2 fields" in str(error.value)


def _settings(catalogue: Path) -> Settings:
    return Settings(kafka="x:1", mongo="mongodb://x", catalogue=catalogue)


def test_a_catalogue_of_an_operator_takes_the_place_of_ours_and_is_checked_at_start(
    tmp_path: Path,
) -> None:
    path = tmp_path / "catalogue.csv"
    # As a spreadsheet saves it.
    path.write_text(f"{HEADER}\r\n{GOOD}\r\n\r\n", encoding="utf-8-sig")
    assert list(load_catalogue(_settings(path).catalogue).by_code) == ["X"]

    path.write_text(f"{HEADER}\n{GOOD}\n{GOOD}\n", encoding="latin-1")
    with pytest.raises(ValidationError, match="line 3: X is on line 2"):
        _settings(path)
    path.write_bytes(f"{HEADER}\nA;Compté;".encode("latin-1"))
    with pytest.raises(ValidationError, match="cannot be read"):
        _settings(path)
    with pytest.raises(ValidationError, match="cannot be read"):
        _settings(tmp_path / "nowhere.csv")


TARGETS = [";".join(clock.COLUMNS), *(f"{desk};{each};1;2" for desk in Desk for each in Priority)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "columns"),
        ([TARGETS[0], 'metier;"HAUTE;1;2'], "not a CSV"),
        ([*TARGETS, "metier;HAUTE;1"], "line 10: 3 fields"),
        ([*TARGETS, "metier;HAUTE;1;9"], "line 10: metier HAUTE has a row already"),
        ([*TARGETS[:-1], "metier;PRESSEE;1;9"], "line 9: 'PRESSEE'"),
        ([*TARGETS[:-1], f"{TARGETS[-1]}x"], "line 9: invalid"),
        (TARGETS[:-1], "no row for"),
    ],
)
def test_each_fault_of_the_targets_is_named(lines: list[str], said: str) -> None:
    with pytest.raises(clock.TargetsError, match=said):
        clock.read_targets(lines)


def test_the_targets_may_end_with_an_empty_line() -> None:
    assert len(clock.read_targets([*TARGETS, "", ";;;"])) == len(TARGETS) - 1


def test_there_is_a_target_for_each_desk_and_priority() -> None:
    targets = load_targets(DATA / "delais.csv")

    assert targets.keys() == {(desk, each) for desk in Desk for each in Priority}
    assert all(each.first_answer < each.resolution for each in targets.values())
