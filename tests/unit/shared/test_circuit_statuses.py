"""The transition table of the statuses."""

import itertools

import pytest

from shared.circuit.delays import Effect
from shared.circuit.loader import load_current
from shared.circuit.statuses import (
    ENTRY,
    TRANSITIONS,
    Act,
    NextActor,
    Reason,
    find_arrival_status,
    find_transition,
    list_acts,
    list_fitting_acts,
)
from shared.circuit.visibility import is_visible_to
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.statuses import FINAL, Status

CIRCUIT = load_current()
_CODES = """
DEPOSEE EN_COURS_ACHEMINEMENT
A_VALIDER_1 VALIDEE_1 REFUSEE_1 ABSENCE_VALIDATION_1_HORS_DELAI
A_ASSOCIER_MOE PRISE_EN_COMPTE_MOE REFUSEE_MOE
A_ASSOCIER_MOA PRISE_EN_COMPTE_MOA REFUSEE_MOA
A_ASSOCIER_FOURNISSEUR REFUSEE_FOURNISSEUR CONTESTEE
ASSOCIEE REMPLACEE_PAR_A22
SUSPENDUE COMPLETEE EN_ATTENTE_RECYCLAGE_FOURNISSEUR
MISE_A_DISPOSITION REJETEE A_RECYCLER SERVICE_FAIT MANDATEE MISE_A_DISPOSITION_COMPTABLE
COMPTABILISEE MISE_EN_PAIEMENT
"""
USED = {Status(code) for code in _CODES.split()}
"""Written by hand from the platform's matrix of statuses."""
ARRIVING = {
    Status.DEPOSEE,
    Status.EN_COURS_ACHEMINEMENT,
    Status.VALIDEE_1,
    Status.ABSENCE_VALIDATION_1_HORS_DELAI,
}


def test_no_act_leaves_a_final_status() -> None:
    assert not any(row.sources & FINAL for row in TRANSITIONS)


def test_nobody_is_awaited_exactly_when_the_dossier_ends() -> None:
    ends = {row.target for row in TRANSITIONS if row.awaited is NextActor.NOBODY}

    assert ends == FINAL - {Status.ASSOCIEE, Status.REMPLACEE_PAR_A22}


def test_the_codes_are_the_portal_s_fifty_seven_and_one_of_ours() -> None:
    assert len(Status) == 57 + len({Status.CONTESTEE})
    assert all(status.name == status.value for status in Status)


def _by_the_tables() -> set[Status]:
    """All that a deposit, a hop, an act or a delay makes of a piece."""
    first = {ENTRY[row.recipient] for row in CIRCUIT.rows}
    validated = {Status.A_VALIDER_1 for row in CIRCUIT.rows if row.validator}
    by_silence = {
        Status.ABSENCE_VALIDATION_1_HORS_DELAI
        for each in CIRCUIT.delays
        if each.effect is Effect.VALIDATE
    }
    return {Status.DEPOSEE, *first, *validated, *by_silence, *(row.target for row in TRANSITIONS)}


def test_the_statuses_that_the_platform_uses_are_these_and_no_other() -> None:
    assert _by_the_tables() == USED


def test_no_status_in_use_is_a_dead_end() -> None:
    left = set().union(*(row.sources for row in TRANSITIONS)) | ARRIVING

    assert left == USED - FINAL
    assert FINAL < USED


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("role", list(ENTRY))
def test_a_hop_puts_a_piece_on_its_way_before_its_recipient_and_leaves_the_others(
    role: Role, status: Status
) -> None:
    is_back = status is Status.COMPLETEE and role is not Role.SERVICE_FINANCIER

    assert find_arrival_status(status, role) is (
        ENTRY[role] if status in ARRIVING or is_back else status
    )


def test_one_act_of_one_role_from_one_status_has_one_outcome() -> None:
    keys = [(row.act, row.role, source) for row in TRANSITIONS for source in row.sources]

    assert len(keys) == len(set(keys))


def test_there_is_no_taking_into_account_by_the_titulaire() -> None:
    assert (
        find_transition(Act.PRENDRE_EN_COMPTE, Role.TITULAIRE, Status.A_ASSOCIER_FOURNISSEUR)
        is None
    )
    assert list_acts(Role.TITULAIRE, Status.A_ASSOCIER_FOURNISSEUR) == (
        Act.DEPOSER_SUITE,
        Act.REFUSER,
        Act.SUSPENDRE,
        Act.CONTESTER,
    )


def test_each_financial_status_is_reached_from_each_earlier_one_and_from_no_later_one() -> None:
    order = (
        (Act.SERVICE_FAIT, Status.SERVICE_FAIT),
        (Act.MANDATER, Status.MANDATEE),
        (Act.METTRE_A_DISPOSITION_COMPTABLE, Status.MISE_A_DISPOSITION_COMPTABLE),
        (Act.COMPTABILISER, Status.COMPTABILISEE),
        (Act.METTRE_EN_PAIEMENT, Status.MISE_EN_PAIEMENT),
    )

    for (i, (_, source)), (j, (act, target)) in itertools.product(enumerate(order), repeat=2):
        found = find_transition(act, Role.SERVICE_FINANCIER, source)
        assert (found is not None) is (i < j)
        assert found is None or found.target is target


def test_who_stops_a_piece_says_why() -> None:
    reasons = {row.act: row.reason for row in TRANSITIONS if row.reason is not Reason.NONE}

    assert reasons == {
        Act.REFUSER: Reason.MOTIVE,
        Act.SUSPENDRE: Reason.COMMENT,
        Act.REJETER: Reason.COMMENT,
        Act.CONTESTER: Reason.COMMENT,
        Act.MAINTENIR: Reason.COMMENT,
        Act.DEMANDER_RECYCLAGE: Reason.COMMENT,
    }


@pytest.mark.parametrize(
    ("cadre", "moa", "role", "status", "expected"),
    [
        ("A20", True, Role.TITULAIRE, "A_ASSOCIER_FOURNISSEUR", "contester"),
        ("A18", False, Role.TITULAIRE, "A_ASSOCIER_FOURNISSEUR", "contester"),
        ("A20", True, Role.MOA, "CONTESTEE", "deposer_suite maintenir"),
        ("A18", False, Role.MOE, "CONTESTEE", "deposer_suite maintenir"),
        ("A10", True, Role.TITULAIRE, "A_VALIDER_1", "refuser valider"),
        ("A10", True, Role.SOUS_TRAITANT, "A_VALIDER_1", ""),
        ("A10", True, Role.SOUS_TRAITANT, "SUSPENDUE", "completer"),
        ("A13", True, Role.COTRAITANT, "EN_ATTENTE_RECYCLAGE_FOURNISSEUR", "recycler"),
        ("A7", True, Role.TITULAIRE, "A_ASSOCIER_MOE", "remplacer"),
        ("A17", True, Role.TITULAIRE, "PRISE_EN_COMPTE_MOA", "remplacer"),
        ("A20", True, Role.MOE, "CONTESTEE", "deposer_suite maintenir"),
    ],
)
def test_what_a_role_may_do_fits_the_piece(
    cadre: str, moa: bool, role: Role, status: str, expected: str
) -> None:
    found = set(list_fitting_acts(role, Status(status), CIRCUIT[cadre, moa]))

    assert found >= set(expected.split())
    if "contester" not in expected:
        assert found == set(expected.split())


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("status", list(Status))
def test_a_payment_not_reported_is_hidden_from_the_suppliers_alone(
    role: Role, status: Status
) -> None:
    hidden = role in SUPPLIER_SIDE and status is Status.MISE_EN_PAIEMENT

    assert is_visible_to(role, status, payment_not_reported=True) is not hidden
    assert is_visible_to(role, status, payment_not_reported=False)
