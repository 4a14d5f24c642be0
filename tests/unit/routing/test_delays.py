"""When a delay begins, when it ends, and what a suspension or a hold makes of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.routing.domain.commands import ApplyDelay, Rejudge
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier
from services.routing.domain.events import DelayElapsed
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import MoaParameter
from tests.unit.routing.builders import (
    A4,
    A7,
    A15,
    A17,
    A20,
    DIRECTORY,
    NOW,
    a_completion,
    a_deposit,
    a_directory,
    a_structure,
    a_treatment,
    after,
    codes,
    fold,
)

A10 = a_deposit("A10")


def _due(dossier: Dossier | None) -> datetime | None:
    assert dossier is not None
    assert dossier.awaited is not None
    return dossier.awaited.due


def _days_later(days: int) -> datetime:
    """The end of that day in Paris, where the winter is one hour ahead."""
    return datetime(2026, 11, 24, 23, tzinfo=UTC) + timedelta(days=days)


def _at(dossier: Dossier, now: datetime) -> Dossier:
    folded = fold(dossier, decide(dossier, ApplyDelay(), DIRECTORY, now).events)
    assert folded is not None
    return folded


def test_a_delay_runs_to_the_end_of_its_last_day_counted_from_the_day_after() -> None:
    assert _due(after(A4)) == _days_later(7)
    assert _due(after(A10)) == _days_later(15)
    assert _due(after(A7, A17, A20)) == _days_later(30)
    assert _due(after(A4, A15)) is None


def test_the_moa_has_thirty_days_from_the_reception_of_the_final_account_by_the_moe() -> None:
    at_the_moe = after(A7)
    ten_days_later = NOW + timedelta(days=10)

    events = decide(at_the_moe, A17, DIRECTORY, ten_days_later).events

    assert _due(fold(at_the_moe, events)) == _due(at_the_moe) == _days_later(30)


def test_a_suspension_stops_no_delay_that_runs_from_a_reception() -> None:
    suspended = after(A7, a_treatment("A7", Act.SUSPENDRE, Role.MOE))
    assert _due(suspended) is None

    later = NOW + timedelta(days=40)
    events = decide(suspended, a_completion("A7", Role.TITULAIRE), DIRECTORY, later).events
    completed = fold(suspended, events)

    assert _due(completed) == _days_later(30)
    offered = _at(completed, later) if completed else None
    assert offered
    assert offered.awaited is not None
    assert [turn.cadres for turn in offered.awaited.others] == [("A22",)]


def test_a_delay_begins_anew_for_a_piece_released_and_does_not_run_while_it_is_held() -> None:
    forbidding = a_directory(a_structure("moa", MoaParameter.SANS))
    held = after(A4, directory=forbidding)
    assert (_due(held), _at(held, NOW + timedelta(days=99))) == (None, held)

    later = NOW + timedelta(days=3)
    released = fold(held, decide(held, Rejudge(), DIRECTORY, later).events)

    assert _due(released) == _days_later(10)


def test_a_delay_passes_once_and_its_event_says_whose_it_was() -> None:
    dossier = after(A4)
    (elapsed,) = decide(dossier, ApplyDelay(), DIRECTORY, _days_later(7)).events

    assert isinstance(elapsed, DelayElapsed)
    assert (elapsed.delay, elapsed.by.role) == ("etat_acompte", Role.MOE)
    assert _due(_at(dossier, _days_later(7))) is None


def test_an_answer_after_the_offer_ends_the_offer() -> None:
    late = _at(after(A7), _days_later(30))
    a22 = a_deposit("A22", "A7")

    answered = after(A17, dossier=late)

    assert answered.awaited is not None
    assert answered.awaited.others == ()
    refused = fold(answered, decide(answered, a22, DIRECTORY, NOW).events)
    assert refused
    assert refused["A22"].status is Status.REJETEE


def _silent_a22() -> Dossier:
    late = _at(after(A7), _days_later(30))
    return _at(after(a_deposit("A22", "A7"), dossier=late), _days_later(99))


def test_a_piece_certified_before_its_delay_ended_prevails_over_the_silence() -> None:
    silent = _silent_a22()
    assert silent.lapsed is not None
    assert silent.lapsed.waiting.due is not None
    in_time = a_deposit("A25", "A22", deposited_at=silent.lapsed.waiting.due - timedelta(seconds=1))

    answered = after(in_time, dossier=silent)

    assert answered["A22"].status is Status.ASSOCIEE
    assert answered["A25"].status is Status.MISE_A_DISPOSITION
    assert answered.awaited is not None
    assert [turn.actor.role for turn in answered.awaited.turns] == [Role.SERVICE_FINANCIER]


def test_a_piece_certified_when_its_delay_has_ended_loses_to_the_silence() -> None:
    silent = _silent_a22()
    assert silent.lapsed is not None
    too_late = a_deposit("A25", "A22", deposited_at=silent.lapsed.waiting.due)

    assert codes(decide(silent, too_late, DIRECTORY, NOW)) == ["CIR-TOUR-03"]


def test_a_silence_on_which_somebody_has_acted_stands() -> None:
    acted = after(a_deposit("A23", "A22"), dossier=_silent_a22())

    late = decide(acted, a_deposit("A25", "A22"), DIRECTORY, NOW)

    assert codes(late) == ["CIR-TOUR-02"]


def test_what_a_silence_concludes_can_be_put_off_neither_by_suspending_nor_by_sending_back() -> (
    None
):
    late = _at(after(A7), _days_later(30))
    a22 = after(a_deposit("A22", "A7"), dossier=late)

    for act in (Act.SUSPENDRE, Act.DEMANDER_RECYCLAGE):
        refused = decide(a22, a_treatment("A22", act, Role.MOA), DIRECTORY, NOW)
        assert codes(refused) == ["CIR-TOUR-05"]


def test_whoever_must_answer_a_contest_has_a_delay() -> None:
    contested = after(A7, A17, A20, a_treatment("A20", Act.CONTESTER, Role.TITULAIRE))

    assert _due(contested) == _days_later(30)
    (elapsed,) = decide(contested, ApplyDelay(), DIRECTORY, _days_later(30)).events
    assert isinstance(elapsed, DelayElapsed)
    assert (elapsed.delay, elapsed.by.role) == ("contestation", Role.MOA)


@pytest.mark.parametrize(
    ("switch", "cadre", "role"), [("A23", "A24", Role.MOE), ("A24", "A23", Role.TITULAIRE)]
)
def test_who_alone_may_conclude_a_silence_concludes_it(switch: str, cadre: str, role: Role) -> None:
    table = f"2026-2-{switch}"
    late = _at(after(replace(A7, table_version=table)), _days_later(30))
    a22 = a_deposit("A22", "A7", table_version=table)
    silent = _at(after(a22, dossier=late), _days_later(99))

    assert silent.awaited is not None
    assert [(turn.actor.role, turn.cadres) for turn in silent.awaited.turns] == [(role, (cadre,))]
    concluded = after(a_deposit(cadre, "A22", table_version=table), dossier=silent)

    assert concluded[cadre].status is Status.MISE_A_DISPOSITION


def test_a_dossier_of_the_first_table_knows_no_tacit_procedure() -> None:
    old = after(replace(A7, table_version="2026-1"))

    late = _at(old, _days_later(30))

    assert late.awaited is not None
    assert (late.awaited.due, late.awaited.others) == (None, ())
