"""Checks of the runs: compare the expected hops, statuses and delays with the received ones."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress

from deploy.local.demo.routing_events import RoutingEvents
from deploy.local.demo.runs import Delivery, JourneyRun
from shared.vocabulary.roles import Purpose, Role

_TIMEOUT_S = 20.0
_POLL_S = 0.1


def find_lost(runs: Sequence[JourneyRun], events: RoutingEvents) -> set[str]:
    """Find the accepted pieces that reached no recipient."""
    arrived = {
        hop.forwarded.piece_id for hop in events.hops if hop.forwarded.purpose is Purpose.ACTION
    }
    return {piece["piece_id"] for run in runs for piece in run.pieces} - arrived


def find_differences(runs: Sequence[JourneyRun], events: RoutingEvents) -> list[str]:
    """List the hops, statuses and delays that are missing or too many."""
    return [each for run in runs for each in _compare(run, events)]


def _compare(run: JourneyRun, events: RoutingEvents) -> Iterator[str]:
    mine = {piece["piece_id"]: piece["number"] for piece in run.pieces}
    name = run.journey.name
    came = [hop.as_delivery for hop in events.hops if hop.as_delivery.piece_id in mine]
    for delivery in run.deliveries:
        if came.count(delivery) < run.deliveries[delivery]:
            yield f"{name}: missing {_describe(delivery)}"
    for delivery in set(came):
        if came.count(delivery) > run.deliveries[delivery]:
            yield f"{name}: unexpected {_describe(delivery)}"
    for piece_id, expected in run.statuses.items():
        told = events.statuses.get(piece_id, [])
        if told != expected:
            yield f"{name}: statuses of {mine[piece_id]} are {told} instead of {expected}"
    delays = {delay: times for delay, times in events.delays.items() if delay[0] in mine}
    if delays != {delay: run.delays.count(delay) for delay in run.delays}:
        yield f"{name}: delays passed are {delays} instead of {run.delays}"


def _describe(delivery: Delivery) -> str:
    return f"hop of {delivery.number} to {delivery.role} ({delivery.purpose}), {delivery}"


async def wait_for_expected(runs: Sequence[JourneyRun], events: RoutingEvents) -> list[str]:
    """Wait until nothing differs; return the differences that are left at the timeout."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_TIMEOUT_S):
            while find_differences(runs, events):
                events.news.clear()
                await events.news.wait()
            while any([await _ask_services(run) for run in runs]):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
    return [
        *find_differences(runs, events),
        *[each for run in runs for each in await _ask_services(run)],
    ]


async def _ask_services(run: JourneyRun) -> list[str]:
    """Compare with what the services answer: the history of statuses and the audit trail."""
    name = run.journey.name
    titulaire = run.context.actor(Role.TITULAIRE, run.journey.site)
    wrong = []
    history = await titulaire.history(run.dossier_id)
    for piece_id, expected in run.statuses.items():
        kept = [each["status"] for each in history if each["piece_id"] == piece_id]
        if kept != expected:
            wrong.append(f"{name}: notification shows {kept} instead of {expected}")
    trail = await titulaire.trail(run.dossier_id)
    if not trail["is_valid"]:
        wrong.append(f"{name}: the audit trail does not verify: {trail}")
    return wrong
