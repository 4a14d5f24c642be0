"""Types of a decision: its events, its violations, and the data that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.routing.domain.events import Event
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Directory
from shared.vocabulary.rules import Violation

REMIND_DAYS = 5
"""Days before the last day of a delay, when no setting says otherwise (rule of the platform)."""


class MessageError(ValueError):
    """A message that is wrong whatever arrives before it: waiting would not help.

    It becomes a dead letter.
    """


@dataclass(frozen=True, slots=True)
class Decision:
    """Decision: the events, in order, and the violations.

    A treatment that breaks a rule has violations and no events. A refused completion has both, its
    event AdditionRefused, and so does a deposited piece that is rejected: it is received, then
    REJETEE for the violations.
    """

    events: tuple[Event, ...] = ()
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """Data of a decision beside the dossier: the directory, the mandates and the time."""

    directory: Directory
    now: datetime
    require_moa: bool
    level: int
    """Level that is written (`shared.vocabulary.levels`): no higher act or status is used."""
    mandates: Sequence[Mandate] = ()
    """Mandates of the mandant of the dossier."""
    remind_days: int = REMIND_DAYS
    """How many days before the last day of a delay its actor is reminded."""
