"""The motives of a refusal, by cadre and by date."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from shared.circuit import loader
from shared.circuit.motives import COMMENT_LIMIT, find_offered_motives, judge_comment, judge_refusal
from shared.circuit.statuses import ENTRY, Act, find_transition
from shared.circuit.table import Row

AMOUNT_DAY = date(2025, 2, 19)
TODAY = date(2026, 11, 24)
SOURCED = {"AUTRE", "MAUVAIS_VALIDEUR", "MAUVAISE_MOE", "MAUVAISE_MOA"}


def _offered(cadre: str, on: date) -> set[str]:
    return {motive.code for motive in find_offered_motives(cadre, on)}


def _codes(code: str | None, comment: str | None = "Double.", on: date = TODAY) -> list[str]:
    return [violation.code for violation in judge_refusal("A15", code, comment, on)]


def test_erreur_de_montant_exists_since_its_day_and_says_that_its_code_is_ours() -> None:
    assert _offered("A15", AMOUNT_DAY - timedelta(days=1)) == SOURCED
    assert _offered("A15", AMOUNT_DAY) == SOURCED | {"ERREUR_DE_MONTANT"}
    ours = next(
        motive for motive in find_offered_motives("A15", TODAY) if motive.code not in SOURCED
    )
    assert "code de la plateforme" in ours.source


def test_a_motive_is_offered_until_its_last_day() -> None:
    motive = replace(find_offered_motives("A15", TODAY)[0], valid_until=TODAY)

    assert motive.is_offered("A15", TODAY)
    assert not motive.is_offered("A15", TODAY + timedelta(days=1))


def test_a_piece_for_the_service_financier_has_no_motive_of_refusal() -> None:
    assert _offered("A19", TODAY) == _offered("A8", TODAY) == set()


@pytest.mark.parametrize("row", loader.load_current().rows, ids=lambda row: row.cadre)
def test_every_cadre_that_may_be_refused_has_a_motive_that_refuses(row: Row) -> None:
    may_refuse = find_transition(Act.REFUSER, row.recipient, ENTRY[row.recipient]) is not None

    assert any(not each.answer for each in find_offered_motives(row.cadre, TODAY)) is may_refuse


@pytest.mark.parametrize("code", sorted(SOURCED))
def test_the_sourced_motives_refuse(code: str) -> None:
    assert _codes(code) == []


def test_erreur_de_montant_blocks_and_answers_with_what_to_do() -> None:
    (broken,) = judge_refusal("A15", "ERREUR_DE_MONTANT", None, TODAY)

    assert (broken.code, broken.field) == ("CIR-MOTIF-03", "motive")
    assert "votre propre pièce" in broken.remedy


def test_a_motive_must_be_given_and_known_on_the_day() -> None:
    assert _codes(None) == ["CIR-MOTIF-01"]
    assert _codes("") == ["CIR-MOTIF-01"]
    assert _codes("PAS_CONTENT") == ["CIR-MOTIF-02"]
    assert _codes("ERREUR_DE_MONTANT", on=AMOUNT_DAY - timedelta(days=1)) == ["CIR-MOTIF-02"]


def test_the_motives_proposed_are_those_that_refuse() -> None:
    (broken,) = judge_refusal("A15", None, None, TODAY)

    assert "AUTRE" in broken.remedy
    assert "ERREUR_DE_MONTANT" not in broken.remedy


def test_autre_needs_a_complement_and_the_others_do_not() -> None:
    assert _codes("AUTRE", None) == ["CIR-MOTIF-04"]
    assert _codes("AUTRE", "  ") == ["CIR-MOTIF-04"]
    assert _codes("AUTRE", "\u200b \u3164") == ["CIR-MOTIF-04"]
    assert _codes("AUTRE", "…") == ["CIR-MOTIF-04"]
    assert _codes("MAUVAISE_MOE", None) == []


def test_an_explanation_has_a_limit() -> None:
    longest = "é" * COMMENT_LIMIT

    assert judge_comment(longest, is_required=True) == ()
    (broken,) = judge_comment(longest + "é", is_required=False)
    assert (broken.code, broken.field) == ("CIR-MOTIF-05", "comment")
    assert _codes("MAUVAISE_MOE", longest + "é") == ["CIR-MOTIF-05"]


def test_an_explanation_is_seen_whole_and_may_have_lines() -> None:
    assert judge_comment("Deux lignes\net un\u00a0« blanc »", is_required=True) == ()
    (broken,) = judge_comment("Le mon\u202etant", is_required=True)
    assert (broken.code, broken.field) == ("CIR-CHAMP-05", "comment")
