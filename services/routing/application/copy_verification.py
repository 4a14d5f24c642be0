"""Comparison of the copies of a dossier in other services with its audit trail."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from services.routing.application.expected_copies import (
    ExpectedDossier,
    expect_of_deposit,
    expect_of_notification,
    expect_of_portal,
    list_files,
)
from services.routing.application.messages import build_state
from services.routing.application.ports import Dossiers
from shared.vocabulary.actors import Actor
from shared.vocabulary.levels import LEVEL

Json = Mapping[str, Any]
_PRECISION = timedelta(milliseconds=1)
"""Precision of a moment in the store."""


class PeerFaultError(Exception):
    """A service refuses what is asked of it; the message is its reason."""


class Peers(Protocol):
    """The services that hold copies, asked with the identity of a party.

    A piece or its statuses are None where the party may not see them. Raises PeerFaultError when a
    service refuses, PeerAwayError when it does not answer, which ends the comparison.
    """

    async def fetch_piece(self, piece_id: str, by: Actor) -> Json | None: ...

    async def fetch_file(self, url: str, by: Actor) -> str:
        """Download a file from deposit, and return its SHA-256."""

    async def fetch_listed(self, dossier_id: str, by: Actor) -> Sequence[Json]:
        """Read the pieces of a dossier that the portal finds."""

    async def fetch_statuses(self, dossier_id: str, by: Actor) -> Sequence[Json] | None: ...


async def find_copy_differences(dossiers: Dossiers, dossier_id: str, peers: Peers) -> list[str]:
    """Compare the copies of a dossier with its trail, by field.

    They are the files of routing itself, and what deposit, portal and notification hold.

    Empty when they agree, or when there is no such dossier.
    """
    journey = await dossiers.find_journey(dossier_id)
    if journey is None:
        return []
    trail = await dossiers.read_trail(dossier_id)
    expected = ExpectedDossier(
        journey,
        build_state(journey, journey.dossier.pieces[0].deposit.deposited_at, LEVEL),
        trail,
    )
    found = [f"routing: {each}" for each in _compare_enclosures(expected)]
    for by in expected.parties:
        found += [
            f"deposit, as {by.role}: {each}" for each in await _compare_deposit(expected, by, peers)
        ]
        found += [
            f"portal, as {by.role}: {each}" for each in await _compare_portal(expected, by, peers)
        ]
        found += [
            f"notification, as {by.role}: {each}"
            for each in await _compare_notification(expected, by, peers)
        ]
    found += [
        f"deposit: {each}" for each in await _compare_files(expected, next(expected.parties), peers)
    ]
    return found


def find_differences(shown: Any, expected: Any, where: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """List the fields whose value is not the expected one; fields not expected are ignored."""
    if isinstance(expected, Mapping):
        for key, value in expected.items():
            has_it = isinstance(shown, Mapping) and key in shown
            yield from find_differences(shown[key] if has_it else None, value, f"{where}.{key}")
    elif isinstance(expected, tuple):
        if not isinstance(shown, list) or len(shown) != len(expected):
            yield from _find_missing(shown, expected, where)
            return
        for rank, (one, other) in enumerate(zip(shown, expected, strict=True)):
            yield from find_differences(one, other, f"{where}[{rank}]")
    elif not _is_same(shown, expected):
        yield f"{where}: {shown!r:.80}, where the trail tells {_to_json(expected)!r:.80}"


def _find_missing(shown: Any, expected: Sequence[Any], where: str) -> Iterator[str]:  # noqa: ANN401
    """Describe a list of another length, and name each expected item that is not in it."""
    items = shown if isinstance(shown, list) else []
    count = len(items) if isinstance(shown, list) else "nothing"
    yield f"{where}: {count} of {len(expected)}"
    for rank, other in enumerate(expected):
        if not any(next(find_differences(each, other, where), None) is None for each in items):
            yield f"{where}[{rank}]: missing, {_name_item(other)!r:.200}"


def _name_item(expected: Any) -> Any:  # noqa: ANN401
    """Name an item by its fields that are one text or number, without those that are null."""
    if not isinstance(expected, Mapping):
        return _to_json(expected)
    return {
        key: _to_json(value)
        for key, value in expected.items()
        if value is not None and not isinstance(value, Mapping | tuple)
    }


def _is_same(shown: Any, expected: Any) -> bool:  # noqa: ANN401
    try:
        if isinstance(expected, datetime):
            return abs(datetime.fromisoformat(shown) - expected) < _PRECISION
        if isinstance(expected, Decimal):
            return Decimal(shown) == expected
    except (TypeError, ValueError, ArithmeticError):
        return False
    return bool(shown == _to_json(expected))


def _to_json(expected: Any) -> Any:  # noqa: ANN401
    return expected if expected is None or isinstance(expected, bool | int) else str(expected)


def _compare_enclosures(expected: ExpectedDossier) -> Iterator[str]:
    """Compare the files of each piece with those that the trail names."""
    for piece in expected.journey.dossier.pieces:
        enclosure = expected.journey.enclosures.get(piece.id)
        shown = enclosure and [enclosure.file, *enclosure.attachments]
        named = (piece.deposit.file_sha256, *piece.attachments)
        yield from find_differences(
            shown and [each.sha256 for each in shown], named, f"files of {piece.id}"
        )


async def _compare_deposit(expected: ExpectedDossier, by: Actor, peers: Peers) -> list[str]:
    found: list[str] = []
    for state in expected.state.pieces:
        try:
            shown = await peers.fetch_piece(state.piece_id, by)
        except PeerFaultError as fault:
            found.append(f"piece {state.piece_id}: {fault}")
            continue
        if shown is None:
            found.append(f"piece {state.piece_id} is not shown")
            continue
        wanted = _drop_unknown_prevailing(shown, expect_of_deposit(expected, state, by.role))
        found += find_differences(shown, wanted, f"piece {state.piece_id}")
    return found


def _drop_unknown_prevailing(shown: Json, wanted: dict[str, Any]) -> dict[str, Any]:
    """Drop the prevailing amounts where a copy has none: older events did not hold them."""
    if shown.get("prevailing") is None:
        return {key: value for key, value in wanted.items() if key != "prevailing"}
    return wanted


async def _compare_files(expected: ExpectedDossier, by: Actor, peers: Peers) -> list[str]:
    """Download every file and certificate that the trail names, and compare its hash."""
    found: list[str] = []
    for url, sha256 in list_files(expected):
        try:
            given = await peers.fetch_file(url, by)
        except PeerFaultError as fault:
            found.append(f"{url}: {fault}")
        else:
            found += find_differences(given, sha256, url)
    return found


async def _compare_portal(expected: ExpectedDossier, by: Actor, peers: Peers) -> list[str]:
    try:
        found_there = {
            each["piece_id"]: each
            for each in await peers.fetch_listed(expected.state.dossier_id, by)
        }
    except PeerFaultError as fault:
        return [str(fault)]
    found: list[str] = []
    for state in expected.state.pieces:
        shown = found_there.pop(state.piece_id, None)
        if shown is None:
            found.append(f"piece {state.piece_id} is not found")
        else:
            wanted = _drop_unknown_prevailing(shown, expect_of_portal(expected, state, by.role))
            found += find_differences(shown, wanted, f"piece {state.piece_id}")
    return [*found, *(f"piece {each} is none of the dossier" for each in found_there)]


async def _compare_notification(expected: ExpectedDossier, by: Actor, peers: Peers) -> list[str]:
    try:
        shown = await peers.fetch_statuses(expected.state.dossier_id, by)
    except PeerFaultError as fault:
        return [str(fault)]
    if shown is None:
        return ["the statuses are not shown"]
    return [*find_differences(list(shown), expect_of_notification(expected, by.role), "statuses")]
