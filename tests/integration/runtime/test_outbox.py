"""The outbox and its relay on a real broker."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NotLeaderForPartitionError
from prometheus_client import REGISTRY

from shared.contracts.outgoing import Outgoing
from shared.runtime.clock import build_clock
from shared.runtime.messaging.broker import Broker
from shared.runtime.messaging.outbox import Relay
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.lease import Lease
from tests.kit.events import NOTES, STATES, Noted
from tests.kit.namespaces import Room
from tests.kit.waiting import scaled, wait_until

CLOCK = build_clock()


@pytest.fixture
async def broker(room: Room) -> AsyncIterator[Broker]:
    room.provision([NOTES, STATES])
    link = Broker("essai", room.settings())
    await link.start()
    yield link
    await link.stop()


async def say(store: Store, **ranks: int) -> None:
    """Say `ranks[dossier]` notes of each dossier, a transaction each."""
    for dossier, last in ranks.items():
        for rank in range(1, last + 1):

            async def work(transaction: Transaction, d: str = dossier, n: int = rank) -> None:
                note = Noted(text=f"{d}/{n}", version=n)
                transaction.publish(Outgoing(NOTES, d, d, note, "c", d, n))

            await store.transaction(work)


async def read(room: Room, topic: str, count: int) -> dict[str, list[bytes]]:
    """Read `count` records, or all that come in a while; give their values by key, in order."""
    found: dict[str, list[bytes]] = defaultdict(list)
    consumer = AIOKafkaConsumer(
        room.namespace + topic,
        bootstrap_servers=room.platform.addresses.kafka,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8_000_000,
    )
    async with consumer:
        while sum(map(len, found.values())) < count:
            record = await asyncio.wait_for(consumer.getone(), scaled(20))
            found[(record.key or b"").decode()].append(record.value)
    return found


def texts(values: list[bytes]) -> list[str]:
    return [str(value).partition('"text":"')[2].partition('"')[0] for value in values]


def too_large(size: int) -> Document:
    """Build a row that a transaction refuses: one of a release before this bound, say."""
    row = {"topic": NOTES.name, "key": "d1", "stream": "d1", "rank": 0, "headers": []}
    return {"_id": "0", **row, "value": b"x" * size}


async def depth(store: Store) -> int:
    return await store.collection("outbox").count_documents({})


class Publisher:
    """Publishes nowhere, and says who asked for what."""

    def __init__(self, name: str, log: list[tuple[str, str]]) -> None:
        self.name = name
        self.log = log

    async def publish(self, row: Document) -> Awaitable[object]:
        self.log.append((self.name, row["_id"]))
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def test_what_is_said_is_published_in_the_order_of_its_key(
    store: Store, room: Room, broker: Broker
) -> None:
    await say(store, d1=30, d2=20, d3=10)
    relay = asyncio.create_task(Relay(store, broker.publish, CLOCK).run())

    async def is_empty() -> bool:
        return await depth(store) == 0

    await wait_until(is_empty, "the outbox empties")
    found = await read(room, NOTES.name, 60)
    relay.cancel()

    for dossier, last in (("d1", 30), ("d2", 20), ("d3", 10)):
        assert texts(found[dossier]) == [f"{dossier}/{rank}" for rank in range(1, last + 1)]


async def test_rows_are_published_by_rank_whatever_clock_named_them(store: Store) -> None:
    await say(store, d1=3)
    rows = await store.collection("outbox").find().sort("_id", 1).to_list(10)
    # What two replicas leave whose clocks differ: the later row has the earlier id.
    await store.collection("outbox").delete_many({})
    ids = [row["_id"] for row in rows]
    await store.collection("outbox").insert_many(
        [row | {"_id": each} for row, each in zip(rows, reversed(ids), strict=True)]
    )
    log: list[tuple[str, str]] = []
    relay = asyncio.create_task(Relay(store, Publisher("a", log).publish, CLOCK).run())

    await wait_until(lambda: len(log) == 3, "three rows are published")
    relay.cancel()

    assert [each for _, each in log] == list(reversed(ids))


async def test_a_row_too_large_for_the_broker_stops_its_key_and_no_other(
    store: Store, room: Room, broker: Broker
) -> None:
    await store.collection("outbox").insert_one(too_large(5_000_000))
    await say(store, d1=2, d2=5)
    relay = asyncio.create_task(Relay(store, broker.publish, CLOCK).run())

    async def only_the_key_is_left() -> bool:
        return await depth(store) == 3

    await wait_until(only_the_key_is_left, "the other key passes")
    found = await read(room, NOTES.name, 5)
    await say(store, d3=1)
    await wait_until(only_the_key_is_left, "what comes later passes too")

    assert texts(found["d2"]) == [f"d2/{rank}" for rank in range(1, 6)]
    assert "d1" not in found
    assert REGISTRY.get_sample_value("aiguillage_outbox_refused_keys") == 1
    relay.cancel()


@pytest.mark.native
@pytest.mark.usefixtures("native_backbone")  # the other broker creates what it is asked for
async def test_a_topic_that_does_not_exist_does_not_hold_up_the_others(
    store: Store, broker: Broker
) -> None:
    async def astray(transaction: Transaction) -> None:
        transaction.publish_raw("essai.absent.v1", "d1", b"{}", {})

    await store.transaction(astray)
    await say(store, d2=5)
    relay = asyncio.create_task(Relay(store, broker.publish, CLOCK).run())

    async def only_one_is_left() -> bool:
        return await depth(store) == 1

    await wait_until(only_one_is_left, "the others pass", limit_s=20)
    relay.cancel()


async def test_of_two_relays_one_publishes_and_the_other_takes_over_when_it_stops(
    store: Store,
) -> None:
    log: list[tuple[str, str]] = []
    relays = {
        name: asyncio.create_task(Relay(store, Publisher(name, log).publish, CLOCK).run())
        for name in "ab"
    }
    for rank in range(1, 11):
        await say(store, **{f"d{rank}": 1})
        await wait_until(lambda: log[rank - 1 :], "the row is published")  # noqa: B023
    (holder,) = {name for name, _ in log}
    (other,) = set("ab") - {holder}

    relays[holder].cancel()
    await asyncio.gather(relays[holder], return_exceptions=True)
    await say(store, d99=1)
    # Sooner than the lease of 5 s ends by itself: the holder has given it back.
    await wait_until(lambda: log[-1][0] == other, "the other takes over", limit_s=2, most=4.5)

    relays[other].cancel()
    assert len(log) == 11


async def test_a_lease_that_is_not_renewed_passes_to_another_at_its_end(store: Store) -> None:
    first, second = (Lease(store, "essai", CLOCK) for _ in range(2))

    assert await first.hold()
    assert not await second.hold()
    await wait_until(second.hold, "the lease ends", limit_s=8)

    assert not await Lease(store, "essai", CLOCK).hold()


async def test_a_relay_outlives_errors_that_nobody_foresaw(store: Store) -> None:
    log: list[tuple[str, str]] = []
    publisher = Publisher("a", log)
    faults = [RuntimeError("a bug"), OSError("another")]

    async def publish(row: Document) -> Awaitable[object]:
        if faults:
            raise faults.pop()
        return await publisher.publish(row)

    await say(store, d1=1)
    relay = asyncio.create_task(Relay(store, publish, CLOCK).run())

    await wait_until(lambda: log, "it publishes in the end")
    assert not relay.done()
    relay.cancel()


async def test_a_row_that_could_not_be_handed_over_is_not_overtaken_by_its_key(
    store: Store,
) -> None:
    said: list[str] = []
    fails = True

    async def publish(row: Document) -> Awaitable[object]:
        nonlocal fails
        (text,) = texts([row["value"]])
        if text == "d1/1" and fails:
            fails = False
            raise NotLeaderForPartitionError
        said.append(text)
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    await say(store, d1=2, d2=1)
    relay = asyncio.create_task(Relay(store, publish, CLOCK).run())
    await wait_until(lambda: len(said) == 3, "all are published")
    relay.cancel()

    assert said == ["d2/1", "d1/1", "d1/2"]
