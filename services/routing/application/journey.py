"""Journey of a dossier: its state, correlation id, ranks of messages, files and trail."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from services.routing.domain.dossier import Dossier, Piece, replay
from services.routing.domain.events import Event
from shared.circuit.loader import load_version
from shared.circuit.statuses import Act, list_fitting_acts
from shared.circuit.table import Row
from shared.contracts.common_v1 import FileV1
from shared.contracts.deposit_v1 import PieceCompleted, PieceContested, PieceDeposited
from shared.contracts.topics import Topic
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Cause:
    """Cause of events: a message, or a treatment over HTTP, which has no message id."""

    correlation_id: str
    message_id: str | None = None
    user: str | None = None
    """Id of the principal who acted; None when the platform does."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """Enclosure of a piece: its files and other data that no decision uses."""

    file: FileV1
    attachments: tuple[FileV1, ...] = ()
    marche: str | None = None
    type_code: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the audit trail: the events of one command."""

    version: int
    """Version of the dossier after these events."""
    events: tuple[Event, ...]
    cause: str | None = None
    """Id of the message that caused the events."""
    user: str | None = None
    """Id of the principal who acted; None when the platform did, or before ids were kept."""


@dataclass(slots=True)
class Journey:
    """A dossier with all that is stored beside it. Use cases advance it."""

    dossier: Dossier
    correlation_id: str
    ranks: dict[str, int] = field(default_factory=dict)
    """Rank of the last message published, by topic."""
    enclosures: dict[str, Enclosure] = field(default_factory=dict)
    """Enclosures by piece id."""
    payment_not_reported: bool = False
    """Parameter of the service financier when the dossier last changed."""
    trail: str = ""
    """Hash of the last entry of the audit trail that the store holds."""
    entries: list[Entry] = field(default_factory=list)
    """New entries, which are not in the trail yet."""

    @classmethod
    def open(cls, events: tuple[Event, ...], cause: Cause) -> Self:
        """Create the journey of a dossier from its first events."""
        dossier = _apply(None, events)
        entry = Entry(dossier.version, events, cause.message_id, cause.user)
        return cls(dossier, cause.correlation_id, entries=[entry])

    def advance(self, events: tuple[Event, ...], cause: Cause) -> None:
        """Apply events, as a new entry of the trail."""
        self.dossier = _apply(self.dossier, events)
        entry = Entry(self.dossier.version, events, cause.message_id, cause.user)
        self.entries.append(entry)

    def enclose(self, payload: PieceDeposited | PieceCompleted | PieceContested) -> None:
        """Add the files that a message names."""
        if isinstance(payload, PieceDeposited):
            enclosure = Enclosure(
                payload.file, payload.attachments, payload.marche, payload.type_code
            )
        else:
            known = self.enclosures[payload.piece_id]
            enclosure = replace(known, attachments=(*known.attachments, *payload.attachments))
        self.enclosures[payload.piece_id] = enclosure

    def take_next_rank(self, topic: Topic) -> int:
        """Take the rank of the next message on a topic."""
        rank = self.ranks.get(topic.name, 0) + 1
        self.ranks[topic.name] = rank
        return rank


def _apply(dossier: Dossier | None, events: Iterable[Event]) -> Dossier:
    applied = replay(events, dossier)
    if applied is None:
        raise ValueError("a dossier opens by an event")
    return applied


def find_row(dossier: Dossier, piece: Piece) -> Row | None:
    """Find the row of the circuit for a piece; None for one rejected for its cadre."""
    return load_version(dossier.table_version).find_row(piece.cadre, moa=dossier.moa_present)


def list_acts(dossier: Dossier, role: Role, level: int) -> tuple[Act, ...]:
    """List the acts of a role that is awaited: none while the dossier is held.

    `level` is the write level: acts above it are left out.
    """
    awaited = dossier.awaited
    if awaited is None or dossier.hold is not None:
        return ()
    piece = dossier[awaited.piece_id]
    row = find_row(dossier, piece)
    return list_fitting_acts(role, piece.status, row, level) if row else ()


def is_party(dossier: Dossier, actor: Actor) -> bool:
    """Tell whether a structure takes part in a dossier in the role that it claims."""
    party = dossier.parties.of(actor.role)
    return (
        party is not None
        and party.structure == actor.structure
        and actor.covers_service(party.service)
    )
