"""Events of a dossier: its audit trail, from which everything else is derived."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.routing.domain.commands import Complete, Deposit
from shared.circuit.parties import Parties
from shared.circuit.statuses import Act
from shared.circuit.table import Phase
from shared.vocabulary.actors import Actor
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Application, Purpose
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class PieceReceived:
    """A piece entered the dossier, whatever becomes of it; the first one opens the dossier."""

    at: datetime
    deposit: Deposit
    phase: Phase


@dataclass(frozen=True, slots=True)
class PieceCompleted:
    """Attachments were added to a piece, suspended or contested."""

    at: datetime
    completion: Complete


@dataclass(frozen=True, slots=True)
class AdditionRefused:
    """Attachments came for a piece that, by then, no longer awaited them: they are kept, unused.

    They have their certificate: deposit judged them by a state that another act has overtaken.
    """

    at: datetime
    completion: Complete
    rule: str
    """The code of the rule that refuses them."""
    message: str


@dataclass(frozen=True, slots=True)
class StatusSet:
    """A piece changed status. `by` is None when routing itself did it.

    `motive` is a motive's code, or the code of the rule by which routing rejects a piece.
    """

    at: datetime
    piece_id: str
    previous: Status | None
    status: Status
    by: Actor | None = None
    act: Act | None = None
    motive: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A piece was handed to an actor; for action, that actor is the one awaited from now on."""

    at: datetime
    piece_id: str
    to: Actor
    application: Application
    purpose: Purpose
    cadres: tuple[Cadre, ...]
    """What the actor may deposit next."""
    directory: Mapping[str, int]
    """The versions of the structures by which the hop was judged."""
    due: datetime | None = None
    """When the delay of the actor ends; None when none runs."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Another actor may act on the piece too: whoever does so first decides."""

    at: datetime
    piece_id: str
    to: Actor
    application: Application
    cadres: tuple[Cadre, ...]


@dataclass(frozen=True, slots=True)
class DelayElapsed:
    """The one awaited has let its delay pass."""

    at: datetime
    piece_id: str
    delay: str
    """Name of the delay, as in the table of delays."""
    by: Actor
    since: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class PieceRecycled:
    """A piece was put right by its depositor, under the same number."""

    at: datetime
    piece_id: str
    by: Actor
    parties: Parties
    """Those of the dossier from now on, whole."""
    engagement: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A hop is not possible for now: the piece waits until the structure at fault is set right."""

    at: datetime
    piece_id: str
    to: Actor
    cadres: tuple[Cadre, ...]
    reason: str
    """The code of the rule that the hop breaks."""
    message: str
    structure: str
    """The structure to be set right."""
    directory: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Closed:
    """The dossier is over: nobody is awaited any more."""

    at: datetime


Event = (
    PieceReceived
    | PieceCompleted
    | AdditionRefused
    | PieceRecycled
    | StatusSet
    | Forwarded
    | Offered
    | Held
    | DelayElapsed
    | Closed
)
