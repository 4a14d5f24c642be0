"""Kinds of background jobs: in a transaction, outside the store, periodic, and found jobs."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Collection as Several
from dataclasses import dataclass
from functools import partial

from shared.runtime.backoff import compute_backoff, retry_transient
from shared.runtime.error_descriptions import describe_error
from shared.runtime.errors import TransientError, is_transient
from shared.runtime.jobs.rows import ClaimLostError, Job, JobRows
from shared.runtime.logs import get_logger
from shared.runtime.metrics import JOBS
from shared.runtime.store.database import Transaction

_MARGIN_S = 10
"""Time that a lease lasts beyond the timeout of its effects, in seconds."""
_FIRST_RETRY_S = 1
"""First retry delay of a job that fails, in seconds."""
_FIRST_WAIT_S = 5
"""First retry delay after a transient error, in seconds, with jitter: not every job of a claim
caused the error, so they must not be retried together."""
_ERROR_MAX = 500
"""Length limit of the error in the row of a job, in characters."""
_FOUND_MAX = 1000
"""Limit of found jobs that wait as rows, without those that failed or were postponed; later runs
find the rest."""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InTransaction:
    """Jobs whose effects are in the store: a batch is carried out in one transaction, once."""

    handle: Callable[[Transaction, Sequence[Job]], Awaitable[object]]
    batch_size: int = 25
    """Limit of the jobs of one claim."""
    lease_s: float = 30
    """Lease of claimed jobs, in seconds."""
    retry_max_s: float = 600
    """Longest retry delay of a job that fails, in seconds."""
    poll_s: float = 1
    """Polling interval of a worker, in seconds, for jobs that another process has enqueued."""
    repeat_s: None = None

    async def carry_out(self, rows: JobRows, jobs: Sequence[Job]) -> None:
        """Carry out claimed jobs in one transaction; bisect them when one may be at fault.

        An error of a job is recorded in its row, and not raised.
        """

        async def work(transaction: Transaction) -> None:
            await self.handle(transaction, jobs)
            await rows.delete(jobs, transaction)

        try:
            await rows.store.transaction(work)
        except Exception as error:  # noqa: BLE001 - the job's row records it
            # Bisect when one job may be the cause: a TransientError that it raised, or a lasting
            # error. A driver error while the store is away has no such cause.
            may_be_one_job = isinstance(error, TransientError) or not is_transient(error)
            if may_be_one_job and len(jobs) > 1:
                middle = len(jobs) // 2
                await self.carry_out(rows, jobs[:middle])
                await self.carry_out(rows, jobs[middle:])
            elif is_transient(error):
                await _wait_out(rows, jobs, error, self.retry_max_s)
            else:
                await _count_failure(rows, jobs[0], error, self.retry_max_s)
        else:
            JOBS.labels(rows.kind, "done").inc(len(jobs))


@dataclass(frozen=True, slots=True)
class Effect:
    """Jobs whose effects are outside the store, or a transaction of their own: at least once.

    They run side by side, and a slow one delays no other: as one ends, the next is claimed.
    """

    handle: Callable[[Job], Awaitable[object]]
    effect_timeout_s: float = 10
    """Timeout of one effect, in seconds; beyond it the job fails."""
    batch_size: int = 20
    """Limit of the jobs that one replica carries out at a time."""
    retry_max_s: float = 600
    """Longest retry delay of a job that fails, in seconds."""
    poll_s: float = 1
    """Polling interval of a worker, in seconds, for jobs that another process has enqueued."""
    repeat_s: float | None = None
    """Seconds from the end of a periodic task to its next run; None for a job."""

    @property
    def lease_s(self) -> float:
        """Lease of claimed jobs, in seconds: longer than an effect, so that none runs twice."""
        return self.effect_timeout_s + _MARGIN_S

    async def carry_out(self, rows: JobRows, jobs: Sequence[Job]) -> None:
        """Carry out claimed jobs. An error of a job is recorded in its row, and not raised."""
        await asyncio.gather(*(self._carry_out_one(rows, job) for job in jobs))

    async def _carry_out_one(self, rows: JobRows, job: Job) -> None:
        try:
            async with asyncio.timeout(self.effect_timeout_s):
                await self.handle(job)
        except Exception as error:  # noqa: BLE001 - the job's row records it
            if isinstance(error, TransientError):
                await _wait_out(rows, [job], error, self.retry_max_s)
            else:
                # A failed connection counts as the job's own failure: the server may be a third
                # party's.
                await _count_failure(rows, job, error, self.retry_max_s)
        else:
            await retry_transient("jobs", lambda: rows.finish(job, self.repeat_s))
            JOBS.labels(rows.kind, "done").inc()


Work = InTransaction | Effect
"""How the jobs of a kind are carried out."""


def build_periodic(
    task: Callable[[], Awaitable[object]], every_s: float, effect_timeout_s: float = 20
) -> Effect:
    """Build a periodic task, which one replica at a time runs, `every_s` after its last end."""
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
    """Returns the keys of the jobs that are due. It reads ids only, so that a document that this
    version cannot read is found as well."""
    every_s: float
    """Interval of the search, in seconds."""

    def build_task(self, rows: JobRows) -> Callable[[], Awaitable[None]]:
        """Build the periodic task that inserts a row for each key that has none."""

        async def insert_found() -> None:
            # Read before `find`: a job that ends in between is no longer due when `find` runs.
            tried = await rows.find_tried()
            # Failing and postponed jobs take no room, however many they are.
            room = _FOUND_MAX - sum(not each for each in tried.values())
            if room > 0:
                new = [key for key in await self.find() if key not in tried]
                if new:
                    # At random: jobs that stay due are found again, and must not always come first.
                    await rows.insert(random.sample(new, min(room, len(new))))

        return insert_found


async def _count_failure(rows: JobRows, job: Job, error: Exception, retry_max_s: float) -> None:
    """Postpone a job that failed by its own fault, with its error in its row."""
    _log.warning("job.failed", kind=job.kind, key=job.key, attempt=job.attempts + 1, exc_info=error)
    delay_s = compute_backoff(job.attempts, _FIRST_RETRY_S, retry_max_s)
    text = describe_error(error)[:_ERROR_MAX]
    await retry_transient("jobs", lambda: rows.postpone(job, delay_s, text))
    JOBS.labels(rows.kind, "failed").inc()


async def _wait_out(
    rows: JobRows, jobs: Sequence[Job], error: Exception, retry_max_s: float
) -> None:
    """Postpone jobs that a transient error stopped."""
    outcome = "lost" if isinstance(error, ClaimLostError) else "postponed"
    for job in jobs:
        _log.warning("job.postponed", kind=job.kind, key=job.key, error=describe_error(error))
        delay_s = compute_backoff(job.waits, _FIRST_WAIT_S, retry_max_s)
        await retry_transient("jobs", partial(rows.postpone, job, delay_s))
        JOBS.labels(rows.kind, outcome).inc()
