"""Verification of every copy of a dossier against its audit trail: each field that differs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from services.routing.application.expected import (
    Told,
    deposited,
    files_of,
    listed,
    statuses_of,
)
from services.routing.application.messages import describe
from services.routing.application.ports import Archive
from shared.vocabulary.actors import Actor

Json = Mapping[str, Any]
_SHORTEST = timedelta(milliseconds=1)
"""What a store keeps of a moment."""


class PeerFaultError(Exception):
    """A service does not give what is asked of it, and says why."""


class Peers(Protocol):
    """The services that hold copies, asked as a party. None: not for that party, or unknown."""

    async def piece(self, piece_id: str, by: Actor) -> Json | None: ...

    async def file(self, url: str, by: Actor) -> str:
        """Give the SHA-256 of what deposit hands out."""

    async def listed(self, dossier_id: str, by: Actor) -> Sequence[Json]:
        """Give the pieces of a dossier that the portal finds."""

    async def statuses(self, dossier_id: str, by: Actor) -> Sequence[Json] | None: ...


async def differing(archive: Archive, dossier_id: str, peers: Peers) -> list[str]:
    """Compare the copies of deposit, portal and notification with the trail, field by field."""
    journey = await archive.journey(dossier_id)
    if journey is None:
        return []
    trail = await archive.trail(dossier_id)
    told = Told(journey, describe(journey, journey.dossier.pieces[0].deposit.deposited_at), trail)
    found = [f"routing: {each}" for each in _enclosed(told)]
    for by in told.parties:
        found += [f"deposit, as {by.role}: {each}" for each in await _deposited(told, by, peers)]
        found += [f"portal, as {by.role}: {each}" for each in await _listed(told, by, peers)]
        found += [f"notification, as {by.role}: {each}" for each in await _noted(told, by, peers)]
    found += [f"deposit: {each}" for each in await _files(told, next(told.parties), peers)]
    return found


def find_differences(shown: Any, told: Any, where: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Say each place where what is shown is not what is told; what is not told is not compared."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            has_it = isinstance(shown, Mapping) and key in shown
            yield from find_differences(shown[key] if has_it else None, value, f"{where}.{key}")
    elif isinstance(told, tuple):
        if not isinstance(shown, list) or len(shown) != len(told):
            count = len(shown) if isinstance(shown, list) else "nothing"
            yield f"{where}: {count} of {len(told)}"
            return
        for rank, (one, other) in enumerate(zip(shown, told, strict=True)):
            yield from find_differences(one, other, f"{where}[{rank}]")
    elif not _is_same(shown, told):
        yield f"{where}: {shown!r:.80}, where the trail tells {_written(told)!r:.80}"


def _is_same(shown: Any, told: Any) -> bool:  # noqa: ANN401
    try:
        if isinstance(told, datetime):
            return abs(datetime.fromisoformat(shown) - told) < _SHORTEST
        if isinstance(told, Decimal):
            return Decimal(shown) == told
    except (TypeError, ValueError, ArithmeticError):
        return False
    return bool(shown == _written(told))


def _written(told: Any) -> Any:  # noqa: ANN401
    return told if told is None or isinstance(told, bool | int) else str(told)


def _enclosed(told: Told) -> Iterator[str]:
    """Compare the files that travel beside a piece with those that the trail names."""
    for piece in told.journey.dossier.pieces:
        enclosure = told.journey.enclosures.get(piece.id)
        shown = enclosure and [enclosure.file, *enclosure.attachments]
        named = (piece.deposit.file_sha256, *piece.attachments)
        yield from find_differences(
            shown and [each.sha256 for each in shown], named, f"files of {piece.id}"
        )


async def _deposited(told: Told, by: Actor, peers: Peers) -> list[str]:
    found: list[str] = []
    for state in told.state.pieces:
        try:
            shown = await peers.piece(state.piece_id, by)
        except PeerFaultError as fault:
            found.append(f"piece {state.piece_id}: {fault}")
            continue
        if shown is None:
            found.append(f"piece {state.piece_id} is not shown")
            continue
        wanted = _told_then(shown, deposited(told, state, by.role))
        found += find_differences(shown, wanted, f"piece {state.piece_id}")
    return found


def _told_then(shown: Json, wanted: dict[str, Any]) -> dict[str, Any]:
    """Leave out what prevails where none is shown: dossiers were told without it before."""
    if shown.get("prevailing") is None:
        return {key: value for key, value in wanted.items() if key != "prevailing"}
    return wanted


async def _files(told: Told, by: Actor, peers: Peers) -> list[str]:
    """Read every file and certificate that the trail names, and hash it."""
    found: list[str] = []
    for url, sha256 in files_of(told):
        try:
            given = await peers.file(url, by)
        except PeerFaultError as fault:
            found.append(f"{url}: {fault}")
        else:
            found += find_differences(given, sha256, url)
    return found


async def _listed(told: Told, by: Actor, peers: Peers) -> list[str]:
    try:
        found_there = {
            each["piece_id"]: each for each in await peers.listed(told.state.dossier_id, by)
        }
    except PeerFaultError as fault:
        return [str(fault)]
    found: list[str] = []
    for state in told.state.pieces:
        shown = found_there.pop(state.piece_id, None)
        if shown is None:
            found.append(f"piece {state.piece_id} is not found")
        else:
            wanted = _told_then(shown, listed(told, state, by.role))
            found += find_differences(shown, wanted, f"piece {state.piece_id}")
    return [*found, *(f"piece {each} is none of the dossier" for each in found_there)]


async def _noted(told: Told, by: Actor, peers: Peers) -> list[str]:
    try:
        shown = await peers.statuses(told.state.dossier_id, by)
    except PeerFaultError as fault:
        return [str(fault)]
    if shown is None:
        return ["the statuses are not shown"]
    return [*find_differences(list(shown), statuses_of(told, by.role), "statuses")]
