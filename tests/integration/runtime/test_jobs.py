"""Jobs on a real store: enqueued, found, shared, isolated, retried, repeated."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from shared.runtime.clock import build_clock
from shared.runtime.errors import NotYetError, TransientError
from shared.runtime.jobs.kinds import Effect, Finder, InTransaction, Work, build_periodic
from shared.runtime.jobs.rows import ClaimLostError, Job, JobRows, enqueue
from shared.runtime.jobs.worker import Jobs
from shared.runtime.store.database import Document, Store, Transaction
from tests.kit.namespaces import Namespace
from tests.kit.waiting import scale_timeout, wait_until

KIND = "moves"
LETTERS = "abcdefghijklmnopqrst"


@dataclass
class Moves:
    """A handler: keeps what took effect, and which batches were tried; some jobs fail."""

    faults: dict[str, Exception] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)

    async def __call__(self, transaction: Transaction, jobs: Sequence[Job]) -> None:
        self.batches.append("".join(sorted(job.key for job in jobs)))
        for job in jobs:
            if fault := self.faults.get(job.key):
                raise fault
            await transaction.collection("done").insert_one(
                {"key": job.key}, session=transaction.session
            )


@pytest.fixture
async def replicas(namespace: Namespace) -> AsyncIterator[Sequence[Store]]:
    """The store as three replicas open it."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(namespace.store()) for _ in range(3)]


async def put(store: Store, keys: Collection[str]) -> None:
    await store.transaction(lambda tx: enqueue(tx, [Job(KIND, key) for key in keys]))


async def find_rows(store: Store) -> dict[str, Document]:
    return {row["key"]: row async for row in store.collection("jobs").find({"kind": KIND})}


async def find_row(store: Store) -> Document:
    (row,) = (await find_rows(store)).values()
    return row


async def count_done(store: Store) -> Counter[str]:
    return Counter([row["key"] async for row in store.collection("done").find()])


async def until_empty(store: Store) -> None:
    async def is_empty() -> bool:
        return not await find_rows(store)

    await wait_until(is_empty, "no job is left", 30)


@asynccontextmanager
async def working(store: Store, work: Work, finder: Finder | None = None) -> AsyncIterator[Jobs]:
    """Carry out jobs as one replica does."""
    jobs = Jobs(store)
    jobs.add(KIND, work, finder)
    for worker in jobs.workers:
        await worker.prepare()
    tasks = [asyncio.create_task(worker.run()) for worker in jobs.workers]
    try:
        yield jobs
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_job_is_enqueued_with_its_transaction_or_not_at_all(store: Store) -> None:
    async def fail(transaction: Transaction) -> None:
        await enqueue(transaction, [Job(KIND, "a")])
        raise ValueError("no")

    with store.notifier.subscribe(KIND) as woken:
        with pytest.raises(ValueError, match="no"):
            await store.transaction(fail)
        assert await find_rows(store) == {}
        assert not woken.is_set()

        await put(store, "b")
        assert woken.is_set()

    row = await find_row(store)
    assert (row["_id"], row["kind"], row["key"], row["attempts"]) == ("moves|b", "moves", "b", 0)


async def test_a_key_that_waits_is_enqueued_no_second_time(store: Store) -> None:
    for amount in ("$1", "$2"):
        job = Job(KIND, "a", {"amount": amount})
        await store.transaction(lambda tx, job=job: enqueue(tx, [job]))  # type: ignore[misc]

    (claimed,) = await JobRows(store, KIND, 10).claim(5, fail_together=True)

    assert claimed == Job(KIND, "a", {"amount": "$2"})
    assert claimed.id == "moves|a"


async def test_jobs_take_effect_with_the_deletion_of_their_rows(store: Store) -> None:
    moves = Moves()
    await put(store, "abcde")

    async with working(store, InTransaction(moves, batch_size=3)):
        await until_empty(store)

    assert await count_done(store) == Counter("abcde")
    assert sorted(map(len, moves.batches)) == [2, 3]


async def test_a_worker_is_woken_by_what_its_process_enqueues(store: Store) -> None:
    never_s = 3600
    async with working(store, InTransaction(Moves(), poll_s=never_s)):
        await put(store, "a")
        await until_empty(store)
        await put(store, "b")
        await until_empty(store)


async def test_replicas_claim_different_jobs_side_by_side(
    store: Store, replicas: Sequence[Store]
) -> None:
    at_work: dict[int, set[str]] = {}
    all_are = asyncio.Event()

    def replica(number: int) -> InTransaction:
        async def handle(transaction: Transaction, jobs: Sequence[Job]) -> None:
            at_work.setdefault(number, {job.key for job in jobs})
            if len(at_work) == len(replicas):
                all_are.set()
            await all_are.wait()
            await Moves()(transaction, jobs)

        return InTransaction(handle, batch_size=20)

    keys = [f"{n:02}" for n in range(60)]
    await put(store, keys)
    async with AsyncExitStack() as stack:
        for number, each in enumerate(replicas):
            await stack.enter_async_context(working(each, replica(number)))
        await until_empty(store)

    assert await count_done(store) == Counter(keys)
    first, second, third = at_work.values()
    assert not (first & second | first & third | second & third)


@pytest.mark.parametrize("faulty", ["g", "agt", LETTERS])
async def test_a_job_that_fails_stops_no_other_and_passes_once_mended(
    store: Store, faulty: str
) -> None:
    moves = Moves(dict.fromkeys(faulty, ValueError("unreadable")))
    await put(store, LETTERS)

    async with working(store, InTransaction(moves)):

        async def only_they_are_left() -> bool:
            rows = await find_rows(store)
            return {*rows} == {*faulty} and all(row["attempts"] for row in rows.values())

        await wait_until(only_they_are_left, "the others pass")
        assert await count_done(store) == Counter({*LETTERS} - {*faulty})
        assert {row["error"] for row in (await find_rows(store)).values()} == {
            "ValueError('unreadable')"
        }
        moves.faults.clear()
        await until_empty(store)

    assert await count_done(store) == Counter(LETTERS)


async def test_what_has_failed_is_tried_alone_where_a_batch_shares_its_fate(store: Store) -> None:
    rows = JobRows(store, KIND, 10)
    await put(store, "abc")
    await store.collection("jobs").update_one({"key": "a"}, {"$inc": {"attempts": 1}})
    await store.collection("jobs").update_one(
        {"key": "a"}, {"$set": {"due": await long_ago(store)}}
    )

    alone = await rows.claim(5, fail_together=True)
    rest = await rows.claim(5, fail_together=True)

    assert [job.key for job in alone] == ["a"]
    assert {job.key for job in rest} == {"b", "c"}


async def long_ago(store: Store) -> object:
    return await store.read_clock() - timedelta(hours=1)


@pytest.mark.parametrize(
    "fault", [TransientError("not now"), NotYetError(["g"], "a version is still to come")]
)
async def test_what_must_wait_stops_no_other_and_is_no_failure(
    store: Store, fault: Exception
) -> None:
    moves = Moves({"g": fault})
    await put(store, LETTERS)

    async with working(store, InTransaction(moves)):
        await wait_until(lambda: moves.batches.count("g") > 1, "it is tried again", 30)
        assert (await find_row(store))["attempts"] == 0
        moves.faults.clear()
        await until_empty(store)

    assert await count_done(store) == Counter(LETTERS)


async def test_a_store_that_is_away_is_the_fault_of_no_job(store: Store) -> None:
    moves = Moves({"g": ConnectionError("away")})
    rows = JobRows(store, KIND, 10)
    await put(store, LETTERS)
    work = InTransaction(moves)

    await work.carry_out(rows, await rows.claim(len(LETTERS), fail_together=True))

    assert moves.batches == [LETTERS]
    left = (await find_rows(store)).values()
    assert [(row["attempts"], "holder" in row) for row in left] == [(0, False)] * len(LETTERS)
    assert len({row["due"] for row in left}) > 1


async def test_what_is_enqueued_twice_is_not_claimed_before_the_second_commits(
    store: Store,
) -> None:
    rows = JobRows(store, KIND, 10)
    await put(store, "a")
    claims: list[asyncio.Task[Sequence[Job]]] = []

    async def enqueue_again(transaction: Transaction) -> bool:
        await enqueue(transaction, [Job(KIND, "a")])
        claims.append(asyncio.create_task(rows.claim(1, fail_together=False)))
        done, _ = await asyncio.wait(claims, timeout=0.5)
        return bool(done)

    is_claimed_before = await store.transaction(enqueue_again)
    for job in await claims[0]:
        await rows.finish(job, None)

    # Whoever claimed it before cannot have seen what the second transaction wrote.
    assert not is_claimed_before or await find_rows(store)


async def test_what_another_replica_has_claimed_does_not_commit(store: Store) -> None:
    mine, theirs = JobRows(store, KIND, 0), JobRows(store, KIND, 10)
    moves = Moves()
    await put(store, "ab")
    jobs = await mine.claim(5, fail_together=True)
    # The lease of 0 s is over: they take one over, as a job that a dead replica left.
    (taken,) = await theirs.claim(5, fail_together=True)

    await InTransaction(moves).carry_out(mine, jobs)

    assert await count_done(store) == Counter({"a", "b"} - {taken.key})
    row = await find_row(store)
    assert (row["key"], row["attempts"], "holder" in row) == (taken.key, 0, True)
    with pytest.raises(ClaimLostError):
        await store.transaction(lambda tx: mine.delete([taken], tx))
    await store.transaction(lambda tx: theirs.delete([taken], tx))
    assert await find_rows(store) == {}


async def test_jobs_that_a_dead_replica_left_are_claimed_one_by_one(store: Store) -> None:
    dead, alive = JobRows(store, KIND, 0), JobRows(store, KIND, 10)
    await put(store, "abc")
    await dead.claim(5, fail_together=False)
    await put(store, "de")

    taken = [await alive.claim(5, fail_together=False) for _ in range(4)]

    assert sorted(map(len, taken)) == [1, 1, 1, 2]
    assert await alive.claim(5, fail_together=False) == []


async def test_a_worker_that_stops_gives_its_jobs_back_at_once(store: Store) -> None:
    begun = asyncio.Event()

    async def handle(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    await put(store, "abc")
    async with working(store, InTransaction(handle, lease_s=3600)):
        await begun.wait()

    left = JobRows(store, KIND, 10)
    assert {job.key for job in await left.claim(5, fail_together=True)} == {"a", "b", "c"}


async def test_claims_go_by_the_clock_of_the_store_alone(namespace: Namespace) -> None:
    clock = build_clock()
    async with (
        namespace.store(clock=lambda: clock() + timedelta(hours=1)) as ahead,
        namespace.store(clock=lambda: clock() - timedelta(hours=1)) as behind,
    ):
        first, second = JobRows(behind, KIND, 10), JobRows(ahead, KIND, 10)
        await put(behind, "a")

        assert len(await first.claim(5, fail_together=True)) == 1
        assert await second.claim(5, fail_together=True) == []

        await first.release()
        (job,) = await second.claim(5, fail_together=True)
        await second.postpone(job, 0)
        assert len(await first.claim(5, fail_together=True)) == 1


async def test_an_effect_fails_by_itself_and_a_time_out_is_its_own(store: Store) -> None:
    hanging = asyncio.Event()

    async def call(job: Job) -> None:
        match job.key:
            case "a":
                raise ConnectionError("their server is away")
            case "b":
                await hanging.wait()
            case "c":
                raise TransientError("our own")
        await store.collection("done").insert_one({"key": job.key})

    await put(store, "abcd")
    rows = JobRows(store, KIND, 10)
    work = Effect(call, effect_timeout_s=0.05)
    await work.carry_out(rows, await rows.claim(5, fail_together=False))

    assert await count_done(store) == Counter("d")
    found = await find_rows(store)
    assert {key: row["attempts"] for key, row in found.items()} == {"a": 1, "b": 1, "c": 0}
    assert found["a"]["error"] == "ConnectionError('their server is away')"
    assert found["b"]["error"] == "TimeoutError()"
    assert work.lease_s > work.effect_timeout_s


async def test_what_is_due_is_found_once_and_what_fails_keeps_its_attempts(store: Store) -> None:
    due = {"a", "b", "c"}
    looks = 0

    async def find() -> Collection[str]:
        nonlocal looks
        looks += 1
        return {*due}

    async def handle(transaction: Transaction, jobs: Sequence[Job]) -> None:
        await Moves({"b": ValueError()})(transaction, jobs)
        due.difference_update(job.key for job in jobs)

    async with working(store, InTransaction(handle), Finder(find, every_s=0.05)):

        async def only_one_is_left() -> bool:
            rows = await find_rows(store)
            return {*rows} == {"b"} and rows["b"]["attempts"] > 1

        await wait_until(only_one_is_left, "the others pass")
        seen = looks
        due.add("d")
        await wait_until(lambda: looks > seen + 2 and due == {"b"}, "it goes on finding")
        row = await find_row(store)
        assert row["attempts"] > 1

    assert await count_done(store) == Counter("acd")


async def test_found_jobs_that_wait_are_bounded_and_failing_ones_take_no_room(
    store: Store,
) -> None:
    rows = JobRows(store, KIND, 10)
    keys = [f"{n:04}" for n in range(3000)]

    async def find() -> Collection[str]:
        return keys

    look = Finder(find, 1).build_task(rows)
    await look()
    await look()
    assert len(await find_rows(store)) == 1000

    await store.collection("jobs").update_many({"kind": KIND}, {"$set": {"attempts": 1}})
    await look()
    assert len(await find_rows(store)) == 2000


async def test_a_finder_that_fails_is_a_failing_job_and_finds_again(store: Store) -> None:
    faults = [RuntimeError("a bug"), RuntimeError("a bug")]

    async def find() -> Collection[str]:
        if faults:
            raise faults.pop()
        return {"a"}

    async with working(store, InTransaction(Moves()), Finder(find, every_s=0.05)):

        async def is_failing() -> bool:
            row = await store.collection("jobs").find_one({"kind": f"{KIND}.find"})
            return bool(row and row["attempts"] and "a bug" in row["error"])

        async def is_well() -> bool:
            row = await store.collection("jobs").find_one({"kind": f"{KIND}.find"})
            return bool(row and row["attempts"] == 0 and "error" not in row)

        await wait_until(is_failing, "it is seen to fail")
        await wait_until(lambda: count_done(store), "it finds", 30)
        await wait_until(is_well, "its failures are forgotten")


async def test_a_periodic_task_runs_in_one_replica_at_a_time_and_again(
    store: Store, replicas: Sequence[Store]
) -> None:
    running, most, runs = 0, 0, 0

    async def task() -> None:
        nonlocal running, most, runs
        running += 1
        most = max(most, running)
        runs += 1
        await store.ping()
        running -= 1

    async with AsyncExitStack() as stack:
        for each in replicas:
            await stack.enter_async_context(working(each, build_periodic(task, 0.05)))
        await wait_until(lambda: runs > 5, "it has run several times", 30)

    assert most == 1
    assert (await find_row(store))["attempts"] == 0


async def test_a_periodic_task_is_due_when_a_replica_starts_unless_another_runs_it(
    store: Store,
) -> None:
    task = build_periodic(store.ping, 3600)
    rows = JobRows(store, KIND, 3600)

    async def start() -> int:
        jobs = Jobs(store)
        jobs.add(KIND, task)
        await jobs.workers[0].prepare()
        return len(await rows.claim(1, fail_together=False))

    assert await start() == 1
    assert await start() == 0
    await rows.finish(Job(KIND, ""), 3600)
    assert await rows.claim(1, fail_together=False) == []
    assert await start() == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(None, "done"), (ValueError(), "failed"), (TransientError(), "postponed")],
)
async def test_attempts_are_counted_by_what_became_of_them(
    store: Store, fault: Exception | None, outcome: str
) -> None:
    def count(outcome: str) -> float:
        labels = {"kind": KIND, "outcome": outcome}
        return REGISTRY.get_sample_value("aiguillage_jobs_total", labels) or 0

    faults = {"a": fault} if fault else {}
    handlers: list[Work] = [InTransaction(Moves(faults)), Effect(Failing(fault))]
    for work in handlers:
        rows = JobRows(store, KIND, 10)
        await store.collection("jobs").delete_many({})
        await put(store, "a")
        before = {each: count(each) for each in ("done", "failed", "postponed", "lost")}

        await work.carry_out(rows, await rows.claim(1, fail_together=True))

        counted = {each for each, number in before.items() if count(each) > number}
        assert counted == {outcome}


@dataclass
class Failing:
    """An effect that fails, or does not."""

    fault: Exception | None

    async def __call__(self, _: Job) -> None:
        if self.fault:
            raise self.fault


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"aiguillage_jobs_{name}", {"kind": KIND})


async def test_jobs_are_counted(store: Store) -> None:
    jobs = Jobs(store)
    jobs.add(KIND, InTransaction(Moves()))
    await jobs.measure()
    assert [gauge("waiting"), gauge("failing"), gauge("late_seconds")] == [0, 0, 0]

    await put(store, "abcd")
    change = store.collection("jobs").update_one
    await change({"key": "a"}, {"$set": {"due": await long_ago(store)}})
    soon = await store.read_clock() + timedelta(hours=1)
    await change({"key": "b"}, {"$set": {"attempts": 3, "due": soon}})
    await jobs.measure()
    assert gauge("waiting") == 3

    await JobRows(store, KIND, 3600).claim(1, fail_together=False)
    await change({"key": "a"}, {"$set": {"due": await long_ago(store)}})
    await jobs.measure()

    assert gauge("failing") == 1
    late = gauge("late_seconds")
    assert late is not None
    assert 3600 <= late < 3600 + scale_timeout(60)


async def test_an_operator_lists_failing_jobs_and_has_them_retried_now(
    store: Store, namespace: Namespace
) -> None:
    async def failing(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "shared.runtime.jobs.failing"]
        where = ["--mongo", namespace.platform.addresses.mongo, "--namespace", namespace.prefix]
        return await asyncio.to_thread(
            subprocess.run,
            [*command, *where, "--service", "essai", *words],
            capture_output=True,
            text=True,
            timeout=scale_timeout(30),
        )

    moves = Moves({"b": ValueError("unreadable [red]")})
    await put(store, "ab")
    assert "no job is failing" in (await failing("list")).stdout
    await store.collection("jobs").update_one({"key": "b"}, {"$set": {"attempts": 11}})
    async with working(store, InTransaction(moves)):

        async def has_failed() -> bool:
            return "error" in await find_row(store)

        await wait_until(has_failed, "it fails")
        listed = (await failing("list")).stdout
        assert "moves|b" in listed
        assert "unreadable [red]" in listed
        assert "moves|a" not in listed
        assert (await failing("retry", "moves|a")).returncode == 2
        moves.faults.clear()
        # Its turn comes in over five minutes.
        assert (await failing("retry", "moves|b")).returncode == 0
        await until_empty(store)

    assert await count_done(store) == Counter("ab")
