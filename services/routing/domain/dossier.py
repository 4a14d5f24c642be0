"""A dossier: one payment, its pieces, and who must act now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from services.routing.domain.commands import Actor, Complete, Deposit
from services.routing.domain.events import (
    Closed,
    Event,
    Forwarded,
    Held,
    PieceCompleted,
    PieceReceived,
    StatusSet,
)
from shared.circuit.parties import Parties
from shared.circuit.table import Cadre, Phase
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.roles import Purpose
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

    def __getitem__(self, piece_id: str) -> Piece:
        """Take a piece that the dossier is known to hold."""
        return next(piece for piece in self.pieces if piece.id == piece_id)

    def piece(self, piece_id: str) -> Piece | None:
        return next((piece for piece in self.pieces if piece.id == piece_id), None)


def evolve(dossier: Dossier | None, event: Event) -> Dossier:
    """Apply one event. Looks at nothing else: no directory, no table, no clock."""
    if dossier is None:
        if not isinstance(event, PieceReceived):
            raise ValueError(f"a dossier opens by a piece received, not by {event}")
        deposit = event.deposit
        dossier = Dossier(deposit.dossier_id, deposit.table_version, event.phase, deposit.parties)
    version = dossier.version + 1
    match event:
        case PieceReceived(deposit=deposit):
            piece = Piece(deposit, Status.DEPOSEE, {}, deposit.attachments)
            evolved = replace(dossier, version=version, pieces=(*dossier.pieces, piece))
        case PieceCompleted(completion=completion):
            pieces = _completed(dossier.pieces, completion)
            evolved = replace(dossier, version=version, pieces=pieces)
        case StatusSet():
            evolved = replace(dossier, version=version, pieces=_stamped(dossier.pieces, event))
        case Forwarded(purpose=Purpose.INFORMATION):
            evolved = replace(dossier, version=version)
        case Forwarded():
            awaited = Waiting(event.to, event.piece_id, event.cadres, event.at)
            evolved = replace(dossier, version=version, awaited=awaited, hold=None)
        case Held():
            since = dossier.awaited.since if dossier.awaited and dossier.hold else event.at
            awaited = Waiting(event.to, event.piece_id, event.cadres, since)
            hold = Hold(event.reason, event.message, event.structure)
            evolved = replace(dossier, version=version, awaited=awaited, hold=hold)
        case Closed():
            evolved = replace(dossier, version=version, awaited=None, hold=None, state=State.CLOS)
        case _:
            assert_never(event)
    return evolved


def replay(events: Iterable[Event]) -> Dossier | None:
    """Rebuild a dossier from its audit trail; None from an empty one."""
    dossier: Dossier | None = None
    for event in events:
        dossier = evolve(dossier, event)
    return dossier


def _stamped(pieces: tuple[Piece, ...], event: StatusSet) -> tuple[Piece, ...]:
    return tuple(
        replace(piece, status=event.status, stamps={**piece.stamps, event.status: event.at})
        if piece.id == event.piece_id
        else piece
        for piece in pieces
    )


def _completed(pieces: tuple[Piece, ...], completion: Complete) -> tuple[Piece, ...]:
    return tuple(
        replace(piece, attachments=(*piece.attachments, *completion.attachments))
        if piece.id == completion.piece_id
        else piece
        for piece in pieces
    )
