"""Jobs that are enqueued while they are carried out, stay due or wait: none is lost, none waits."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from shared.runtime.errors import NewerDocumentError, TransientError
from shared.runtime.jobs import kinds
from shared.runtime.jobs.kinds import Effect, Finder, InTransaction, Work
from shared.runtime.jobs.rows import ClaimLostError, Job, JobRows, enqueue
from shared.runtime.jobs.worker import Jobs
from shared.runtime.store.database import Document, Store, Transaction
from tests.integration.runtime.test_jobs import KIND, find_rows, working
from tests.kit.waiting import wait_until


async def put(store: Store, key: str, version: int) -> None:
    await store.transaction(lambda tx: enqueue(tx, [Job(KIND, key, {"version": version})]))


async def make_due(store: Store) -> None:
    due = await store.read_clock() - timedelta(hours=1)
    await store.collection("jobs").update_many({}, {"$set": {"due": due}})


class Versions:
    """Work that keeps which versions it has carried out, and stops once in the middle of a turn."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def carry_out(self, job: Job) -> None:
        version = job.payload["version"]
        self.begun.set()
        await self.go_on.wait()
        self.done.append(version)

    async def carry_out_all(self, _: Transaction, jobs: Sequence[Job]) -> None:
        for job in jobs:
            await self.carry_out(job)


@pytest.mark.parametrize("is_in_transaction", [False, True])
async def test_what_is_enqueued_while_it_is_carried_out_is_carried_out_again(
    store: Store, *, is_in_transaction: bool
) -> None:
    versions = Versions()
    work: Work = Effect(versions.carry_out)
    if is_in_transaction:
        work = InTransaction(versions.carry_out_all)

    async with working(store, work):
        await put(store, "a", 1)
        await versions.begun.wait()
        await put(store, "a", 2)
        versions.go_on.set()

        async def is_done() -> bool:
            return not await find_rows(store)

        await wait_until(is_done, "no job is left", 30)

    # In a transaction the enqueuing is a write conflict: the batch is judged once more.
    assert versions.done[0] == 1
    assert versions.done[-1] == 2


async def test_a_job_enqueued_while_claimed_is_as_new_afterwards(store: Store) -> None:
    rows = JobRows(store, KIND, 10)
    await put(store, "a", 1)
    await store.collection("jobs").update_one({}, {"$set": {"attempts": 2, "waits": 3}})
    (job,) = await rows.claim(5, fail_together=True)
    assert (job.attempts, job.waits) == (2, 3)
    await put(store, "a", 2)

    await store.transaction(lambda tx: rows.delete([job], tx))

    assert await rows.claim(5, fail_together=True) == [Job(KIND, "a", {"version": 2})]


async def test_a_claim_that_was_lost_does_not_commit_what_was_enqueued_meanwhile(
    store: Store,
) -> None:
    mine, theirs = JobRows(store, KIND, 0), JobRows(store, KIND, 10)
    await put(store, "a", 1)
    (job,) = await mine.claim(5, fail_together=True)
    await theirs.claim(5, fail_together=True)
    await put(store, "a", 2)

    with pytest.raises(ClaimLostError):
        await store.transaction(lambda tx: mine.delete([job], tx))
    await mine.finish(job, None)

    (row,) = (await find_rows(store)).values()
    assert "holder" in row


async def test_a_transaction_that_enqueues_beside_the_deletion_of_the_row_loses_nothing(
    store: Store,
) -> None:
    rows = JobRows(store, KIND, 10)
    await put(store, "a", 1)
    (job,) = await rows.claim(5, fail_together=True)
    turns = 0

    async def enqueue_late(transaction: Transaction) -> None:
        nonlocal turns
        turns += 1
        # The snapshot of this transaction is older than the deletion, at its first turn.
        await transaction.collection("seen").find_one({}, session=transaction.session)
        if turns == 1:
            await rows.finish(job, None)
        await enqueue(transaction, [Job(KIND, "a", {"version": 2})])

    await store.transaction(enqueue_late)

    assert await rows.claim(5, fail_together=True) == [Job(KIND, "a", {"version": 2})]


async def test_found_jobs_that_stay_due_keep_no_other_from_its_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "_FOUND_MAX", 20)
    rows = JobRows(store, KIND, 10)
    due = [*(f"held-{n:02}" for n in range(20)), "healthy"]
    judged: set[str] = set()

    async def find() -> Collection[str]:
        return due

    async def handle(_: Transaction, jobs: Sequence[Job]) -> None:
        judged.update(job.key for job in jobs)

    look, work = Finder(find, 1).build_task(rows), InTransaction(handle)
    # Each turn chooses 20 of 21: by chance it is left out 100 times in a row once in 10^132.
    for _ in range(100):
        await look()
        while jobs := await rows.claim(work.batch_size, fail_together=True):
            await work.carry_out(rows, jobs)
        if "healthy" in judged:
            break

    assert "healthy" in judged


async def test_found_jobs_that_are_postponed_take_no_room(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "_FOUND_MAX", 5)
    rows = JobRows(store, KIND, 10)
    due = [f"newer-{n}" for n in range(5)]

    async def find() -> Collection[str]:
        return due

    async def handle(_: Transaction, jobs: Sequence[Job]) -> None:
        if newer := [job.key for job in jobs if job.key.startswith("newer")]:
            raise NewerDocumentError("dossiers", newer)

    look, work = Finder(find, 1).build_task(rows), InTransaction(handle)
    await look()
    await work.carry_out(rows, await rows.claim(5, fail_together=True))
    due.append("healthy")
    await look()

    assert {job.key for job in await rows.claim(5, fail_together=True)} == {"healthy"}


@pytest.mark.parametrize("is_in_transaction", [False, True])
async def test_a_job_that_waits_again_and_again_waits_longer_each_time(
    store: Store, *, is_in_transaction: bool
) -> None:
    async def fail(*_: object) -> None:
        raise TransientError("not now")

    work: Work = InTransaction(fail) if is_in_transaction else Effect(fail)
    rows = JobRows(store, KIND, 10)
    await put(store, "a", 1)

    async def wait_out() -> float:
        await make_due(store)
        await work.carry_out(rows, await rows.claim(1, fail_together=True))
        (row,) = (await find_rows(store)).values()
        assert row["attempts"] == 0
        seconds: timedelta = row["due"] - await store.read_clock()
        return seconds.total_seconds()

    delays = [await wait_out() for _ in range(9)]
    assert delays[0] <= 5
    assert 40 < delays[4] <= 80
    assert 290 < delays[8] <= 600


async def test_what_was_postponed_is_due_when_it_is_enqueued_again(store: Store) -> None:
    rows = JobRows(store, KIND, 10)
    await put(store, "a", 1)
    (job,) = await rows.claim(1, fail_together=True)
    await rows.postpone(job, 600)
    assert await rows.claim(1, fail_together=True) == []

    await put(store, "a", 2)

    (again,) = await rows.claim(1, fail_together=True)
    assert (again.payload, again.waits) == ({"version": 2}, 1)


async def test_what_was_postponed_is_due_when_a_replica_starts(store: Store) -> None:
    rows, newer = JobRows(store, KIND, 10), JobRows(store, KIND, 10)
    await put(store, "a", 1)
    (job,) = await rows.claim(1, fail_together=True)
    await rows.postpone(job, 600)
    assert await newer.claim(1, fail_together=True) == []

    await newer.prepare()

    (again,) = await newer.claim(1, fail_together=True)
    assert again.waits == 1
    await rows.prepare()
    assert await rows.claim(1, fail_together=True) == []


def read_gauge(name: str, kind: str) -> float | None:
    return REGISTRY.get_sample_value(f"aiguillage_jobs_{name}", {"kind": kind})


async def test_a_kind_that_no_worker_knows_waits_and_is_never_late(store: Store) -> None:
    kind = "sweep-of-the-next-version"
    await JobRows(store, kind, 10).make_due("")
    await make_due(store)
    jobs = Jobs(store)

    await jobs.measure()
    assert read_gauge("waiting", kind) == 1
    assert read_gauge("late_seconds", kind) is None

    await store.collection("jobs").delete_many({})
    await jobs.measure()
    assert read_gauge("waiting", kind) == 0


async def test_jobs_that_were_postponed_many_times_are_counted(store: Store) -> None:
    jobs = Jobs(store)
    jobs.add(KIND, InTransaction(lambda *_: store.ping()))
    rows: list[Document] = [{"waits": 1}, {"waits": 6}, {}]
    for number, row in enumerate(rows):
        await put(store, f"{number}", 1)
        await store.collection("jobs").update_one(
            {"key": f"{number}"}, {"$set": {**row, "key": "k"}}
        )

    await jobs.measure()

    assert read_gauge("postponed", KIND) == 1


async def test_a_slow_effect_delays_no_other(store: Store) -> None:
    never, done = asyncio.Event(), list[str]()

    async def call(job: Job) -> None:
        if job.key.startswith("slow"):
            await never.wait()
        done.append(job.key)

    async with working(store, Effect(call, effect_timeout_s=300, batch_size=4)):
        for key in ("slow-1", "slow-2", "slow-3", "a"):
            await put(store, key, 1)
        await wait_until(lambda: done == ["a"], "the quick one is done", 30)
        for key in "bcdefgh":
            await put(store, key, 1)
        await wait_until(lambda: sorted(done) == list("abcdefgh"), "others follow it", 30)

    # What was stopped in the middle is due for another replica at once.
    found = await find_rows(store)
    assert sorted(found) == ["slow-1", "slow-2", "slow-3"]
    assert not any("holder" in row for row in found.values())
