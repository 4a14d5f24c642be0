"""Jobs of routing: apply delays that have passed, send reminders, judge held dossiers again."""

from collections.abc import Callable, Mapping, Sequence

from services.routing.application.router import Router
from shared.runtime.jobs.kinds import InTransaction
from shared.runtime.jobs.rows import Job, enqueue
from shared.runtime.store.database import Transaction

DELAYS, REMINDERS, HELD_DOSSIERS = "delays", "reminders", "held-dossiers"
"""Kinds of jobs, each named by the id of its dossier."""

BuildRouter = Callable[[Transaction], Router]


def build_delays_work(build_router: BuildRouter) -> InTransaction:
    """Build the work that applies the effects of delays that have passed."""

    async def handle(transaction: Transaction, jobs: Sequence[Job]) -> None:
        await build_router(transaction).apply_delays([job.key for job in jobs])

    return InTransaction(handle)


def build_reminders_work(build_router: BuildRouter) -> InTransaction:
    """Build the work that reminds awaited actors of their delays."""

    async def handle(transaction: Transaction, jobs: Sequence[Job]) -> None:
        await build_router(transaction).remind([job.key for job in jobs])

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
