"""Delays and held dossiers as jobs: shared by replicas, each once, and none stopped by another."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.routing.adapters.dossiers import MongoDossierChange, MongoDossiers, create_indexes
from services.routing.application.router import Router
from services.routing.entrypoints import consumers, jobs
from shared.contracts import topics
from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import ParametersV1, StructureChanged
from shared.runtime.clock import build_clock
from shared.runtime.jobs.kinds import Finder, InTransaction
from shared.runtime.jobs.rows import Job
from shared.runtime.jobs.worker import Jobs
from shared.runtime.store.database import Store, Transaction
from tests.kit.namespaces import Namespace
from tests.kit.outbox import read_outbox
from tests.kit.routing_load import build_deposits, build_structures
from tests.kit.waiting import wait_until

_clock = build_clock()
REPLICAS = 3
_PAGE = 100


def in_a_month() -> datetime:
    return _clock() + timedelta(days=30)


def build_router(transaction: Transaction) -> Router:
    return Router(MongoDossierChange(transaction), _clock(), True)


def in_three_days() -> datetime:
    return _clock() + timedelta(days=3)


def router_in_three_days(transaction: Transaction) -> Router:
    return Router(MongoDossierChange(transaction), in_three_days(), True)


def router_in_a_month(transaction: Transaction) -> Router:
    return Router(MongoDossierChange(transaction), in_a_month(), True)


async def take_structures(store: Store, version: int, *, payers_are_moa_alone: bool) -> None:
    """Take all structures in a version; as MOA alone, a service financier holds its dossiers."""
    events = []
    for rank, (_, value) in enumerate(build_structures()):
        event = Event[StructureChanged].model_validate_json(value)
        is_held = payers_are_moa_alone and rank % 4 == 3
        parameters = ParametersV1(est_moa=True, est_moa_uniquement=is_held)
        change = {"version": version, "parameters": parameters}
        events.append(event.model_copy(update={"data": event.data.model_copy(update=change)}))
    await store.transaction(lambda tx: consumers.project_structures(MongoDossiers)(tx, events))


async def take_dossiers(store: Store, count: int) -> list[str]:
    """Take so many A4, which await their MOE for seven days; give the ids of their dossiers."""
    await create_indexes(store)
    records = [value for _, value in build_deposits(count)[:count]]
    events = [Event[PieceDeposited].model_validate_json(value) for value in records]
    for start in range(0, count, _PAGE):

        async def take(transaction: Transaction, first: int = start) -> None:
            await build_router(transaction).take_pieces(events[first : first + _PAGE])

        await store.transaction(take)
    return [event.data.dossier_id for event in events]


async def make_unreadable(store: Store, dossiers: Sequence[str]) -> None:
    await store.collection("dossiers").update_many(
        {"_id": {"$in": dossiers}}, {"$set": {"state": {"damaged": True}}}
    )


@asynccontextmanager
async def running(store: Store, kind: str, work: InTransaction) -> AsyncIterator[None]:
    """Carry out the jobs of a kind in one replica, whose clock is a month ahead."""
    dossier_store = MongoDossiers(store)
    finders = {
        jobs.DELAYS: Finder(lambda: dossier_store.find_late(in_a_month()), 0.1),
        jobs.REMINDERS: Finder(lambda: dossier_store.find_to_remind(in_three_days()), 0.1),
        jobs.HELD_DOSSIERS: Finder(dossier_store.find_held, 3600),
    }
    made = Jobs(store)
    made.add(kind, work, finders[kind])
    for worker in made.workers:
        await worker.prepare()
    tasks = [asyncio.create_task(worker.run()) for worker in made.workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def find_told(store: Store, event: str) -> Counter[str]:
    """Count the events of a type, by dossier, as the audit trails tell."""
    told = {"events.type": event}
    return Counter([row["dossier"] async for row in store.collection("audit").find(told)])


async def find_elapsed(store: Store) -> Counter[str]:
    """Count the delays that have passed, by dossier."""
    return await find_told(store, "DelayElapsed")


async def until_left(store: Store, kind: str, dossiers: Sequence[str]) -> None:
    """Wait until only the jobs of these dossiers are left, and have failed."""

    async def are_left() -> bool:
        rows = await store.collection("jobs").find({"kind": kind}).to_list(None)
        return {row["key"] for row in rows} == {*dossiers} and all(row["attempts"] for row in rows)

    await wait_until(are_left, f"{len(dossiers)} jobs are left", 60)


async def test_three_hundred_delays_pass_once_each_in_three_replicas(
    store: Store, namespace: Namespace
) -> None:
    await take_structures(store, 1, payers_are_moa_alone=False)
    dossiers = await take_dossiers(store, 300)
    at_work: set[int] = set()
    all_are = asyncio.Event()
    delays_work = jobs.build_delays_work(router_in_a_month)

    def replica(number: int) -> InTransaction:
        async def handle(transaction: Transaction, batch: Sequence[Job]) -> None:
            at_work.add(number)
            if len(at_work) == REPLICAS:
                all_are.set()
            await all_are.wait()
            await delays_work.handle(transaction, batch)

        return InTransaction(handle, lease_s=3600)

    async def have_passed() -> bool:
        return sum((await find_elapsed(store)).values()) >= len(dossiers)

    async with AsyncExitStack() as stack:
        for number in range(REPLICAS):
            other = await stack.enter_async_context(namespace.store())
            await stack.enter_async_context(running(other, jobs.DELAYS, replica(number)))
        await wait_until(have_passed, "all delays pass", 60)
        await until_left(store, jobs.DELAYS, [])

    assert await find_elapsed(store) == Counter(dossiers)
    messages = await read_outbox(store, topic=topics.ECHEANCE.name)
    assert Counter(each["key"] for each in messages) == Counter(dossiers)
    assert len(at_work) == REPLICAS


async def test_reminders_are_sent_once_each_across_a_restart_and_in_three_replicas(
    namespace: Namespace,
) -> None:
    async with namespace.store(level=2) as store:
        await take_structures(store, 1, payers_are_moa_alone=False)
        dossiers = await take_dossiers(store, 150)
        # A short lease: the next replicas soon take what the stopped ones had claimed.
        work = replace(jobs.build_reminders_work(router_in_three_days), lease_s=2)

        async def send_until(count: int) -> None:
            """Run three replicas until so many reminders are sent, and stop them at once."""

            async def are_sent() -> bool:
                return sum((await find_told(store, "DelayReminded")).values()) >= count

            async with AsyncExitStack() as stack:
                for _ in range(REPLICAS):
                    other = await stack.enter_async_context(namespace.store(level=2))
                    await stack.enter_async_context(running(other, jobs.REMINDERS, work))
                await wait_until(are_sent, f"{count} reminders are sent", 60)

        await send_until(1)
        before = sum((await find_told(store, "DelayReminded")).values())
        await send_until(len(dossiers))
        async with running(store, jobs.REMINDERS, work):
            await until_left(store, jobs.REMINDERS, [])

        assert await find_told(store, "DelayReminded") == Counter(dossiers)
        messages = await read_outbox(store, topic=topics.ECHEANCE.name)
        assert Counter(each["key"] for each in messages) == Counter(dossiers)
        assert await MongoDossiers(store).find_to_remind(in_a_month()) == []
        print(f"{before} of {len(dossiers)} reminders were sent before the restart")


@pytest.mark.parametrize(("count", "unreadable"), [(5, 1), (60, 26)])
async def test_dossiers_that_cannot_be_read_stop_no_delay_of_others(
    store: Store, count: int, unreadable: int
) -> None:
    await take_structures(store, 1, payers_are_moa_alone=False)
    dossiers = await take_dossiers(store, count)
    # The first by any order, and more of them than a batch takes.
    damaged, others = dossiers[:unreadable], dossiers[unreadable:]
    await make_unreadable(store, damaged)

    async with running(store, jobs.DELAYS, jobs.build_delays_work(router_in_a_month)):
        await until_left(store, jobs.DELAYS, damaged)

    assert await find_elapsed(store) == Counter(others)
    row = await store.collection("jobs").find_one({"key": damaged[0]})
    assert row is not None
    assert "ValidationError: Dossier: " in row["error"]


async def test_a_held_dossier_that_cannot_be_read_keeps_no_other_held_nor_its_structure(
    store: Store,
) -> None:
    await take_structures(store, 1, payers_are_moa_alone=True)
    dossiers = await take_dossiers(store, 5)
    held = MongoDossiers(store).find_held
    assert {*await held()} == {*dossiers}
    await make_unreadable(store, dossiers[:1])

    await take_structures(store, 2, payers_are_moa_alone=False)
    async with running(store, jobs.HELD_DOSSIERS, jobs.build_rejudge_work(build_router)):
        await until_left(store, jobs.HELD_DOSSIERS, dossiers[:1])

    assert {*await held()} == {*dossiers[:1]}
    trail = store.collection("audit").find({"dossier": dossiers[1]}).sort("_id", 1)
    causes = [entry["cause"] async for entry in trail]
    assert all(causes)
    assert len(causes) == 2


async def test_a_dossier_held_by_a_version_that_is_no_more_is_found(store: Store) -> None:
    await take_structures(store, 1, payers_are_moa_alone=True)
    await take_dossiers(store, 5)
    await take_structures(store, 2, payers_are_moa_alone=False)
    # As if another transaction had held them while the structure changed.
    await store.collection("jobs").delete_many({})

    async def are_released() -> bool:
        return await MongoDossiers(store).find_held() == []

    assert not await are_released()
    async with running(store, jobs.HELD_DOSSIERS, jobs.build_rejudge_work(build_router)):
        await wait_until(are_released, "all are released", 30)
