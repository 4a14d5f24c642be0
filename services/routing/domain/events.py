"""Events of a dossier, which are its audit trail; its state is derived from them."""

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
    """A piece was received, even one that is rejected next; the first one opens the dossier."""

    at: datetime
    deposit: Deposit
    phase: Phase


@dataclass(frozen=True, slots=True)
class PieceCompleted:
    """Attachments were added to a suspended or contested piece."""

    at: datetime
    completion: Complete


@dataclass(frozen=True, slots=True)
class AdditionRefused:
    """Attachments came too late for a piece that no longer awaits them: they have no effect.

    They have a certificate: deposit judged them before it knew of another act.
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
    """A piece was sent to an actor; for action, that actor is awaited from now on."""

    at: datetime
    piece_id: str
    to: Actor
    application: Application
    purpose: Purpose
    cadres: tuple[Cadre, ...]
    """Cadres that the actor may deposit next."""
    directory: Mapping[str, int]
    """Versions of the structures by which the hop was judged."""
    due: datetime | None = None
    """When the delay of the actor ends; None when none runs."""
    remind_at: datetime | None = None
    """When the actor is reminded of its delay; None when it is not."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Another actor may act on the piece too: the first one to act decides."""

    at: datetime
    piece_id: str
    to: Actor
    application: Application
    cadres: tuple[Cadre, ...]


@dataclass(frozen=True, slots=True)
class DelayElapsed:
    """The delay of the awaited actor has passed."""

    at: datetime
    piece_id: str
    delay: str
    """Name of the delay, as in the table of delays."""
    by: Actor
    since: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class DelayReminded:
    """The awaited actor was reminded that its delay ends soon."""

    at: datetime
    piece_id: str
    delay: str
    """Name of the delay, as in the table of delays."""
    by: Actor
    since: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class PieceRecycled:
    """A piece was corrected by its depositor, under the same number."""

    at: datetime
    piece_id: str
    by: Actor
    parties: Parties
    """All the parties of the dossier from now on."""
    engagement: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A hop is not possible now: the piece waits until the structure at fault is corrected."""

    at: datetime
    piece_id: str
    to: Actor
    cadres: tuple[Cadre, ...]
    reason: str
    """The code of the rule that the hop breaks."""
    message: str
    structure: str
    """Structure to correct."""
    directory: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Closed:
    """The dossier is closed: nobody is awaited any more."""

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
    | DelayReminded
    | Closed
)
