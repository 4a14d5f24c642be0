"""Checks of the runs: compare the expected hops, statuses and delays with the received ones."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from deploy.local.demo.routing_events import RoutingEvents
from deploy.local.demo.runs import Delivery, JourneyRun
from shared.vocabulary.roles import Purpose, Role

T = TypeVar("T")
_TIMEOUT_S = 20.0
_POLL_S = 0.1


def find_lost(runs: Sequence[JourneyRun], events: RoutingEvents) -> set[str]:
    """Find the ids of accepted pieces that no recipient received for action."""
    arrived = {
        hop.forwarded.piece_id for hop in events.hops if hop.forwarded.purpose is Purpose.ACTION
    }
    return {piece["piece_id"] for run in runs for piece in run.pieces} - arrived


class Fault(StrEnum):
    """Kind of difference between the expected hops, statuses or delays and the received ones."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    OUT_OF_ORDER = "out of order"


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference between what a run expects and what was received."""

    fault: Fault
    text: str

    def __str__(self) -> str:
        """Describe the difference to a person."""
        return self.text


def find_differences(runs: Sequence[JourneyRun], events: RoutingEvents) -> list[Difference]:
    """List the hops, statuses and delays that are missing, too many, or in another order."""
    came: dict[str, Counter[Delivery]] = defaultdict(Counter)
    for hop in events.hops:
        came[hop.as_delivery.piece_id][hop.as_delivery] += 1
    return [each for run in runs for each in _compare(run, events, came)]


def _compare(
    run: JourneyRun, events: RoutingEvents, hops: Mapping[str, Counter[Delivery]]
) -> Iterator[Difference]:
    mine = {piece["piece_id"]: piece["number"] for piece in run.pieces}
    name = run.journey.name
    came = sum((hops.get(piece_id, Counter()) for piece_id in mine), Counter[Delivery]())
    for delivery in run.deliveries - came:
        yield Difference(Fault.LOST, f"{name}: missing {_describe(delivery)}")
    for delivery in came - run.deliveries:
        yield Difference(Fault.DUPLICATED, f"{name}: unexpected {_describe(delivery)}")
    for piece_id, expected in run.statuses.items():
        received = events.statuses.get(piece_id, [])
        if received != expected:
            yield Difference(
                find_fault(Counter(received), Counter(map(str, expected))),
                f"{name}: statuses of {mine[piece_id]} are {received} instead of {expected}",
            )
    delays = Counter({each: n for each, n in events.delays.items() if each[0] in mine})
    if delays != Counter(run.delays):
        yield Difference(
            find_fault(delays, Counter(run.delays)),
            f"{name}: delays passed are {dict(delays)} instead of {run.delays}",
        )


def find_fault(came: Counter[T], expected: Counter[T]) -> Fault:
    """Classify a difference: anything missing, else anything too many, else another order."""
    if expected - came:
        return Fault.LOST
    return Fault.DUPLICATED if came - expected else Fault.OUT_OF_ORDER


def _describe(delivery: Delivery) -> str:
    return f"hop of {delivery.number} to {delivery.role} ({delivery.purpose}), {delivery}"


async def wait_for_expected(runs: Sequence[JourneyRun], events: RoutingEvents) -> list[str]:
    """Wait until nothing differs; return the differences that are left after 20 s."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_TIMEOUT_S):
            while find_differences(runs, events):
                events.news.clear()
                await events.news.wait()
            while any([await find_service_differences(run) for run in runs]):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
    return [
        *map(str, find_differences(runs, events)),
        *[each for run in runs for each in await find_service_differences(run)],
    ]


async def find_service_differences(run: JourneyRun) -> list[str]:
    """Compare a run with the history of notification; have routing verify the audit trail."""
    name = run.journey.name
    titulaire = run.context.build_actor(Role.TITULAIRE, run.journey.marche)
    wrong = []
    history = await titulaire.read_history(run.dossier_id)
    for piece_id, expected in run.statuses.items():
        kept = [each["status"] for each in history if each["piece_id"] == piece_id]
        if kept != expected:
            wrong.append(f"{name}: notification shows {kept} instead of {expected}")
    trail = await titulaire.read_trail(run.dossier_id)
    if not trail["is_valid"]:
        wrong.append(f"{name}: the audit trail does not verify: {trail}")
    return wrong
