"""The transition table of the statuses."""

import itertools

import pytest

from shared.circuit.statuses import (
    ARRIVALS,
    ENTRY,
    TRANSITIONS,
    Act,
    Awaited,
    Reason,
    acts,
    transition,
)
from shared.circuit.visibility import visible_to
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.statuses import FINAL, Status


def test_no_act_leaves_a_final_status() -> None:
    assert not any(row.sources & FINAL for row in TRANSITIONS)


def test_nobody_is_awaited_exactly_when_the_dossier_ends() -> None:
    ends = {row.target for row in TRANSITIONS if row.awaited is Awaited.NOBODY}

    assert ends == FINAL - {Status.ASSOCIEE}


def test_every_status_can_be_reached() -> None:
    reached = {Status.DEPOSEE, *ENTRY.values(), *ARRIVALS.values()}
    reached |= {row.target for row in TRANSITIONS}

    assert reached == set(Status)


def test_no_status_is_a_dead_end() -> None:
    left = set().union(*(row.sources for row in TRANSITIONS))
    left |= {status for status, _ in ARRIVALS}

    assert left == set(Status) - FINAL


def test_one_act_of_one_role_from_one_status_has_one_outcome() -> None:
    keys = [(row.act, row.role, source) for row in TRANSITIONS for source in row.sources]

    assert len(keys) == len(set(keys))


def test_there_is_no_taking_into_account_by_the_titulaire() -> None:
    assert transition(Act.PRENDRE_EN_COMPTE, Role.TITULAIRE, Status.A_ASSOCIER_FOURNISSEUR) is None
    assert acts(Role.TITULAIRE, Status.A_ASSOCIER_FOURNISSEUR) == (
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
        found = transition(act, Role.SERVICE_FINANCIER, source)
        assert (found is not None) is (i < j)
        assert found is None or found.target is target


def test_who_stops_a_piece_says_why() -> None:
    reasons = {row.act: row.reason for row in TRANSITIONS if row.reason is not Reason.NONE}

    assert reasons == {
        Act.REFUSER: Reason.MOTIVE,
        Act.SUSPENDRE: Reason.COMMENT,
        Act.REJETER: Reason.COMMENT,
        Act.CONTESTER: Reason.COMMENT,
    }


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("status", list(Status))
def test_a_payment_not_reported_is_hidden_from_the_suppliers_alone(
    role: Role, status: Status
) -> None:
    hidden = role in SUPPLIER_SIDE and status is Status.MISE_EN_PAIEMENT

    assert visible_to(role, status, payment_not_reported=True) is not hidden
    assert visible_to(role, status, payment_not_reported=False)
