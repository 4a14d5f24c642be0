"""Reminders: when they are planned, once for each deadline, and when there is none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.routing.domain.commands import ApplyDelay, Command, Rejudge, Remind
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier
from services.routing.domain.events import DelayElapsed, DelayReminded, Forwarded
from shared.circuit.delays import compute_reminder
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter
from tests.unit.routing.builders import (
    A4,
    A15,
    A19,
    DIRECTORY,
    NOW,
    a_completion,
    a_deposit,
    a_directory,
    a_structure,
    a_treatment,
    fold,
)

NEW: dict[str, Any] = {"table_version": "2026-3"}
PAYER = Role.SERVICE_FINANCIER


def _midnight(day: int, month: int = 11, year: int = 2026) -> datetime:
    """The beginning of a day in Paris, in winter."""
    return datetime(year, month, day, tzinfo=UTC) - timedelta(hours=1)


def _play(*commands: Command, days: int = 0, dossier: Dossier | None = None) -> Dossier:
    for command in commands:
        events = decide(dossier, command, DIRECTORY, NOW + timedelta(days=days)).events
        dossier = fold(dossier, events)
    assert dossier is not None
    return dossier


@pytest.mark.parametrize(
    ("now", "due", "days", "expected"),
    [
        # The last day is 1 December.
        (NOW, _midnight(2, 12), 5, _midnight(26)),
        (NOW, _midnight(2, 12), 6, _midnight(25)),
        (NOW, _midnight(2, 12), 0, _midnight(1, 12)),
        # No more is left than the days of the setting: half of it.
        (NOW, _midnight(2, 12), 7, _midnight(28)),
        (NOW, _midnight(26), 5, _midnight(25)),
        (NOW, _midnight(27), 5, _midnight(25)),
        # The last day, and a delay that is over.
        (NOW, _midnight(25), 5, None),
        (NOW, _midnight(20), 5, None),
    ],
)
def test_a_reminder_comes_some_days_before_the_last_one_or_at_half_of_a_shorter_rest(
    now: datetime, due: datetime, days: int, expected: datetime | None
) -> None:
    assert compute_reminder(now, due, days) == expected


def test_the_awaited_actor_is_reminded_once() -> None:
    waiting = _play(A4)
    remind_at = waiting.awaited and waiting.awaited.remind_at
    assert remind_at == _midnight(26)

    early = decide(waiting, Remind(), DIRECTORY, _midnight(26) - timedelta(seconds=1))
    (reminded,) = decide(waiting, Remind(), DIRECTORY, _midnight(26)).events
    after = fold(waiting, [reminded])
    assert after is not None

    assert early.events == ()
    assert isinstance(reminded, DelayReminded)
    assert (reminded.delay, reminded.by.role) == ("etat_acompte", Role.MOE)
    assert decide(after, Remind(), DIRECTORY, _midnight(27)).events == ()
    assert after.awaited is not None
    assert after.awaited.due == _midnight(2, 12)


def test_a_reminder_takes_nothing_from_the_delay_that_passes() -> None:
    waiting = _play(A4)
    reminded = fold(waiting, decide(waiting, Remind(), DIRECTORY, _midnight(26)).events)

    (elapsed,) = decide(reminded, ApplyDelay(), DIRECTORY, _midnight(2, 12)).events

    assert isinstance(elapsed, DelayElapsed)


def test_there_is_no_reminder_of_a_delay_that_is_over() -> None:
    waiting = _play(A4)

    assert decide(waiting, Remind(), DIRECTORY, _midnight(2, 12)).events == ()
    late = fold(waiting, decide(waiting, ApplyDelay(), DIRECTORY, _midnight(2, 12)).events)
    assert late is not None
    assert late.awaited is not None
    assert late.awaited.remind_at is None


def test_nobody_is_reminded_below_the_level_that_knows_reminders() -> None:
    events = decide(None, A4, DIRECTORY, NOW, level=1).events

    assert [each.remind_at for each in events if isinstance(each, Forwarded)] == [None]


def test_nobody_is_reminded_while_the_piece_is_held() -> None:
    forbidding = a_directory(a_structure("moa", MoaParameter.SANS))
    held = fold(None, decide(None, A4, forbidding, NOW).events)
    assert held is not None

    assert decide(held, Remind(), DIRECTORY, _midnight(26)).events == ()
    released = fold(held, decide(held, Rejudge(), DIRECTORY, NOW + timedelta(days=3)).events)
    assert released is not None
    assert released.awaited is not None
    assert released.awaited.remind_at == _midnight(29)


def test_a_delay_from_which_the_marche_derogates_is_that_of_its_opening() -> None:
    opened = _play(replace(A4, delays={"etat_acompte": 20}))

    assert opened.awaited is not None
    assert opened.awaited.due == _midnight(15, 12)
    assert opened.awaited.remind_at == _midnight(9, 12)


def test_a_derogation_holds_for_the_hops_that_follow() -> None:
    a7 = a_deposit("A7", delays={"decompte_general": 45, "acceptation": 60})
    a17 = a_deposit("A17", "A7", delays={"acceptation": 1})
    a20 = a_deposit("A20", "A17")

    at_the_moa = _play(a7, a17)
    at_the_titulaire = _play(a20, dossier=at_the_moa)

    assert at_the_moa.awaited is not None
    assert at_the_titulaire.awaited is not None
    # 45 days from the first reception, then 60 from the A20.
    assert at_the_moa.awaited.due == _midnight(9, 1, 2027)
    assert at_the_titulaire.awaited.due == _midnight(24, 1, 2027)


def _pay_by(*, final: str) -> Dossier:
    if final == "A19":
        return _play(*(replace(each, **NEW) for each in (A4, A15, A19)))
    a7, a17 = a_deposit("A7", **NEW), a_deposit("A17", "A7", **NEW)
    a20, a8 = a_deposit("A20", "A17", **NEW), a_deposit("A8", "A20", **NEW)
    return _play(a8, days=10, dossier=_play(a7, a17, a20))


@pytest.mark.parametrize(
    ("final", "due"), [("A19", _midnight(25, 12)), ("A8", _midnight(4, 1, 2027))]
)
def test_a_suspension_neither_stops_the_payment_delay_nor_reminds_of_it_twice(
    final: str, due: datetime
) -> None:
    waiting = _pay_by(final=final)
    assert waiting.awaited is not None
    assert waiting.awaited.due == due
    depositor = waiting[final].depositor.role

    reminded = fold(waiting, decide(waiting, Remind(), DIRECTORY, due - timedelta(days=6)).events)
    suspend = a_treatment(final, Act.SUSPENDRE, PAYER)
    later = due - timedelta(days=3)
    suspended = fold(reminded, decide(reminded, suspend, DIRECTORY, later).events)
    back = fold(
        suspended, decide(suspended, a_completion(final, depositor), DIRECTORY, later).events
    )

    assert back is not None
    assert back.awaited is not None
    assert (back.awaited.actor.role, back.awaited.due) == (PAYER, due)
    assert back.awaited.remind_at is None


def test_a_payment_that_is_late_is_told_and_changes_nothing() -> None:
    waiting = _pay_by(final="A19")

    (elapsed,) = decide(waiting, ApplyDelay(), DIRECTORY, _midnight(25, 12)).events

    assert isinstance(elapsed, DelayElapsed)
    assert (elapsed.delay, elapsed.by.role) == ("paiement", PAYER)
    late = fold(waiting, [elapsed])
    assert late is not None
    assert late["A19"].status == waiting["A19"].status


def test_a_dossier_of_the_circuit_before_has_no_payment_delay() -> None:
    before = _play(A4, A15, A19)

    assert before.awaited is not None
    assert before.awaited.due is None
