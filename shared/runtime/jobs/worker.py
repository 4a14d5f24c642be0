"""Workers of jobs: each claims the jobs of one kind, carries them out, and looks for more."""

import asyncio
import random
from contextlib import suppress
from datetime import datetime
from functools import partial

from shared.runtime.backoff import retry_forever
from shared.runtime.jobs.kinds import Effect, Finder, InTransaction, Work, build_periodic
from shared.runtime.jobs.rows import COLLECTION, Job, JobRows
from shared.runtime.logs import get_logger
from shared.runtime.metrics import JOBS_FAILING, JOBS_LATE, JOBS_POSTPONED, JOBS_WAITING
from shared.runtime.store.database import Document, Store, aggregate
from shared.runtime.tracing.spans import open_root

STOP_S = 2.0
"""Timeout of the release of claimed rows at stop, in seconds."""
_WAITS_OFTEN = 5
"""Waits that a busy platform explains: over them a job has waited for about three minutes."""
_log = get_logger(__name__)


class Worker:
    """Carries out the jobs of one kind, in one replica."""

    def __init__(self, rows: JobRows, work: Work) -> None:
        """Prepare a worker; `run` does the work."""
        self.kind = rows.kind
        self._rows = rows
        self._work = work
        self._running: set[asyncio.Task[None]] = set()
        """Effects that are being carried out."""

    async def prepare(self) -> None:
        """Create the index, and make a periodic task due now."""
        await self._rows.prepare()
        if self._work.repeat_s is not None:
            await self._rows.make_due("")

    async def run(self) -> None:
        """Carry out jobs until cancelled."""
        try:
            with self._rows.store.notifier.subscribe(self.kind) as woken:
                while True:
                    # Clear the event before the claim: a job enqueued during the claim sets it
                    # again.
                    woken.clear()
                    carry_out = partial(self._carry_out_next, woken)
                    if not await retry_forever(f"jobs.{self.kind}", carry_out):
                        await self._wait(woken)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            # A rolling restart must not hold jobs back for the length of a lease.
            with suppress(Exception):
                await asyncio.wait_for(self._rows.release(), STOP_S)

    async def _carry_out_next(self, woken: asyncio.Event) -> bool:
        """Carry out the jobs of one claim. False when nothing was due, or no room is left."""
        work = self._work
        room = work.batch_size - len(self._running)
        if not room:
            return False
        jobs = await self._rows.claim(room, fail_together=isinstance(work, InTransaction))
        if isinstance(work, InTransaction):
            if jobs:
                with open_root(f"jobs {self.kind}"):
                    await work.carry_out(self._rows, jobs)
            return bool(jobs)
        for job in jobs:
            task = asyncio.create_task(self._carry_out_effect(work, job, woken))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return bool(jobs)

    async def _carry_out_effect(self, work: Effect, job: Job, woken: asyncio.Event) -> None:
        """Carry out one job beside others, and let its worker look for the next."""
        try:
            with open_root(f"jobs {self.kind}"):
                await work.carry_out(self._rows, [job])
        except Exception as error:  # noqa: BLE001 - the job is claimed again once its lease ends
            _log.error("job.unfinished", kind=job.kind, key=job.key, exc_info=error)
        finally:
            woken.set()

    async def _wait(self, woken: asyncio.Event) -> None:
        # With jitter: replicas that started together must not poll together.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._work.poll_s * random.uniform(0.5, 1)):  # noqa: S311
                await woken.wait()


class Jobs:
    """All jobs of a service: a worker for each kind, and their figures."""

    def __init__(self, store: Store) -> None:
        """Start without any kind of job."""
        self._store = store
        self._rows = store.collection(COLLECTION)
        self._kinds: set[str] = set()
        self._unknown_kinds: set[str] = set()
        self.workers: list[Worker] = []

    def add(self, kind: str, work: Work, finder: Finder | None = None) -> None:
        """Add a kind of jobs, and the finder of those that nobody enqueues."""
        rows = JobRows(self._store, kind, work.lease_s)
        self._kinds.add(kind)
        self.workers.append(Worker(rows, work))
        if finder:
            self.add(f"{kind}.find", build_periodic(finder.build_task(rows), finder.every_s))

    async def measure(self) -> None:
        """Refresh the gauges of jobs: each replica shows the figures of the whole service."""
        now = await self._store.read_clock()
        found = {row["_id"]: row async for row in aggregate(self._rows, _build_counts(now))}
        # Nobody of this version carries out what a newer one left: it waits, and is never late.
        self._unknown_kinds.update(found.keys() - self._kinds)
        for kind in self._kinds | self._unknown_kinds:
            JOBS_WAITING.labels(kind).set(found[kind]["waiting"] if kind in found else 0)
        for kind in self._kinds:
            row = found.get(kind, {"failing": 0, "postponed": 0, "due": now})
            JOBS_FAILING.labels(kind).set(row["failing"])
            JOBS_POSTPONED.labels(kind).set(row["postponed"])
            JOBS_LATE.labels(kind).set(max(0.0, (now - row["due"]).total_seconds()))


def _build_counts(now: datetime) -> list[Document]:
    """Build the pipeline that counts rows by kind: claimed and postponed rows are not due."""
    is_waiting = {"$and": [{"$lte": ["$due", now]}, {"$eq": ["$attempts", 0]}]}
    return [
        {
            "$group": {
                "_id": "$kind",
                "waiting": {"$sum": {"$cond": [is_waiting, 1, 0]}},
                "failing": {"$sum": {"$cond": [{"$gt": ["$attempts", 0]}, 1, 0]}},
                "postponed": {"$sum": {"$cond": [{"$gt": ["$waits", _WAITS_OFTEN]}, 1, 0]}},
                "due": {"$min": "$due"},
            }
        }
    ]
