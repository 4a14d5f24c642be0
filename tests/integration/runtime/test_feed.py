"""Marks on a real store: given once committed, and nothing appears any more below one."""

import asyncio
from collections.abc import Sequence

from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.feed import Feed


async def read_marks(store: Store) -> dict[str, int | None]:
    rows = await store.collection("things").find().to_list(None)
    return {row["_id"]: row.get("mark") for row in rows}


async def test_documents_get_marks_in_their_order_and_a_replaced_one_a_newer_mark(
    store: Store,
) -> None:
    things, feed = store.collection("things"), Feed(store, "things", order="rank")
    await feed.prepare()
    await things.insert_many([{"_id": "b", "rank": 1}, {"_id": "a", "rank": 2}])

    assert await feed.number_some() == 2
    assert await read_marks(store) == {"b": 1, "a": 2}
    assert await feed.number_some() == 0
    await things.replace_one({"_id": "b"}, {"rank": 1, "changed": True})
    await things.insert_one({"_id": "c", "rank": 3})
    assert await feed.number_some() == 2

    assert await read_marks(store) == {"b": 3, "a": 2, "c": 4}
    assert await feed.find_last() == 4


async def test_what_commits_late_gets_a_later_mark(store: Store) -> None:
    things, feed = store.collection("things"), Feed(store, "things")
    await feed.prepare()
    begun, go = asyncio.Event(), asyncio.Event()

    async def write_slowly(transaction: Transaction) -> None:
        await transaction.collection("things").insert_one(
            {"_id": "early"}, session=transaction.session
        )
        begun.set()
        await go.wait()

    slow = asyncio.create_task(store.transaction(write_slowly))
    await begun.wait()
    await things.insert_one({"_id": "late"})
    await feed.number_some()
    assert await feed.find_last() == 1
    go.set()
    await slow
    await feed.number_some()

    assert await read_marks(store) == {"late": 1, "early": 2}


async def test_three_feeds_beside_one_another_give_each_document_one_mark(store: Store) -> None:
    things = store.collection("things")
    handled: list[str] = []

    async def handle(transaction: Transaction, marked: Sequence[Document]) -> None:
        rows = [{"_id": each["_id"]} for each in marked]
        # A second handling of a document would be refused here.
        await transaction.collection("handled").insert_many(rows, session=transaction.session)
        handled.extend(each["_id"] for each in rows)

    feeds = [Feed(store, "things", handle=handle) for _ in range(3)]
    await feeds[0].prepare()
    seen: list[str] = []

    async def write() -> None:
        for rank in range(150):
            await things.insert_one({"_id": f"{rank:03}"})

    async def number(feed: Feed) -> None:
        while len(await read_marks(store)) < 150 or None in (await read_marks(store)).values():
            await feed.number_some()

    async def read_forward() -> None:
        mark = 0
        while len(seen) < 150:
            last = await feeds[0].find_last()
            rows = things.find({"mark": {"$gt": mark, "$lte": last}}).sort("mark", 1)
            for row in await rows.limit(7).to_list(None):
                seen.append(row["_id"])
                mark = row["mark"]

    async with asyncio.timeout(120):
        await asyncio.gather(write(), read_forward(), *(number(each) for each in feeds))

    assert sorted(seen) == [f"{rank:03}" for rank in range(150)]
    assert set((await read_marks(store)).values()) == set(range(1, 151))
    assert await store.collection("handled").count_documents({}) == 150


async def test_who_holds_the_feed_is_known_to_every_later_mark(store: Store) -> None:
    things = store.collection("things")
    subscribed: list[tuple[str, int]] = []

    async def handle(transaction: Transaction, marked: Sequence[Document]) -> None:
        readers = transaction.collection("readers").find(session=transaction.session)
        async for reader in readers:
            subscribed.extend((reader["_id"], each["mark"]) for each in marked)

    feed = Feed(store, "things", handle=handle)
    await feed.prepare()
    await things.insert_many([{"_id": "a"}, {"_id": "b"}])
    await feed.number_some()

    async def subscribe(transaction: Transaction) -> int:
        since = await feed.hold(transaction)
        await transaction.collection("readers").insert_one(
            {"_id": "r"}, session=transaction.session
        )
        return since

    assert await store.transaction(subscribe) == 2
    await things.insert_one({"_id": "c"})
    await feed.number_some()

    assert subscribed == [("r", 3)]
