"""Kinds of jobs: in a transaction, an effect outside the store, a periodic task, found ones."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Collection as Several
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol

from shared.runtime.backoff import compute_backoff, retry_transient
from shared.runtime.errors import TransientError, is_transient
from shared.runtime.jobs.rows import ClaimLostError, Job, JobRows
from shared.runtime.logs import get_logger
from shared.runtime.metrics import JOBS
from shared.runtime.store.database import Transaction

_MARGIN_S = 10
"""Time that a claim lasts beyond the time-out of its effects."""
_FIRST_RETRY_S = 1
_WAIT_S = (0.5, 5)
"""Jobs that a transient error stopped come back one by one: not all of them are its cause."""
_ERROR_MAX = 500
_FOUND_MAX = 1000
"""Rows of found jobs that wait at most; the rest are found again."""
_log = get_logger(__name__)


class Work(Protocol):
    """How the jobs of a kind are carried out."""

    fail_together: ClassVar[bool]
    """Whether one job that fails makes those fail that were claimed with it."""

    @property
    def batch_size(self) -> int:
        """How many jobs are claimed at once."""

    @property
    def lease_s(self) -> float:
        """For how long they are claimed."""

    @property
    def poll_s(self) -> float:
        """How often a worker looks for jobs that no one of its process told it of."""

    @property
    def repeat_s(self) -> float | None:
        """How long after its end a periodic task runs again; None for a job."""

    async def carry_out(self, rows: JobRows, jobs: Sequence[Job]) -> None:
        """Carry out jobs that were claimed; raise no error of theirs."""


@dataclass(frozen=True, slots=True)
class InTransaction:
    """Jobs whose effects are in the store: a batch is carried out in one transaction, once."""

    handle: Callable[[Transaction, Sequence[Job]], Awaitable[object]]
    batch_size: int = 25
    lease_s: float = 30
    retry_max_s: float = 600
    poll_s: float = 1
    repeat_s: None = None
    fail_together: ClassVar[bool] = True

    async def carry_out(self, rows: JobRows, jobs: Sequence[Job]) -> None:
        """Carry out a batch, or its halves when it fails by the fault of one job: bisection."""

        async def work(transaction: Transaction) -> None:
            await self.handle(transaction, jobs)
            await rows.delete(jobs, transaction)

        try:
            await rows.store.transaction(work)
        except Exception as error:  # noqa: BLE001 - it is told in the row of the job
            # An error of ours, even one to wait out, is about some of the jobs; that of a store
            # that is away is about none.
            is_about_some = isinstance(error, TransientError) or not is_transient(error)
            if is_about_some and len(jobs) > 1:
                middle = len(jobs) // 2
                await self.carry_out(rows, jobs[:middle])
                await self.carry_out(rows, jobs[middle:])
            elif is_transient(error):
                await _wait_out(rows, jobs, error)
            else:
                await _count_failure(rows, jobs[0], error, self.retry_max_s)
        else:
            JOBS.labels(rows.kind, "done").inc(len(jobs))


@dataclass(frozen=True, slots=True)
class Effect:
    """Jobs whose effects are outside the store, or a transaction of their own: at least once.

    Those claimed together run side by side, and the slowest of them delays the next claim.
    """

    handle: Callable[[Job], Awaitable[object]]
    effect_timeout_s: float = 10
    batch_size: int = 20
    retry_max_s: float = 600
    poll_s: float = 1
    repeat_s: float | None = None
    fail_together: ClassVar[bool] = False

    @property
    def lease_s(self) -> float:
        """Longer than any effect lasts: none is begun twice while it runs."""
        return self.effect_timeout_s + _MARGIN_S

    async def carry_out(self, rows: JobRows, jobs: Sequence[Job]) -> None:
        """Carry out each job by itself."""
        await asyncio.gather(*(self._carry_out_one(rows, job) for job in jobs))

    async def _carry_out_one(self, rows: JobRows, job: Job) -> None:
        try:
            async with asyncio.timeout(self.effect_timeout_s):
                await self.handle(job)
        except Exception as error:  # noqa: BLE001 - it is told in the row of the job
            if isinstance(error, TransientError):
                await _wait_out(rows, [job], error)
            else:
                # A connection that fails is its own fault here: it may be to anybody's server.
                await _count_failure(rows, job, error, self.retry_max_s)
        else:
            await retry_transient("jobs", lambda: rows.finish(job, self.repeat_s))
            JOBS.labels(rows.kind, "done").inc()


def build_periodic(
    task: Callable[[], Awaitable[object]], every_s: float, effect_timeout_s: float = 20
) -> Effect:
    """Build a periodic task, which one of the replicas runs at a time."""
    return Effect(
        lambda _: task(),
        effect_timeout_s,
        batch_size=1,
        retry_max_s=60,
        poll_s=min(max(every_s / 2, 0.5), 10),
        repeat_s=every_s,
    )


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds jobs in the documents of the service, in one replica at a time."""

    find: Callable[[], Awaitable[Several[str]]]
    """Gives the keys of all that is due. Ids alone: a document that cannot be read is due too."""
    every_s: float

    def build_task(self, rows: JobRows) -> Callable[[], Awaitable[None]]:
        """Build the periodic task that inserts a row for each key that has none."""

        async def insert_found() -> None:
            # Before it looks at the documents: what was carried out meanwhile is due no more.
            attempts = await rows.count_attempts()
            # Those that have failed take no room, however many they are.
            room = _FOUND_MAX - sum(not each for each in attempts.values())
            if room > 0:
                new = [key for key in await self.find() if key not in attempts]
                if new:
                    await rows.insert(new[:room])

        return insert_found


async def _count_failure(rows: JobRows, job: Job, error: Exception, retry_max_s: float) -> None:
    """Postpone a job that failed by its own fault, with its error in its row."""
    _log.warning("job.failed", kind=job.kind, key=job.key, attempt=job.attempts + 1, exc_info=error)
    delay_s = compute_backoff(job.attempts, _FIRST_RETRY_S, retry_max_s)
    text = repr(error)[:_ERROR_MAX]
    await retry_transient("jobs", lambda: rows.postpone(job, delay_s, text))
    JOBS.labels(rows.kind, "failed").inc()


async def _wait_out(rows: JobRows, jobs: Sequence[Job], error: Exception) -> None:
    """Postpone jobs that a transient error stopped."""
    outcome = "lost" if isinstance(error, ClaimLostError) else "postponed"
    for job in jobs:
        _log.warning("job.postponed", kind=job.kind, key=job.key, error=repr(error))
        delay_s = random.uniform(*_WAIT_S)  # noqa: S311 - jitter
        await retry_transient("jobs", partial(rows.postpone, job, delay_s))
        JOBS.labels(rows.kind, outcome).inc()
