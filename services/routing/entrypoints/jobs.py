"""Jobs of routing: delays that have passed and dossiers that are held; and its gauges."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from prometheus_client import Gauge

from services.routing.application.ports import Dossiers
from services.routing.application.router import Router
from shared.runtime.clock import Clock
from shared.runtime.jobs.kinds import InTransaction
from shared.runtime.jobs.rows import Job, enqueue
from shared.runtime.store.database import Transaction
from shared.vocabulary.roles import Role

HELD = Gauge("aiguillage_held_dossiers", "Dossiers that wait for a structure to be set right")
OLDEST = Gauge(
    "aiguillage_oldest_awaited_seconds",
    "Age of the piece that has awaited a role longest",
    ["role"],
)
DELAYS, HELD_DOSSIERS = "delays", "held-dossiers"
"""Kinds of jobs, each named by the id of its dossier."""

BuildRouter = Callable[[Transaction], Router]


def build_delays_work(build_router: BuildRouter) -> InTransaction:
    """Build the work that applies the effects of delays that have passed."""

    async def handle(transaction: Transaction, jobs: Sequence[Job]) -> None:
        await build_router(transaction).apply_delays([job.key for job in jobs])

    return InTransaction(handle)


def build_rejudge_work(build_router: BuildRouter) -> InTransaction:
    """Build the work that judges held dossiers again."""

    async def handle(transaction: Transaction, jobs: Sequence[Job]) -> None:
        await build_router(transaction).rejudge({job.key: job.payload.get("cause") for job in jobs})

    return InTransaction(handle)


async def enqueue_rejudging(transaction: Transaction, causes: Mapping[str, str]) -> None:
    """Enqueue the judging of held dossiers, each with the id of the message that causes it."""
    await enqueue(
        transaction,
        [Job(HELD_DOSSIERS, dossier, {"cause": cause}) for dossier, cause in causes.items()],
    )


def build_gauges_task(dossiers: Dossiers, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Build the task that refreshes the gauges."""

    async def task() -> None:
        HELD.set(await dossiers.count_held())
        for role in Role:
            since = await dossiers.find_oldest_awaited(role)
            OLDEST.labels(role).set((clock() - since).total_seconds() if since else 0)

    return task
