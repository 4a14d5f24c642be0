"""Moments of a dossier from which a source makes a delay run, all kept, by its audit trail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.routing.domain.dossier import Dossier, Piece
from services.routing.domain.events import Event, Forwarded, StatusSet
from shared.circuit.delay_starts import (
    RECEPTIONS,
    StartedDelay,
    StartMoment,
    list_started_delays,
)
from shared.circuit.loader import load_version
from shared.vocabulary.statuses import Status

_STATUSES = {
    Status.DEPOSEE: StartMoment.DEPOSIT,
    Status.SERVICE_FAIT: StartMoment.SERVICE_FAIT,
}


@dataclass(frozen=True, slots=True)
class Started:
    """A delay that starts at a moment, with its days by the circuit and the marché."""

    delay: StartedDelay
    label: str
    days: int


@dataclass(frozen=True, slots=True)
class DelayStart:
    """A moment of a piece from which delays run."""

    piece: Piece
    moment: StartMoment
    at: datetime
    delays: tuple[Started, ...]


def list_delay_starts(dossier: Dossier, trail: Sequence[Event]) -> tuple[DelayStart, ...]:
    """List the starts of delays, oldest first: a suspension and a recycling take none away.

    Args:
        dossier: the dossier as somebody may see it.
        trail: the events of the dossier, oldest first; later ones are left out.
    """
    found = [
        DelayStart(dossier[piece_id], moment, at, delays)
        for piece_id, moment, at in _list_moments(dossier, trail[: dossier.version])
        if (delays := tuple(_list_started(dossier, dossier[piece_id], moment)))
    ]
    return tuple(sorted(found, key=lambda start: start.at))


def _list_moments(
    dossier: Dossier, trail: Sequence[Event]
) -> Iterator[tuple[str, StartMoment, datetime]]:
    for event in trail:
        match event:
            case StatusSet(status=status) if status in _STATUSES:
                yield event.piece_id, _STATUSES[status], event.at
            case Forwarded(to=to) if to.role in RECEPTIONS:
                # A depositor to whom its own piece comes back has not received it.
                if dossier[event.piece_id].depositor.role is not to.role:
                    yield event.piece_id, RECEPTIONS[to.role], event.at
            case _:
                pass


def _list_started(dossier: Dossier, piece: Piece, moment: StartMoment) -> Iterator[Started]:
    circuit = load_version(dossier.table_version)
    for each in list_started_delays(moment):
        if delay := each.find_delay(circuit, piece.cadre):
            yield Started(each, delay.label, delay.derogate(dossier.delays).days)
