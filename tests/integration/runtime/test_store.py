"""Transactions on a real store, and a store that goes away in the middle."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from pymongo.errors import ConnectionFailure

from deploy.local import Platform, choose
from deploy.local.platform import STORE
from shared.contracts.envelope import Event
from shared.contracts.outgoing import Outgoing
from shared.runtime.errors import is_transient
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.store.database import Store, Transaction
from tests.kit.events import NOTES, NOW, Noted, an_event, build_records
from tests.kit.namespaces import build_namespace
from tests.kit.outbox import read_outbox
from tests.kit.waiting import scale_timeout, wait_until


@pytest.fixture(scope="module")
def mortal() -> Iterator[Platform]:
    """A platform whose store may be killed: the session's is for everybody."""
    with Platform(choose().backend, services=()) as running:
        yield running


@pytest.fixture
async def mortal_store(mortal: Platform) -> AsyncIterator[Store]:
    async with build_namespace(mortal).store() as opened:
        yield opened


async def test_state_and_messages_are_kept_together(store: Store) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.collection("things").insert_one({"_id": 1}, session=transaction.session)
        transaction.publish(Outgoing(NOTES, "d1", "d1", Noted(text="one"), "c", "d1", 1))

    await store.transaction(work)

    assert await store.collection("things").count_documents({}) == 1
    (row,) = await read_outbox(store)
    assert (row["topic"], row["key"], row["stream"], row["rank"]) == (NOTES.name, "d1", "d1", 1)
    assert store.committed.is_set()


async def test_state_and_messages_are_lost_together(store: Store) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.collection("things").insert_one({"_id": 1}, session=transaction.session)
        transaction.publish(Outgoing(NOTES, "d1", "d1", Noted(text="one"), "c", "d1", 1))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.transaction(work)

    assert await store.collection("things").count_documents({}) == 0
    assert await read_outbox(store) == []
    assert not store.committed.is_set()


async def test_transactions_that_conflict_are_tried_again(store: Store) -> None:
    async def add(transaction: Transaction) -> None:
        things = transaction.collection("things")
        found = await things.find_one({"_id": 1}, session=transaction.session)
        assert found is not None
        await things.update_one(
            {"_id": 1}, {"$set": {"n": found["n"] + 1}}, session=transaction.session
        )

    await store.collection("things").insert_one({"_id": 1, "n": 0})

    await asyncio.gather(*(store.transaction(add) for _ in range(20)))

    assert (await store.collection("things").find_one({"_id": 1}) or {})["n"] == 20


async def test_a_store_that_is_away_is_said_within_seconds(
    mortal: Platform, mortal_store: Store
) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.collection("things").insert_one({}, session=transaction.session)

    await mortal_store.transaction(work)
    mortal.kill(STORE)
    started = time.monotonic()
    with pytest.raises(ConnectionFailure) as raised:
        await mortal_store.transaction(work)

    # The driver alone would look for a store for 30 s.
    assert time.monotonic() - started < scale_timeout(5, most=20)
    assert is_transient(raised.value)
    mortal.restart(STORE)
    await mortal_store.transaction(work)


@pytest.mark.parametrize("fault", ["paused", "killed"])
async def test_a_store_that_goes_away_in_the_middle_costs_nothing(
    mortal: Platform, mortal_store: Store, fault: str
) -> None:
    handled: list[int] = []

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        for event in events:
            await transaction.collection("notes").insert_one(
                {"rank": event.sequence}, session=transaction.session
            )
            handled.append(event.sequence or 0)

    inbox = Inbox(mortal_store, NOTES, handle, lambda: NOW)
    await inbox.prepare()
    batches = [build_records([an_event("d1", rank)]) for rank in range(1, 200)]

    async def take_all() -> None:
        for batch in batches:
            await inbox.process(batch)

    taking = asyncio.create_task(take_all())
    await wait_until(lambda: len(handled) > 20, "the inbox is at work")
    if fault == "paused":
        os.kill(mortal.get_pid(STORE), signal.SIGSTOP)
        await asyncio.sleep(2)
        os.kill(mortal.get_pid(STORE), signal.SIGCONT)
    else:
        mortal.kill(STORE)
        await asyncio.sleep(1)
        await asyncio.to_thread(mortal.restart, STORE)
    await asyncio.wait_for(taking, scale_timeout(40))

    notes = mortal_store.collection("notes").find().sort("_id", 1)
    assert [note["rank"] async for note in notes] == list(range(1, 200))
    assert await mortal_store.collection("inbox").count_documents({"held": True}) == 0
    assert await mortal_store.collection("outbox").count_documents({}) == 0
