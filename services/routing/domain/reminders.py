"""Reminders: before the delay of the awaited actor ends, once for each deadline."""

from datetime import datetime

from services.routing.domain.decision import MessageError, World
from services.routing.domain.dossier import Dossier
from services.routing.domain.events import DelayReminded, Event
from shared.circuit.delays import compute_reminder
from shared.circuit.loader import load_version
from shared.vocabulary.levels import LEVEL_OF_MANDATES


def plan_reminder(
    dossier: Dossier, piece_id: str, due: datetime | None, world: World
) -> datetime | None:
    """Plan the reminder of a deadline; None without one, or when it was reminded of already.

    A piece that comes back completed may have the deadline that it had before.
    """
    last = dossier.reminded
    if due is None or world.level < LEVEL_OF_MANDATES:
        return None
    if last and (last.piece_id, last.due) == (piece_id, due):
        return None
    return compute_reminder(world.now, due, world.remind_days)


def decide_reminder(dossier: Dossier, world: World) -> tuple[Event, ...]:
    """Decide the reminder of the awaited actor; none before its moment, or once the delay is over.

    There is none in a held dossier, whose recipient has not received the piece.
    """
    waiting = dossier.awaited
    if waiting is None or waiting.due is None or waiting.remind_at is None or dossier.hold:
        return ()
    if not waiting.remind_at <= world.now < waiting.due:
        return ()
    circuit = load_version(dossier.table_version)
    delay = circuit.find_delay(dossier[waiting.piece_id].cadre, waiting.actor.role)
    if delay is None:
        raise MessageError(f"circuit {circuit.version}: no delay of {waiting.actor.role} there")
    return (
        DelayReminded(
            world.now, waiting.piece_id, delay.name, waiting.actor, waiting.since, waiting.due
        ),
    )
