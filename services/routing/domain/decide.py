"""Decision on a command: its events, by the dossier, the circuit and the directory."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from services.routing.domain.commands import (
    ApplyDelay,
    Command,
    Complete,
    Deposit,
    Rejudge,
    Remind,
    Treat,
)
from services.routing.domain.decision import REMIND_DAYS, Decision, MessageError, World
from services.routing.domain.delays import decide_elapsed_delay
from services.routing.domain.deposits import decide_deposit
from services.routing.domain.dossier import Dossier
from services.routing.domain.hops import retry_hop
from services.routing.domain.reminders import decide_reminder
from services.routing.domain.treatments import decide_completion, decide_treatment
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Directory
from shared.vocabulary.levels import LEVEL

__all__ = ["Decision", "MessageError", "decide"]


def decide(
    dossier: Dossier | None,
    command: Command,
    directory: Directory,
    now: datetime,
    *,
    require_moa: bool = True,
    level: int = LEVEL,
    mandates: Sequence[Mandate] = (),
    remind_days: int = REMIND_DAYS,
) -> Decision:
    """Decide on a command.

    `require_moa` holds a dossier without MOA whose service financier is "avec MOA"; `level` is the
    write level; `mandates` are those of the mandant of the dossier; `remind_days` is how many days
    before the last one of a delay its actor is reminded. Raises MessageError for a command that
    contradicts the order in which the messages of a dossier travel.
    """
    world = World(directory, now, require_moa, level, mandates, remind_days)
    if isinstance(command, Deposit):
        return decide_deposit(dossier, command, world)
    if dossier is None:
        raise MessageError(f"{type(command).__name__} on a dossier that does not exist")
    match command:
        case Treat():
            return decide_treatment(dossier, command, world)
        case Complete():
            return decide_completion(dossier, command, world)
        case Rejudge():
            return Decision(retry_hop(dossier, world))
        case ApplyDelay():
            return Decision(decide_elapsed_delay(dossier, world))
        case Remind():
            return Decision(decide_reminder(dossier, world))
        case _:
            assert_never(command)
