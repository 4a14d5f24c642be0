"""Stamps of a piece: every moment at which it entered a status, and which time that was."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from services.routing.domain.dossier import Dossier
from services.routing.domain.events import Event, StatusSet
from shared.circuit.statuses import GIVEN_BACK
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a piece entered a status, and the motive and comment given then."""

    status: Status
    at: datetime
    rank: int
    """How many times the piece had entered the status by then, from 1."""
    motive: str | None = None
    comment: str | None = None


Stamps = Mapping[str, tuple[Stamp, ...]]
"""Stamps by piece id, oldest first."""


def may_have_lost_stamps(dossier: Dossier) -> bool:
    """Tell whether a piece may have entered a status twice: only one that was given back can.

    A dossier keeps the last stamp of each status; its audit trail keeps them all.
    """
    return any(GIVEN_BACK & piece.stamps.keys() for piece in dossier.pieces)


def list_stamps(dossier: Dossier, trail: Sequence[Event] = ()) -> Stamps:
    """List the stamps of each piece of a dossier.

    Args:
        dossier: its last stamps serve where the trail cannot be read whole.
        trail: the events of the dossier, oldest first; later ones are left out.
    """
    entered = trail[: dossier.version]
    if len(entered) < dossier.version:
        entered = tuple(_list_last(dossier))
    stamps: dict[str, list[Stamp]] = {piece.id: [] for piece in dossier.pieces}
    ranks: Counter[tuple[str, Status]] = Counter()
    for event in entered:
        if isinstance(event, StatusSet):
            place = event.piece_id, event.status
            ranks[place] += 1
            said = (event.motive, event.comment) if event.motive or event.comment else ()
            stamps[event.piece_id].append(Stamp(event.status, event.at, ranks[place], *said))
    return {name: tuple(sorted(each, key=attrgetter("at"))) for name, each in stamps.items()}


def _list_last(dossier: Dossier) -> Iterable[Event]:
    """List the last entry of each piece into each status."""
    for piece in dossier.pieces:
        for status, at in piece.stamps.items():
            words = piece.words.get(status)
            motive, comment = (words.motive, words.comment) if words else (None, None)
            yield StatusSet(at, piece.id, None, status, motive=motive, comment=comment)
