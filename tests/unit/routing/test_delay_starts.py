"""Starts of delays: each moment that a source names, all kept, with whose delay it is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.routing.domain.commands import Command, Correction
from services.routing.domain.decide import decide
from services.routing.domain.delay_starts import DelayStart, list_delay_starts
from services.routing.domain.dossier import Dossier, replay
from services.routing.domain.events import Event
from shared.circuit.delay_starts import NOTICE
from shared.circuit.parties import Party
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from tests.unit.routing.builders import (
    A4,
    A15,
    A19,
    DEPOSITED_AT,
    DIRECTORY,
    NOW,
    a_completion,
    a_deposit,
    a_treatment,
)

HOUR = timedelta(hours=1)
NEW: dict[str, Any] = {"table_version": "2026-3"}
PAYER = Role.SERVICE_FINANCIER


def _play(*commands: Command) -> tuple[Dossier, list[Event]]:
    """One command an hour."""
    dossier: Dossier | None = None
    trail: list[Event] = []
    for rank, command in enumerate(commands):
        decision = decide(dossier, command, DIRECTORY, NOW + rank * HOUR)
        assert decision.violations == ()
        dossier, trail = replay(decision.events, dossier), [*trail, *decision.events]
    assert dossier is not None
    return dossier, trail


def _tell(starts: tuple[DelayStart, ...]) -> list[tuple[str, str, int]]:
    """Tell piece, moment and hour of each start; a deposit is five minutes before its hour."""
    return [
        (start.piece.cadre, start.moment.value, round((start.at - NOW) / HOUR)) for start in starts
    ]


def test_every_moment_of_an_interim_payment_is_kept_after_suspensions_and_a_recycling() -> None:
    correction = Correction({Role.MOA: Party("moa", "TRVX")})
    dossier, trail = _play(
        replace(A4, **NEW),
        a_treatment("A4", Act.SUSPENDRE, Role.MOE),
        replace(a_completion("A4", Role.TITULAIRE), completed_at=NOW + 2 * HOUR),
        replace(A15, **NEW, deposited_at=NOW + 3 * HOUR),
        a_treatment("A15", Act.DEMANDER_RECYCLAGE, Role.MOA),
        a_treatment("A15", Act.RECYCLER, Role.MOE, correction=correction),
        replace(A19, **NEW, deposited_at=NOW + 6 * HOUR),
        a_treatment("A19", Act.SERVICE_FAIT, PAYER),
    )

    starts = list_delay_starts(dossier, trail)

    assert _tell(starts) == [
        ("A4", "depot", 0),
        ("A4", "reception_moe", 0),
        ("A4", "reception_moe", 2),
        ("A15", "depot", 3),
        ("A15", "reception_moa", 3),
        ("A15", "reception_moa", 5),
        ("A19", "depot", 6),
        ("A19", "reception_service_financier", 6),
        ("A19", "service_fait", 7),
    ]
    assert starts[0].at == DEPOSITED_AT
    told = [
        [(each.delay.delay, each.delay.role, each.days) for each in start.delays]
        for start in starts
    ]
    payment = ("paiement", PAYER, 30)
    assert told[:2] == [[payment], [payment, ("etat_acompte", Role.MOE, 7)]]
    assert all(each == [payment] for each in told[3:])
    assert all(each.delay.source for start in starts for each in start.delays)


def test_the_final_account_starts_the_delay_of_the_moe_and_of_the_moa() -> None:
    a7 = a_deposit("A7", **NEW, delays={"decompte_general": 45})
    dossier, trail = _play(a7, a_deposit("A17", "A7", **NEW))

    starts = list_delay_starts(dossier, trail)

    others = {
        (start.piece.cadre, start.moment.value, each.delay.role, each.days)
        for start in starts
        for each in start.delays
        if each.delay.delay == "decompte_general"
    }
    assert others == {
        ("A7", "reception_moe", Role.MOE, 45),
        ("A17", "reception_moa", Role.MOA, 45),
    }
    # The MOA, informed of the A7, has received it too.
    assert ("A7", "reception_moa", 0) in _tell(starts)


def test_a_depositor_to_whom_its_piece_comes_back_has_not_received_it() -> None:
    dossier, trail = _play(
        replace(A4, **NEW),
        replace(A15, **NEW),
        a_treatment("A15", Act.SUSPENDRE, Role.MOA),
    )

    tells = _tell(list_delay_starts(dossier, trail))

    assert [tell for tell in tells if tell[1] == "reception_moe"] == [("A4", "reception_moe", 0)]


def test_what_comes_after_the_dossier_that_is_seen_is_left_out() -> None:
    _, trail = _play(replace(A4, **NEW), replace(A15, **NEW))
    seen, _ = _play(replace(A4, **NEW))

    assert {tell[0] for tell in _tell(list_delay_starts(seen, trail))} == {"A4"}


def test_a_circuit_without_a_payment_delay_shows_the_delays_that_it_has() -> None:
    dossier, trail = _play(A4)

    (start,) = list_delay_starts(dossier, trail)

    assert [each.delay.delay for each in start.delays] == ["etat_acompte"]


def test_the_notice_says_that_nothing_is_computed_and_that_a_suspension_stops_nothing() -> None:
    assert "ne calcule pas le délai global de paiement" in NOTICE.replace("\n", " ")
    assert "une suspension ne l'arrête pas" in NOTICE
