"""Periodic tasks: gauges, held dossiers, delays that have passed."""

from collections.abc import Awaitable, Callable

from prometheus_client import Gauge

from services.routing.application.ports import Dossiers
from services.routing.application.router import Router
from shared.runtime.clock import Clock
from shared.runtime.store.database import Store, Transaction
from shared.vocabulary.roles import Role

HELD = Gauge("aiguillage_held_dossiers", "Dossiers that wait for a structure to be set right")
OLDEST = Gauge(
    "aiguillage_oldest_awaited_seconds",
    "Age of the piece that has awaited a role longest",
    ["role"],
)

Task = Callable[[], Awaitable[None]]


def build_gauges_task(dossiers: Dossiers, clock: Clock) -> Task:
    """Build the task that refreshes the gauges."""

    async def task() -> None:
        HELD.set(await dossiers.count_held())
        for role in Role:
            since = await dossiers.find_oldest_awaited(role)
            OLDEST.labels(role).set((clock() - since).total_seconds() if since else 0)

    return task


def build_rejudge_task(store: Store, build_router: Callable[[Transaction], Router]) -> Task:
    """Build the task that judges held dossiers again.

    A change of a structure releases the dossiers that it holds. It misses a dossier that another
    transaction is about to hold by the version before: this task finds it.
    """

    return _run_pages(
        lambda after: store.transaction(lambda tx: build_router(tx).rejudge_held(after))
    )


def build_delays_task(store: Store, build_router: Callable[[Transaction], Router]) -> Task:
    """Build the task that applies the delays that have passed."""
    return _run_pages(lambda after: store.transaction(lambda tx: build_router(tx).elapse(after)))


def _run_pages(page: Callable[[str], Awaitable[str | None]]) -> Task:
    """Build the task that runs page after page; each returns the id where the next one begins."""

    async def task() -> None:
        last = await page("")
        while last:
            last = await page(last)

    return task
