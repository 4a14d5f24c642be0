"""Dossier: the pieces of one payment, and who must act now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from services.routing.domain.commands import Complete, Deposit
from services.routing.domain.events import (
    AdditionRefused,
    Closed,
    DelayElapsed,
    DelayReminded,
    Event,
    Forwarded,
    Held,
    Offered,
    PieceCompleted,
    PieceReceived,
    PieceRecycled,
    StatusSet,
)
from shared.circuit.delays import RECEIVERS
from shared.circuit.parties import Parties
from shared.circuit.table import Phase
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Purpose
from shared.vocabulary.statuses import Status


class State(StrEnum):
    """State of a dossier: open or closed."""

    OUVERT = "ouvert"
    CLOS = "clos"


@dataclass(frozen=True, slots=True)
class Words:
    """The motive and the comment with which a piece entered a status."""

    motive: str | None
    comment: str | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a dossier: its deposit, its status and its history."""

    deposit: Deposit
    """Deposit, with the parties and engagement of the last recycling."""
    status: Status
    stamps: Mapping[Status, datetime]
    """When the piece last entered each status."""
    attachments: tuple[str, ...]
    words: Mapping[Status, Words] = field(default_factory=dict)
    """Motive and comment with which the piece last entered a status, if there were any."""

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
class Turn:
    """An actor who may act, and what it may deposit."""

    actor: Actor
    cadres: tuple[Cadre, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who must act on which piece, what it may deposit, since when and until when."""

    actor: Actor
    piece_id: str
    cadres: tuple[Cadre, ...]
    since: datetime
    due: datetime | None = None
    """When the delay of the actor ends; None when none runs or it has passed."""
    others: tuple[Turn, ...] = ()
    """Others who may act: the first one to act decides."""
    remind_at: datetime | None = None
    """When the actor is reminded; None when it is not, or was already."""

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Turns of all who may act, the awaited actor first."""
        return (Turn(self.actor, self.cadres), *self.others)

    def find_turn(self, actor: Actor) -> Turn | None:
        """Find the turn of an actor; None when it is not awaited."""
        who = (actor.role, actor.structure)
        return next(
            (each for each in self.turns if (each.actor.role, each.actor.structure) == who), None
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """Reason why the recipient has not received the piece yet."""

    reason: str
    message: str
    structure: str


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A delay that has passed: who was awaited, and the status of the piece then."""

    waiting: Waiting
    status: Status


@dataclass(frozen=True, slots=True)
class Reminded:
    """A deadline of which an actor was reminded."""

    piece_id: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Dossier:
    """State of a dossier after `version` events."""

    id: str
    table_version: str
    phase: Phase
    parties: Parties
    pieces: tuple[Piece, ...] = ()
    awaited: Waiting | None = None
    hold: Hold | None = None
    state: State = State.OUVERT
    version: int = 0
    received_at: datetime | None = None
    """When a piece of the dossier first reached one of `shared.circuit.delays.RECEIVERS`."""
    lapsed: Lapsed | None = None
    """The last delay that has passed."""
    reminded: Reminded | None = None
    """The last deadline of which somebody was reminded."""
    mandant: str | None = None
    """Structure for which the MOA acts under a mandate, as at the opening."""
    marche: str | None = None
    """Number of the marché, as at the opening."""
    delays: Mapping[str, int] = field(default_factory=dict)
    """Days of the delays from which the marché derogates, as at the opening, by name."""

    @property
    def moa_present(self) -> bool:
        """Whether the dossier names a MOA; the service financier's parameter does not matter."""
        return self.parties.moa is not None

    def __getitem__(self, piece_id: str) -> Piece:
        """Return a piece that the dossier is known to hold."""
        return next(piece for piece in self.pieces if piece.id == piece_id)

    def find_piece(self, piece_id: str) -> Piece | None:
        return next((piece for piece in self.pieces if piece.id == piece_id), None)


def evolve(dossier: Dossier | None, event: Event) -> Dossier:
    """Apply one event, without directory, circuit or clock."""
    if dossier is None:
        if not isinstance(event, PieceReceived):
            raise ValueError(f"a dossier opens by a piece received, not by {event}")
        deposit = event.deposit
        dossier = Dossier(
            deposit.dossier_id,
            deposit.table_version,
            event.phase,
            deposit.parties,
            mandant=deposit.mandant,
            marche=deposit.marche,
            delays=deposit.delays,
        )
    return replace(_apply(dossier, event), version=dossier.version + 1)


def _apply(dossier: Dossier, event: Event) -> Dossier:
    match event:
        case PieceReceived(deposit=deposit):
            piece = Piece(deposit, Status.DEPOSEE, {}, deposit.attachments)
            return replace(dossier, pieces=(*dossier.pieces, piece))
        case PieceCompleted(completion=completion):
            return replace(dossier, pieces=_complete(dossier.pieces, completion))
        case PieceRecycled():
            pieces = _recycle(dossier.pieces, event)
            return replace(dossier, pieces=pieces, parties=event.parties)
        case StatusSet():
            return replace(dossier, pieces=_stamp(dossier.pieces, event))
        case Closed():
            return replace(dossier, awaited=None, hold=None, state=State.CLOS)
        case _:
            return _apply_to_awaited(dossier, event)


def _apply_to_awaited(
    dossier: Dossier,
    event: Forwarded | Offered | Held | DelayElapsed | DelayReminded | AdditionRefused,
) -> Dossier:
    match event:
        case Forwarded(purpose=Purpose.INFORMATION) | AdditionRefused():
            return dossier
        case Forwarded():
            awaited = Waiting(
                event.to,
                event.piece_id,
                event.cadres,
                event.at,
                event.due,
                remind_at=event.remind_at,
            )
            is_first = dossier.received_at is None and event.to.role in RECEIVERS
            received_at = event.at if is_first else dossier.received_at
            return replace(dossier, awaited=awaited, hold=None, received_at=received_at)
        case Held():
            since = dossier.awaited.since if dossier.awaited and dossier.hold else event.at
            awaited = Waiting(event.to, event.piece_id, event.cadres, since)
            hold = Hold(event.reason, event.message, event.structure)
            return replace(dossier, awaited=awaited, hold=hold)
        case Offered():
            awaited = _require_awaited(dossier)
            others = (*awaited.others, Turn(event.to, event.cadres))
            return replace(dossier, awaited=replace(awaited, others=others))
        case DelayElapsed():
            waiting = _require_awaited(dossier)
            lapsed = Lapsed(waiting, dossier[waiting.piece_id].status)
            passed = replace(waiting, due=None, remind_at=None)
            return replace(dossier, awaited=passed, lapsed=lapsed)
        case DelayReminded(piece_id=piece_id, due=due):
            waiting = replace(_require_awaited(dossier), remind_at=None)
            return replace(dossier, awaited=waiting, reminded=Reminded(piece_id, due))
        case _:
            assert_never(event)


def _require_awaited(dossier: Dossier) -> Waiting:
    if dossier.awaited is None:
        raise ValueError(f"dossier {dossier.id} awaits nobody")
    return dossier.awaited


def replay(events: Iterable[Event], dossier: Dossier | None = None) -> Dossier | None:
    """Apply events in order, to a dossier or to none; None without a dossier and events."""
    for event in events:
        dossier = evolve(dossier, event)
    return dossier


def _recycle(pieces: tuple[Piece, ...], event: PieceRecycled) -> tuple[Piece, ...]:
    return tuple(
        replace(
            piece,
            deposit=replace(piece.deposit, parties=event.parties, engagement=event.engagement),
        )
        if piece.id == event.piece_id
        else piece
        for piece in pieces
    )


def _stamp(pieces: tuple[Piece, ...], event: StatusSet) -> tuple[Piece, ...]:
    return tuple(
        replace(
            piece,
            status=event.status,
            stamps=_stamp_last(piece.stamps, event),
            words=_update_words(piece.words, event),
        )
        if piece.id == event.piece_id
        else piece
        for piece in pieces
    )


def _stamp_last(stamps: Mapping[Status, datetime], event: StatusSet) -> Mapping[Status, datetime]:
    """Stamp a status as the last one: their order tells stamps of one time apart."""
    others = {status: at for status, at in stamps.items() if status is not event.status}
    return {**others, event.status: event.at}


def _update_words(words: Mapping[Status, Words], event: StatusSet) -> Mapping[Status, Words]:
    others = {status: said for status, said in words.items() if status is not event.status}
    if event.motive or event.comment:
        return {**others, event.status: Words(event.motive, event.comment)}
    return others


def _complete(pieces: tuple[Piece, ...], completion: Complete) -> tuple[Piece, ...]:
    return tuple(
        replace(piece, attachments=(*piece.attachments, *completion.attachments))
        if piece.id == completion.piece_id
        else piece
        for piece in pieces
    )
