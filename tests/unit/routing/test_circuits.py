"""Both circuits from the first deposit to the payment, hop by hop."""

import pytest

from services.routing.domain.commands import Deposit
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier, State, replay
from services.routing.domain.events import Closed, Event, Forwarded, StatusSet
from shared.circuit.statuses import Act
from shared.circuit.table import Phase
from shared.vocabulary.roles import Application, Purpose, Role
from shared.vocabulary.statuses import Status
from tests.unit.routing.builders import (
    A4,
    A7,
    A8,
    A15,
    A17,
    A19,
    A20,
    DEPOSITED_AT,
    DIRECTORY,
    NOW,
    a_treatment,
    after,
    fold,
)


def _hops(deposits: list[Deposit]) -> list[tuple[str, Role, Application, Purpose]]:
    dossier: Dossier | None = None
    hops = []
    for deposit in deposits:
        events = decide(dossier, deposit, DIRECTORY, NOW).events
        dossier = fold(dossier, events)
        hops += [
            (event.piece_id, event.to.role, event.application, event.purpose)
            for event in events
            if isinstance(event, Forwarded)
        ]
    return hops


def test_during_the_contract_a_piece_goes_to_moe_moa_and_service_financier() -> None:
    assert _hops([A4, A15, A19]) == [
        ("A4", Role.MOE, Application.FACTURES_DE_TRAVAUX, Purpose.ACTION),
        ("A15", Role.MOA, Application.FACTURES_DE_TRAVAUX, Purpose.ACTION),
        ("A19", Role.SERVICE_FINANCIER, Application.FACTURES_RECUES, Purpose.ACTION),
    ]


def test_at_the_end_of_the_contract_the_titulaire_signs_and_the_moa_is_informed_first() -> None:
    assert _hops([A7, A17, A20, A8]) == [
        ("A7", Role.MOE, Application.FACTURES_DE_TRAVAUX, Purpose.ACTION),
        ("A7", Role.MOA, Application.FACTURES_DE_TRAVAUX, Purpose.INFORMATION),
        ("A17", Role.MOA, Application.FACTURES_DE_TRAVAUX, Purpose.ACTION),
        ("A20", Role.TITULAIRE, Application.FACTURES_DE_TRAVAUX, Purpose.ACTION),
        ("A8", Role.SERVICE_FINANCIER, Application.FACTURES_RECUES, Purpose.ACTION),
    ]


def test_an_opener_is_received_deposited_then_awaits_the_moe() -> None:
    events = decide(None, A4, DIRECTORY, NOW).events

    dossier = replay(events)
    assert dossier is not None
    assert [event.status for event in events if isinstance(event, StatusSet)] == [
        Status.DEPOSEE,
        Status.A_ASSOCIER_MOE,
    ]
    assert dossier.awaited is not None
    assert (dossier.awaited.actor.role, dossier.awaited.cadres) == (Role.MOE, ("A15",))
    assert (dossier.phase, dossier.state) == (Phase.EN_COURS, State.OUVERT)
    assert dossier.version == len(events)


def test_the_next_piece_sets_the_previous_one_to_associee_and_stamps_stay() -> None:
    dossier = after(A4, A15)

    assert [piece.status for piece in dossier.pieces] == [Status.ASSOCIEE, Status.A_ASSOCIER_MOA]
    assert set(dossier["A4"].stamps) == {Status.DEPOSEE, Status.A_ASSOCIER_MOE, Status.ASSOCIEE}
    assert dossier.moa_present


def test_the_first_stamp_is_the_one_of_the_certificate_and_the_next_ones_are_of_routing() -> None:
    dossier = after(A4)

    assert dossier["A4"].stamps == {Status.DEPOSEE: DEPOSITED_AT, Status.A_ASSOCIER_MOE: NOW}


@pytest.mark.parametrize("last", ["A19", "A8"])
def test_the_payment_closes_the_dossier(last: str) -> None:
    pieces = [A4, A15, A19] if last == "A19" else [A7, A17, A20, A8]
    dossier = after(*pieces)
    pay = a_treatment(last, Act.METTRE_EN_PAIEMENT, Role.SERVICE_FINANCIER)

    events: tuple[Event, ...] = decide(dossier, pay, DIRECTORY, NOW).events

    closed = fold(dossier, events)
    assert isinstance(events[-1], Closed)
    assert closed is not None
    assert (closed.state, closed.awaited) == (State.CLOS, None)


def test_the_service_financier_may_skip_steps_but_not_go_back() -> None:
    mandatee = after(A4, A15, A19, a_treatment("A19", Act.MANDATER, Role.SERVICE_FINANCIER))

    back = decide(
        mandatee, a_treatment("A19", Act.SERVICE_FAIT, Role.SERVICE_FINANCIER), DIRECTORY, NOW
    )

    assert mandatee["A19"].status is Status.MANDATEE
    assert [violation.code for violation in back.violations] == ["CIR-TOUR-05"]
