"""A dossier: one payment, its pieces, and who must act now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.routing.domain.commands import Actor, Deposit
from services.routing.domain.events import Event
from shared.circuit.parties import Parties
from shared.circuit.table import Cadre, Phase
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.statuses import Status


class State(StrEnum):
    """Whether anything may still happen to a dossier."""

    OUVERT = "ouvert"
    CLOS = "clos"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a dossier: as deposited, and what has become of it."""

    deposit: Deposit
    status: Status
    stamps: Mapping[Status, datetime]
    """When the piece last entered each status."""
    attachments: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.deposit.piece_id

    @property
    def cadre(self) -> Cadre:
        return self.deposit.cadre

    @property
    def number(self) -> str:
        return self.deposit.number

    @property
    def amounts(self) -> Amounts:
        return self.deposit.amounts

    @property
    def depositor(self) -> Actor:
        return self.deposit.depositor

    @property
    def follows(self) -> str | None:
        return self.deposit.follows


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who must act on which piece, what it may deposit, and since when."""

    actor: Actor
    piece_id: str
    cadres: tuple[Cadre, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """Why the one awaited has not got the piece yet."""

    reason: str
    message: str
    structure: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """The state of a dossier after `version` events."""

    id: str
    table_version: str
    phase: Phase
    parties: Parties
    pieces: tuple[Piece, ...] = ()
    awaited: Waiting | None = None
    hold: Hold | None = None
    state: State = State.OUVERT
    version: int = 0

    @property
    def moa_present(self) -> bool:
        """The opener names a MOA; never derived from the service financier's parameter."""
        return self.parties.moa is not None

    def piece(self, piece_id: str) -> Piece | None:
        return next((piece for piece in self.pieces if piece.id == piece_id), None)


def evolve(dossier: Dossier | None, event: Event) -> Dossier:
    """Apply one event."""
    raise NotImplementedError


def replay(events: Iterable[Event]) -> Dossier | None:
    """Rebuild a dossier from its audit trail; None from an empty one."""
    dossier: Dossier | None = None
    for event in events:
        dossier = evolve(dossier, event)
    return dossier
