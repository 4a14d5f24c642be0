"""What the one awaited may do, and the answer to everyone else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.routing.domain.commands import Treat
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier, State
from services.routing.domain.events import AdditionRefused, StatusSet
from services.routing.domain.turns import find_transition
from shared.circuit.loader import load_current
from shared.circuit.statuses import Act
from shared.vocabulary.actors import Actor
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status
from tests.unit.routing.builders import (
    A4,
    A7,
    A8,
    A15,
    A17,
    A19,
    A20,
    COMPLETED_AT,
    DIRECTORY,
    NOW,
    a_completion,
    a_treatment,
    after,
    codes,
    fold,
)


def _awaited(dossier: Dossier) -> tuple[Role, str, tuple[str, ...]]:
    assert dossier.awaited is not None
    waiting = dossier.awaited
    return waiting.actor.role, waiting.piece_id, waiting.cadres


def test_taking_into_account_keeps_the_moe_awaited_since_the_same_time() -> None:
    before = after(A4)

    dossier = after(a_treatment("A4", Act.PRENDRE_EN_COMPTE, Role.MOE), dossier=before)

    assert dossier["A4"].status is Status.PRISE_EN_COMPTE_MOE
    assert dossier.awaited == before.awaited


def test_a_refusal_ends_the_dossier_and_keeps_its_motive() -> None:
    refuse = a_treatment("A15", Act.REFUSER, Role.MOA)

    refused = decide(after(A4, A15), refuse, DIRECTORY, NOW).events[0]

    assert isinstance(refused, StatusSet)
    assert (refused.status, refused.motive) == (Status.REFUSEE_MOA, "MAUVAISE_MOA")
    assert after(A4, A15, refuse).state is State.CLOS


def test_an_erreur_de_montant_is_answered_with_what_to_do_instead() -> None:
    refuse = a_treatment("A4", Act.REFUSER, Role.MOE, motive="ERREUR_DE_MONTANT")

    decision = decide(after(A4), refuse, DIRECTORY, NOW)

    assert codes(decision) == ["CIR-MOTIF-03"]
    assert "votre propre pièce" in decision.violations[0].remedy
    assert decision.events == ()


def test_a_motive_is_dated_by_the_day_in_paris() -> None:
    refuse = a_treatment("A4", Act.REFUSER, Role.MOE, motive="ERREUR_DE_MONTANT")
    eve = datetime(2025, 2, 18, 22, 59, tzinfo=UTC)

    decisions = [decide(after(A4), refuse, DIRECTORY, eve.replace(hour=hour)) for hour in (22, 23)]

    assert [codes(decision) for decision in decisions] == [["CIR-MOTIF-02"], ["CIR-MOTIF-03"]]


def test_a_suspension_awaits_the_depositor_and_returns_to_the_one_who_suspended() -> None:
    suspended = after(A4, A15, a_treatment("A15", Act.SUSPENDRE, Role.MOA))
    completed = after(a_completion("A15", Role.MOE), dossier=suspended)

    assert _awaited(suspended) == (Role.MOE, "A15", ())
    assert _awaited(completed) == (Role.MOA, "A15", ("A19",))
    assert completed["A15"].status is Status.A_ASSOCIER_MOA
    assert completed["A15"].attachments == ("a" * 64,)
    assert Status.COMPLETEE in completed["A15"].stamps


def test_a_completion_adds_to_the_attachments_and_carries_its_own_stamp() -> None:
    deposited = replace(A4, attachments=("d" * 64,))
    suspend = a_treatment("A4", Act.SUSPENDRE, Role.MOE)

    dossier = after(deposited, suspend, a_completion("A4", Role.TITULAIRE))

    assert dossier["A4"].attachments == ("d" * 64, "a" * 64)
    assert dossier["A4"].stamps[Status.COMPLETEE] == COMPLETED_AT


def test_a_suspension_keeps_its_comment_and_no_motive_which_nobody_judged() -> None:
    suspend = a_treatment("A4", Act.SUSPENDRE, Role.MOE, motive="PAS_JUGE", comment="Manque DC4.")

    suspended = decide(after(A4), suspend, DIRECTORY, NOW).events[0]

    assert isinstance(suspended, StatusSet)
    assert (suspended.motive, suspended.comment) == (None, "Manque DC4.")


def test_a_piece_completed_for_the_service_financier_stays_completee() -> None:
    dossier = after(
        A4,
        A15,
        A19,
        a_treatment("A19", Act.SUSPENDRE, Role.SERVICE_FINANCIER),
        a_completion("A19", Role.MOA),
    )

    assert dossier["A19"].status is Status.COMPLETEE
    assert _awaited(dossier) == (Role.SERVICE_FINANCIER, "A19", ())


def test_the_moa_informed_of_an_a7_is_not_informed_again_when_it_is_completed() -> None:
    suspended = after(A7, a_treatment("A7", Act.SUSPENDRE, Role.MOE))

    events = decide(suspended, a_completion("A7", Role.TITULAIRE), DIRECTORY, NOW).events

    assert [getattr(event, "purpose", None) for event in events].count("information") == 0


def test_the_titulaire_contests_an_a20_and_the_moa_answers_by_a_new_one() -> None:
    contested = after(A7, A17, A20, a_treatment("A20", Act.CONTESTER, Role.TITULAIRE))
    answered = after(replace(A20, piece_id="A20bis", follows="A20"), dossier=contested)

    assert contested["A20"].status is Status.CONTESTEE
    assert _awaited(contested) == (Role.MOA, "A20", ("A20",))
    assert answered["A20"].status is Status.ASSOCIEE
    assert _awaited(answered) == (Role.TITULAIRE, "A20bis", ("A8",))


def test_a_contested_a20_is_not_followed_by_an_a8() -> None:
    contested = after(A7, A17, A20, a_treatment("A20", Act.CONTESTER, Role.TITULAIRE))
    by_the_moa = replace(A8, depositor=A20.depositor)

    assert codes(decide(contested, A8, DIRECTORY, NOW)) == ["CIR-TOUR-03"]
    assert codes(decide(contested, by_the_moa, DIRECTORY, NOW)) == ["CIR-CADRE-04", "CIR-CADRE-03"]


def test_a_rejection_by_the_service_financier_ends_the_dossier() -> None:
    dossier = after(A4, A15, A19, a_treatment("A19", Act.REJETER, Role.SERVICE_FINANCIER))

    assert (dossier["A19"].status, dossier.state) == (Status.REJETEE, State.CLOS)


@pytest.mark.parametrize(
    ("treat", "expected"),
    [
        (a_treatment("A4", Act.REFUSER, Role.MOE), "CIR-TOUR-02"),
        (a_treatment("A15", Act.REFUSER, Role.MOE), "CIR-TOUR-03"),
        (Treat("A15", Act.REFUSER, Actor(Role.MOA, "other")), "CIR-TOUR-03"),
        (a_treatment("A19", Act.REFUSER, Role.MOA), "ROU-PIECE-01"),
        (a_treatment("A15", Act.CONTESTER, Role.MOA), "CIR-TOUR-05"),
        (a_treatment("A15", Act.REFUSER, Role.MOA, motive=None), "CIR-MOTIF-01"),
        (a_treatment("A15", Act.SUSPENDRE, Role.MOA, comment=" "), "CIR-MOTIF-04"),
        (a_treatment("A15", Act.SUSPENDRE, Role.MOA, comment="x" * 256), "CIR-MOTIF-05"),
    ],
)
def test_an_act_that_is_not_allowed_changes_nothing_and_says_why(
    treat: Treat, expected: str
) -> None:
    decision = decide(after(A4, A15), treat, DIRECTORY, NOW)

    assert (codes(decision), decision.events) == ([expected], ())


def test_a_completion_that_comes_too_late_is_kept_and_changes_nothing() -> None:
    dossier = after(A4, a_treatment("A4", Act.SUSPENDRE, Role.MOE))
    completion = a_completion("A4", Role.TITULAIRE)

    completed = after(completion, dossier=dossier)

    again = decide(completed, completion, DIRECTORY, NOW)

    (refused,) = again.events
    assert codes(again) == ["CIR-TOUR-03"]
    assert isinstance(refused, AdditionRefused)
    assert (refused.completion, refused.rule) == (completion, "CIR-TOUR-03")
    assert fold(completed, again.events) == replace(completed, version=completed.version + 1)


def test_an_impossible_act_is_answered_with_the_possible_ones() -> None:
    take = a_treatment("A20", Act.PRENDRE_EN_COMPTE, Role.TITULAIRE)

    (broken,) = decide(after(A7, A17, A20), take, DIRECTORY, NOW).violations

    assert broken.code == "CIR-TOUR-05"
    assert "contester" in broken.remedy


def test_a_piece_whose_row_has_no_answer_to_a_contest_cannot_be_contested() -> None:
    row = replace(load_current()["A20", True], followers_if_contested=())
    piece = after(A7, A17, A20)["A20"]

    found = find_transition(piece, row, Act.CONTESTER, A8.depositor, LEVEL)

    assert isinstance(found, Violation)
    assert "contester" not in found.remedy


@pytest.mark.parametrize(
    ("piece", "role", "act", "is_early"),
    [
        ("A4", Role.MOE, Act.MANDATER, False),
        ("A4", Role.MOE, Act.CONTESTER, False),
        ("A4", Role.TITULAIRE, Act.COMPTABILISER, False),
        ("A4", Role.SERVICE_FINANCIER, Act.CONTESTER, False),
        ("A4", Role.SERVICE_FINANCIER, Act.MANDATER, False),
        ("A4", Role.MOE, Act.RECYCLER, False),
        ("A4", Role.TITULAIRE, Act.RECYCLER, True),
        ("A15", Role.MOA, Act.REFUSER, True),
        ("A15", Role.MOE, Act.RECYCLER, True),
    ],
)
def test_a_refused_act_may_only_be_early_where_it_can_be_the_role_s(
    piece: str, role: Role, act: Act, *, is_early: bool
) -> None:
    dossier = after(A4)
    if piece == "A15":
        dossier = after(A4, A15, a_treatment("A15", Act.SUSPENDRE, Role.MOA))

    (refused,) = decide(dossier, a_treatment(piece, act, role), DIRECTORY, NOW).violations

    assert refused.code.startswith("CIR-TOUR-")
    assert refused.can_be_early is is_early
