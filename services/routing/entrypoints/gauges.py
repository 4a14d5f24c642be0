"""Gauges of routing: held dossiers, and how long a piece has awaited each role."""

from collections.abc import Awaitable, Callable

from prometheus_client import Gauge

from services.routing.application.ports import Dossiers
from shared.runtime.clock import Clock
from shared.vocabulary.roles import Role

HELD = Gauge("aiguillage_held_dossiers", "Dossiers that wait for a structure to be set right")
OLDEST = Gauge(
    "aiguillage_oldest_awaited_seconds",
    "How long the piece that has awaited a role longest has done so",
    ["role"],
)


def build_gauges_task(dossiers: Dossiers, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Build the task that refreshes the gauges."""

    async def task() -> None:
        HELD.set(await dossiers.count_held())
        for role in Role:
            since = await dossiers.find_oldest_awaited(role)
            OLDEST.labels(role).set((clock() - since).total_seconds() if since else 0)

    return task
