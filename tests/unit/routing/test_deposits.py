"""Deposited pieces that lose, and messages that no order of arrival explains."""

from dataclasses import replace

import pytest

from services.routing.domain.commands import Complete, Deposit, Rejudge, Treat
from services.routing.domain.decide import MessageError, decide
from services.routing.domain.dossier import State, evolve, replay
from services.routing.domain.events import Closed, Forwarded, PieceReceived, StatusSet
from shared.circuit.loader import CircuitError
from shared.circuit.parties import Party
from shared.circuit.statuses import Act
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.unit.routing.builders import (
    A4,
    A15,
    A17,
    A19,
    DIRECTORY,
    NOW,
    PARTIES,
    SANS_MOA,
    a_completion,
    a_deposit,
    a_treatment,
    after,
    codes,
    fold,
)


def _rejection(events: tuple[object, ...]) -> StatusSet:
    rejected = events[-1]
    assert isinstance(rejected, StatusSet)
    assert rejected.status is Status.REJETEE
    return rejected


def test_of_two_followers_the_first_wins_and_the_other_ends_rejetee_with_its_reason() -> None:
    dossier = after(A4, A15)

    lost = decide(dossier, replace(A15, piece_id="late"), DIRECTORY, NOW)

    assert codes(lost) == ["CIR-TOUR-02"]
    assert isinstance(lost.events[0], PieceReceived)
    assert _rejection(lost.events).motive == "CIR-TOUR-02"
    assert "A15" in (_rejection(lost.events).comment or "")
    unharmed = fold(dossier, lost.events)
    assert unharmed is not None
    assert (unharmed.awaited, unharmed.state) == (dossier.awaited, State.OUVERT)
    assert unharmed["late"].status is Status.REJETEE


@pytest.mark.parametrize(
    ("late", "code"),
    [
        (a_deposit("A17", "A4"), "CIR-CADRE-03"),
        (replace(A15, depositor=Actor(Role.MOA, "moa")), "CIR-TOUR-03"),
        (replace(A15, depositor=Actor(Role.MOE, "other")), "CIR-TOUR-03"),
        (a_deposit("A20", "A4", depositor=Actor(Role.MOE, "moe")), "CIR-CADRE-04"),
        (replace(A15, parties=replace(PARTIES, moa=Party("other"))), "ROU-PARTIE-01"),
        (replace(A15, currency="USD"), "ROU-DEVISE-01"),
    ],
)
def test_a_follower_out_of_turn_is_rejetee(late: Deposit, code: str) -> None:
    decision = decide(after(A4), late, DIRECTORY, NOW)

    assert codes(decision)[0] == code
    assert _rejection(decision.events).motive == code


def test_a_follower_of_a_suspended_piece_is_rejetee() -> None:
    dossier = after(A4, A15, a_treatment("A15", Act.SUSPENDRE, Role.MOA))

    by_the_suspender = decide(dossier, A19, DIRECTORY, NOW)
    by_the_awaited = decide(dossier, replace(A19, depositor=A15.depositor), DIRECTORY, NOW)

    assert codes(by_the_suspender) == ["CIR-TOUR-03"]
    assert codes(by_the_awaited) == ["CIR-TOUR-05"]


def test_a_piece_that_follows_in_a_closed_dossier_is_rejetee() -> None:
    dossier = after(A4, a_treatment("A4", Act.REFUSER, Role.MOE))

    assert codes(decide(dossier, A15, DIRECTORY, NOW)) == ["CIR-TOUR-01"]


@pytest.mark.parametrize(
    ("opener", "code"),
    [
        (a_deposit("A8"), "CIR-CADRE-02"),
        (replace(A4, depositor=Actor(Role.MOE, "moe")), "CIR-CADRE-04"),
        (replace(A4, depositor=Actor(Role.TITULAIRE, "other")), "CIR-PARTIE-02"),
        (replace(a_deposit("A15"), parties=SANS_MOA), "CIR-CADRE-05"),
        (a_deposit("A16"), "CIR-CADRE-06"),
        (replace(A4, parties=replace(PARTIES, moe=None)), "CIR-PARTIE-01"),
    ],
)
def test_an_opener_that_breaks_the_circuit_ends_its_dossier(opener: Deposit, code: str) -> None:
    decision = decide(None, opener, DIRECTORY, NOW)

    dossier = replay(decision.events)
    assert codes(decision)[0] == code
    assert isinstance(decision.events[-1], Closed)
    assert dossier is not None
    assert dossier.pieces[0].status is Status.REJETEE


def test_a_next_piece_tells_the_service_of_its_recipient() -> None:
    parties = replace(PARTIES, moa=Party("moa", "TRVX"))

    decision = decide(after(A4), replace(A15, parties=parties), DIRECTORY, NOW)

    forwarded = decision.events[-1]
    assert isinstance(forwarded, Forwarded)
    assert forwarded.to == Actor(Role.MOA, "moa", "TRVX")


def test_a_next_piece_names_nobody_whom_the_opener_does_not() -> None:
    dossier = replace(after(A4), parties=replace(PARTIES, moe=None))

    assert codes(decide(dossier, A15, DIRECTORY, NOW)) == ["ROU-PARTIE-01"]


@pytest.mark.parametrize(
    "message",
    [A15, a_completion("A4", Role.TITULAIRE), a_treatment("A4", Act.REFUSER, Role.MOE), Rejudge()],
)
def test_a_message_about_a_dossier_that_nobody_opened_is_a_fault(
    message: Deposit | Complete | Treat | Rejudge,
) -> None:
    with pytest.raises(MessageError):
        decide(None, message, DIRECTORY, NOW)


@pytest.mark.parametrize(
    "message",
    [
        a_deposit("A7"),
        replace(A15, piece_id="A4"),
        A17,
        a_deposit("A99", "A4"),
        a_completion("A15", Role.MOE),
        a_treatment("A4", Act.DEPOSER_SUITE, Role.MOE),
        a_treatment("A4", Act.COMPLETER, Role.TITULAIRE),
    ],
)
def test_a_message_that_contradicts_its_dossier_is_a_fault(
    message: Deposit | Complete | Treat,
) -> None:
    with pytest.raises(MessageError):
        decide(after(A4), message, DIRECTORY, NOW)


def test_an_opener_by_an_unknown_version_of_the_circuit_is_a_fault() -> None:
    with pytest.raises(CircuitError):
        decide(None, replace(A4, table_version="1999-1"), DIRECTORY, NOW)


def test_no_dossier_starts_by_anything_but_a_piece() -> None:
    with pytest.raises(ValueError, match="opens by a piece"):
        evolve(None, Closed(NOW))

    assert replay(()) is None
