"""Refusals that may only be early: they say when to retry, and no other refusal does."""

from datetime import date

import pytest

from docs.generators.rules import find_rules
from services.deposit.domain import rules as deposit
from services.support.access.domain.parties import Recipient, judge_recipient
from shared.circuit import rules as circuit
from shared.circuit.cadres import judge_following
from shared.circuit.loader import load_current
from shared.circuit.parties import Party, judge_structure
from shared.runtime.ids import new_id
from shared.runtime.web.problems import build_not_found, build_refused
from shared.vocabulary.ids import has_id_form
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import RETRY, Rule, Violation

PUBLISHED = {
    "CIR-TOUR": {"02", "03", "04", "05"},
    "CIR-STRUCTURE": {"01", "02"},
    "CIR-SERVICE": {"01", "02"},
    "CIR-MOA": {"01", "02", "03"},
    "CIR-MANDAT": {"01", "02", "03", "04", "05"},
    "CIR-CHAMP": {"01", "02", "03", "04"},
    "DEP-META": {"03", "10"},
    "DEP-FICHE": {"01", "02", "03", "04", "05"},
    "DEP-REGUL": {"04", "06", "09"},
    "DEP-SUITE": {"01", "03", "05"},
    "DEP-COMPL": {"01"},
    "SUP-DESTINATAIRE": {"02", "03"},
    "SUP-SERVICE": {"01", "02"},
}
"""Rules that judge by what another service publishes: the turn in a dossier, who is a party of it,
the structures of the directory and their parameters."""


def test_the_rules_that_judge_by_what_is_published_are_these() -> None:
    early = {code for code, (rule, _) in find_rules().items() if rule.can_be_early}

    assert early == {f"{head}-{rank}" for head, ranks in PUBLISHED.items() for rank in ranks}


def break_rule(rule: Rule) -> Violation:
    values = dict.fromkeys(("structure", "service", "wanted", "number", "cadre"), "x")
    return rule.build_violation("field", **values)


EARLY = break_rule(circuit.STRUCTURE_UNKNOWN), break_rule(deposit.FOLLOWED_UNKNOWN)
LASTING = break_rule(circuit.DOSSIER_CLOSED), break_rule(deposit.CADRE_MISSING)


def test_a_refusal_that_may_only_be_early_says_when_to_retry() -> None:
    problem = build_refused(EARLY, 409)

    assert problem.headers == {"Retry-After": "2"}
    assert problem.detail == f"{EARLY[0].message} {EARLY[1].message} {RETRY}"
    assert problem.status == 409


@pytest.mark.parametrize("violations", [LASTING, (*EARLY, LASTING[0])])
def test_a_refusal_by_a_rule_that_lasts_does_not(violations: tuple[Violation, ...]) -> None:
    problem = build_refused(violations)

    assert problem.headers == {}
    assert problem.detail == " ".join(each.message for each in violations)


def test_what_another_service_makes_known_may_only_be_unknown_for_now() -> None:
    early, lasting = build_not_found("Pièce", can_be_early=True), build_not_found("Article")

    assert (early.headers, early.detail) == ({"Retry-After": "2"}, f"Pièce : introuvable. {RETRY}")
    assert (lasting.headers, lasting.detail) == ({}, "Article : introuvable.")


@pytest.mark.parametrize(
    ("cadre", "role", "previous", "is_early"),
    [("A22", Role.TITULAIRE, "A7", True), ("A17", Role.MOE, "A4", False)],
)
def test_a_cadre_that_follows_in_another_state_of_the_dossier_may_only_be_early(
    cadre: str, role: Role, previous: str, *, is_early: bool
) -> None:
    table = load_current()

    (broken,) = judge_following(table, cadre, role, table[previous, True], ())

    assert (broken.code, broken.can_be_early) == ("CIR-CADRE-03", is_early)


@pytest.mark.parametrize(
    ("structure", "is_early"),
    [
        ("90000000100017", True),
        ("UE_HORS_FRANCE-DE123456789", True),
        ("90000000100018", False),
        ("n'importe quoi", False),
        ("AUTRE-", False),
    ],
)
def test_a_structure_that_cannot_be_one_is_not_refused_early(
    structure: str, *, is_early: bool
) -> None:
    circuit_one = judge_structure(Role.MOE, Party(structure), {})
    (support_one,) = judge_recipient(Recipient(structure), {}, date(2026, 11, 30))

    assert circuit_one is not None
    assert [circuit_one.can_be_early, support_one.can_be_early] == [is_early] * 2


@pytest.mark.parametrize(
    ("text", "has_form"),
    [
        ("019ae3c2-6f4e-7c11-8d5e-0123456789ab", True),
        ("019AE3C2-6F4E-7C11-8D5E-0123456789AB", False),
        ("zzz", False),
        ("", False),
    ],
)
def test_an_id_has_the_form_of_those_that_services_make(text: str, *, has_form: bool) -> None:
    assert has_id_form(text) is has_form
    assert has_id_form(new_id())
