"""The types of a decision: its events and violations, and the world that it is taken by."""

from dataclasses import dataclass
from datetime import datetime

from services.routing.domain.events import Event
from shared.circuit.parties import Directory
from shared.vocabulary.rules import Violation


class MessageError(ValueError):
    """A message that no order of arrival explains: it becomes a dead letter."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens (events, in order) and why not (violations).

    A treatment or completion that breaks a rule has violations and no events. A deposited piece
    that loses has both: it is received, then REJETEE for the reason that the violations state.
    """

    events: tuple[Event, ...] = ()
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What a decision sees beside the dossier: the directory as it stands, and the time."""

    directory: Directory
    now: datetime
    require_moa: bool
