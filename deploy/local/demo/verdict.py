"""What must have come of the plays, beside what has."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress

from deploy.local.demo.hops import Watch
from deploy.local.demo.play import Play
from shared.vocabulary.roles import Purpose, Role

_PATIENCE_S = 20.0
_POLL_S = 0.1


def lost(plays: Sequence[Play], watch: Watch) -> set[str]:
    """Name the accepted pieces that were put before nobody."""
    arrived = {
        hop.forwarded.piece_id for hop in watch.hops if hop.forwarded.purpose is Purpose.ACTION
    }
    return {piece["piece_id"] for play in plays for piece in play.pieces} - arrived


def differences(plays: Sequence[Play], watch: Watch) -> list[str]:
    """Say what is missing of the hops, statuses and delays that must have come, or too much."""
    return [each for play in plays for each in _differences(play, watch)]


def _differences(play: Play, watch: Watch) -> Iterator[str]:
    mine = {piece["piece_id"]: piece["number"] for piece in play.pieces}
    name = play.journey.name
    came = [hop.put for hop in watch.hops if hop.put.piece_id in mine]
    for put in play.puts:
        if came.count(put) < play.puts[put]:
            yield f"{name}: missing hop of {put.number} to {put.role} ({put.purpose}), {put}"
    for put in set(came):
        if came.count(put) > play.puts[put]:
            yield f"{name}: unexpected hop of {put.number} to {put.role} ({put.purpose}), {put}"
    for piece_id, expected in play.statuses.items():
        told = watch.statuses.get(piece_id, [])
        if told != expected:
            yield f"{name}: statuses of {mine[piece_id]} are {told} instead of {expected}"
    delays = {delay: times for delay, times in watch.delays.items() if delay[0] in mine}
    if delays != {delay: play.delays.count(delay) for delay in play.delays}:
        yield f"{name}: delays passed are {delays} instead of {play.delays}"


async def until_as_expected(plays: Sequence[Play], watch: Watch) -> list[str]:
    """Wait until nothing differs, and say what still does when patience ends."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while differences(plays, watch):
                watch.news.clear()
                await watch.news.wait()
            while any([await _told(play) for play in plays]):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
    return [*differences(plays, watch), *[each for play in plays for each in await _told(play)]]


async def _told(play: Play) -> list[str]:
    """Ask the services themselves: the history of statuses, and the audit trail."""
    name = play.journey.name
    titulaire = play.scene.actor(Role.TITULAIRE, play.journey.site)
    wrong = []
    history = await titulaire.history(play.dossier_id)
    for piece_id, expected in play.statuses.items():
        kept = [each["status"] for each in history if each["piece_id"] == piece_id]
        if kept != expected:
            wrong.append(f"{name}: notification shows {kept} instead of {expected}")
    trail = await titulaire.trail(play.dossier_id)
    if not trail["is_valid"]:
        wrong.append(f"{name}: the audit trail does not verify: {trail}")
    return wrong
