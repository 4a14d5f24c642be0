"""The decision: what a command does to a dossier, by the circuit and the directory."""

from dataclasses import dataclass
from datetime import datetime

from services.routing.domain.commands import Command
from services.routing.domain.dossier import Dossier
from services.routing.domain.events import Event
from shared.circuit.parties import Directory
from shared.vocabulary.rules import Violation


class MessageError(ValueError):
    """A message that no order of arrival explains: it belongs to the dead letters."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens (events, in order) and why not (violations).

    A treatment or completion that breaks a rule has violations and no events. A deposited piece
    that loses has both: it is received, then REJETEE for the reason that the violations state.
    """

    events: tuple[Event, ...] = ()
    violations: tuple[Violation, ...] = ()


def decide(
    dossier: Dossier | None,
    command: Command,
    directory: Directory,
    now: datetime,
    *,
    require_moa: bool = True,
) -> Decision:
    """Decide on a command.

    `require_moa` is the setting of the decision table's last row. Raises MessageError for a
    command that contradicts the order in which messages of a dossier travel.
    """
    raise NotImplementedError
