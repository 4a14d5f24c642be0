"""Job rows in the store: one for each key, claimed with a lease, deleted or postponed."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.runtime.errors import TransientError
from shared.runtime.ids import new_id
from shared.runtime.store.batches import Batches
from shared.runtime.store.database import Document, Store, Transaction, read_clock
from shared.runtime.store.driver import BulkWriteError, DuplicateKeyError, UpdateOne

COLLECTION = "jobs"
_CHOICE = 4
"""Candidates read for each row to claim. Rows are chosen at random among them, so that replicas
seldom choose the same."""
_DUPLICATE = 11000
_AGAIN = "again"
"""Field of a row that was enqueued since it was claimed."""


class ClaimLostError(TransientError):
    """The lease has ended and another replica has claimed the job: nothing may commit here."""


@dataclass(frozen=True, slots=True)
class Job:
    """Job of a kind, named by its key."""

    kind: str
    key: str
    payload: Document = field(default_factory=dict)
    attempts: int = 0
    """Number of failed attempts."""
    waits: int = 0
    """Number of times that a transient error postponed it."""

    @property
    def id(self) -> str:
        """Id of the job's row, the same at each attempt: idempotency key of an outside effect.

        It is the same for a newer payload too: a job whose effect is outside the store is named by
        what it sends, such as the id of a message.
        """
        return f"{self.kind}|{self.key}"


async def enqueue(transaction: Transaction, jobs: Sequence[Job]) -> None:
    """Enqueue jobs with a transaction; the newest payload of a key is the one carried out.

    One that waits already under its key is carried out once. One that is being carried out may not
    have seen what this transaction writes: it is carried out again. The write to its row conflicts
    with the deletion of the row, so that neither misses the other.
    """
    if not jobs:
        return
    now = await read_clock(transaction.db)
    rows, session = transaction.collection(COLLECTION), transaction.session
    # What a postponed row waited for may be what this transaction writes: it is due now.
    postponed = {"holder": None, "waits": {"$gt": 0}, "attempts": 0}
    known = {"_id": {"$in": [job.id for job in jobs]}}
    await rows.update_many(known | postponed, {"$set": {"due": now}}, session=session)
    await rows.bulk_write(
        [_build_enqueuing(job, now) for job in jobs], ordered=False, session=session
    )
    transaction.notified.update(job.kind for job in jobs)


class JobRows:
    """Rows of one kind of jobs, as one worker claims them."""

    def __init__(self, store: Store, kind: str, lease_s: float) -> None:
        """Claim rows for `lease_s`, which must be longer than carrying them out takes."""
        self.store = store
        self.kind = kind
        self._rows = store.collection(COLLECTION)
        self._lease = timedelta(seconds=lease_s)
        self._holder = new_id()
        self._endings = Batches(self._finish_each)

    async def prepare(self) -> None:
        """Create the index by which rows are claimed; what was postponed is due now.

        It may wait for the version of the replica that starts.
        """
        await self._rows.create_index([("kind", 1), ("due", 1)])
        postponed = {"kind": self.kind, "waits": {"$gt": 0}, "holder": None}
        await self._rows.update_many(postponed, {"$currentDate": {"due": True}})

    async def find_tried(self) -> Mapping[str, bool]:
        """Tell of each row, by key, whether it has failed or was postponed."""
        rows = self._rows.find({"kind": self.kind}, {"key": 1, "attempts": 1, "waits": 1})
        return {row["key"]: bool(row["attempts"] or row.get("waits")) async for row in rows}

    async def insert(self, keys: Sequence[str]) -> None:
        """Insert rows that are due now. A row that exists already is unchanged."""
        now = await self.store.read_clock()
        jobs = [Job(self.kind, key) for key in keys]
        try:
            await self._rows.insert_many(
                [{"_id": job.id, **_build_row(job, now)} for job in jobs], ordered=False
            )
        except BulkWriteError as error:
            if any(each["code"] != _DUPLICATE for each in error.details["writeErrors"]):
                raise
        self.store.notifier.notify(self.kind)

    async def make_due(self, key: str) -> None:
        """Insert a row that is due now, or make it due; unless it is claimed."""
        job, now = Job(self.kind, key), await self.store.read_clock()
        row = _build_row(job, now)
        due = {"due": row.pop("due")}
        try:
            await self._rows.update_one(
                {"_id": job.id, "holder": None}, {"$set": due, "$setOnInsert": row}, upsert=True
            )
        except DuplicateKeyError:
            return

    async def claim(self, batch_size: int, *, fail_together: bool) -> Sequence[Job]:
        """Claim at most `batch_size` rows that are due; empty when none is due.

        A row that a dead replica left is claimed alone; so is one that has failed, where the jobs
        of a claim `fail_together`.
        """
        while True:
            now = await self.store.read_clock()
            due = self._rows.find(
                {"kind": self.kind, "due": {"$lte": now}}, {"holder": 1, "attempts": 1}
            )
            found = await due.sort("due", 1).limit(_CHOICE * batch_size).to_list(None)
            if not found:
                return []
            chosen = {"_id": {"$in": _choose(found, batch_size, fail_together=fail_together)}}
            claim = {"holder": self._holder, "due": now + self._lease}
            await self._rows.update_many(
                chosen | {"due": {"$lte": now}}, {"$set": claim, "$unset": {_AGAIN: ""}}
            )
            rows = await self._rows.find(chosen | {"holder": self._holder}).to_list(None)
            # Without rows, other replicas were faster: choose again.
            if rows:
                return [_build_job(row) for row in rows]

    async def delete(self, jobs: Sequence[Job], transaction: Transaction) -> None:
        """Delete rows in the transaction of their effects; those enqueued meanwhile are due again.

        Raises ClaimLostError when another replica has claimed one of them.
        """
        mine, rows = self._filter_mine(jobs), transaction.collection(COLLECTION)
        deleted = await rows.delete_many(mine | {_AGAIN: None}, session=transaction.session)
        lost = len(jobs) - deleted.deleted_count
        if lost:
            again = _build_reset(await self.store.read_clock())
            lost -= (await rows.update_many(mine, again, session=transaction.session)).matched_count
        if lost:
            raise ClaimLostError(f"{lost} of {len(jobs)} {self.kind}")

    async def finish(self, job: Job, repeat_s: float | None) -> None:
        """Delete the row of a job that was carried out, or make it due again in `repeat_s`.

        One that was enqueued meanwhile is due again now.
        """
        if repeat_s is None:
            await self._endings.call(job)
        else:
            due = await self._add_to_now(repeat_s)
            await self._rows.update_one(self._filter_mine([job]), _build_reset(due))

    async def postpone(self, job: Job, delay_s: float, error: str | None = None) -> None:
        """Release a row, due again in `delay_s`; an `error` is recorded as a failed attempt."""
        change: Document = {
            "$set": {"due": await self._add_to_now(delay_s)},
            "$unset": {"holder": ""},
        }
        if error is None:
            change["$inc"] = {"waits": 1}
        else:
            change["$set"]["error"] = error
            change["$inc"] = {"attempts": 1}
        await self._rows.update_one(self._filter_mine([job]), change)

    async def release(self) -> None:
        """Release all rows that this worker has claimed: they are due now."""
        mine = {"kind": self.kind, "holder": self._holder}
        now = await self.store.read_clock()
        await self._rows.update_many(mine, {"$set": {"due": now}, "$unset": {"holder": ""}})

    async def _finish_each(self, jobs: Sequence[Job]) -> Sequence[None]:
        """Delete rows of jobs that were carried out; those enqueued meanwhile are due again."""
        mine = self._filter_mine(jobs)
        deleted = await self._rows.delete_many(mine | {_AGAIN: None})
        if deleted.deleted_count < len(jobs):
            await self._rows.update_many(mine, _build_reset(await self.store.read_clock()))
        return [None] * len(jobs)

    def _filter_mine(self, jobs: Sequence[Job]) -> Document:
        return {"_id": {"$in": [job.id for job in jobs]}, "holder": self._holder}

    async def _add_to_now(self, delay_s: float) -> datetime:
        return await self.store.read_clock() + timedelta(seconds=delay_s)


def _choose(found: Sequence[Document], batch_size: int, *, fail_together: bool) -> Sequence[str]:
    """Choose rows at random among those found; a row to be claimed alone goes first."""

    def is_alone(row: Document) -> bool:
        return "holder" in row or (fail_together and row["attempts"] > 0)

    if is_alone(found[0]):
        return [random.choice([row["_id"] for row in found if is_alone(row)])]  # noqa: S311 - no secret
    others = [row["_id"] for row in found if not is_alone(row)]
    return random.sample(others, min(batch_size, len(others)))


def _build_row(job: Job, now: datetime) -> Document:
    return {
        "kind": job.kind,
        "key": job.key,
        "payload": job.payload,
        "due": now,
        "attempts": job.attempts,
    }


def _build_job(row: Document) -> Job:
    return Job(row["kind"], row["key"], row["payload"], row["attempts"], row.get("waits", 0))


def _build_enqueuing(job: Job, now: datetime) -> UpdateOne:
    """Build the update that inserts a row, or marks the one that is there."""
    row = _build_row(job, now)
    # A value of its own: the store ignores an update that changes nothing, and a claim beside this
    # transaction would take the mark away without a conflict.
    newest = {"payload": row.pop("payload"), _AGAIN: new_id()}
    return UpdateOne({"_id": job.id}, {"$setOnInsert": row, "$set": newest}, upsert=True)


def _build_reset(due: datetime) -> Document:
    """Build the update that gives back a row as if it were new."""
    return {
        "$set": {"due": due, "attempts": 0},
        "$unset": {"holder": "", "error": "", "waits": ""},
    }
