"""The outbox and its relay on a real broker."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import MessageSizeTooLargeError, NotLeaderForPartitionError, ProducerFenced
from prometheus_client import REGISTRY

from shared.contracts.outgoing import Outgoing
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.runtime.messaging.broker import Broker
from shared.runtime.messaging.outbox import Publisher, Relay
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import ReturnDocument
from shared.runtime.store.lease import _LEASE_S, Lease
from tests.kit.events import NOTES, STATES, Noted
from tests.kit.namespaces import Namespace
from tests.kit.outbox import FakeBroker, read_outbox
from tests.kit.waiting import scale_timeout, wait_until

ABSENT = tuple(f"essai.absent{number}.v1" for number in range(5))


@pytest.fixture
async def broker(namespace: Namespace) -> AsyncIterator[Broker]:
    namespace.provision([NOTES, STATES])
    link = Broker("essai", namespace.settings())
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


async def read(namespace: Namespace, topic: str, count: int) -> dict[str, list[bytes]]:
    """Read `count` records, or all that come in a while; give their values by key, in order."""
    found: dict[str, list[bytes]] = defaultdict(list)
    consumer = AIOKafkaConsumer(
        namespace.prefix + topic,
        bootstrap_servers=namespace.platform.addresses.kafka,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8_000_000,
    )
    async with consumer:
        while sum(map(len, found.values())) < count:
            record = await asyncio.wait_for(consumer.getone(), scale_timeout(20))
            found[(record.key or b"").decode()].append(record.value)
    return found


def texts(values: list[bytes]) -> list[str]:
    return [str(value).partition('"text":"')[2].partition('"')[0] for value in values]


def too_large(size: int) -> Document:
    """Build a row that a transaction refuses: one of a release before this bound, say."""
    row = {"topic": NOTES.name, "key": "d1", "stream": "d1", "rank": 0, "headers": []}
    return {"_id": "0", **row, "value": b"x" * size}


async def depth(store: Store) -> int:
    """Count the messages that are not published."""
    return len(await read_outbox(store))


def an_id_of(moment_s: float) -> str:
    """Make an id as a replica does whose clock shows that moment."""
    shown = f"{int(moment_s * 1000):012x}"
    return f"{shown[:8]}-{shown[8:]}{new_id()[13:]}"


class NamedBroker(FakeBroker):
    """Publishes nowhere, and says who asked for what."""

    def __init__(self, name: str, log: list[tuple[str, str]]) -> None:
        super().__init__(lambda message: log.append((name, message["id"])))


class Leaderless(FakeBroker):
    """Never answers what is for one topic."""

    def __init__(self, topic: str) -> None:
        super().__init__()
        self._topic = topic

    async def publish(self, message: Document) -> Awaitable[object]:
        answer = await super().publish(message)
        return asyncio.Event().wait() if message["topic"] == self._topic else answer


@asynccontextmanager
async def relaying(store: Store, broker: Publisher) -> AsyncIterator[None]:
    """Run a relay within the block."""
    relay = asyncio.create_task(Relay(store, broker).run())
    try:
        yield
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def until_empty(store: Store) -> None:
    async def is_empty() -> bool:
        return await depth(store) == 0

    await wait_until(is_empty, "the outbox empties", limit_s=30)


async def test_what_is_said_is_published_in_the_order_of_its_key(
    store: Store, namespace: Namespace, broker: Broker
) -> None:
    await say(store, d1=30, d2=20, d3=10)
    relay = asyncio.create_task(Relay(store, broker).run())

    async def is_empty() -> bool:
        return await depth(store) == 0

    await wait_until(is_empty, "the outbox empties")
    found = await read(namespace, NOTES.name, 60)
    relay.cancel()

    for dossier, last in (("d1", 30), ("d2", 20), ("d3", 10)):
        assert texts(found[dossier]) == [f"{dossier}/{rank}" for rank in range(1, last + 1)]


async def test_a_backlog_over_a_page_leaves_by_rank_whatever_clocks_its_replicas_had(
    store: Store, namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction reads what another replica wrote, whose clock is ten minutes ahead."""
    async with namespace.store() as other:
        for rank in range(1, 201):
            replica, ahead_s = (store, 0) if rank % 2 else (other, 600)
            for module in ("database", "outbox_documents"):
                new_id = partial(an_id_of, time.time() + ahead_s)
                monkeypatch.setattr(f"shared.runtime.store.{module}.new_id", new_id)

            async def work(transaction: Transaction) -> None:
                notes = transaction.collection("notes")
                said = await notes.find_one_and_update(
                    {"_id": "d1"},
                    {"$inc": {"said": 1}},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                    session=transaction.session,
                )
                assert said is not None
                note = Noted(text=f"d1/{said['said']}")
                transaction.publish(Outgoing(NOTES, "d1", "d1", note, "c", "d1", said["said"]))

            await replica.transaction(work)
    assert await depth(store) == 200
    publisher = FakeBroker()
    relay = asyncio.create_task(Relay(store, publisher).run())

    await wait_until(lambda: len(publisher.messages) == 200, "all are published")
    relay.cancel()

    assert [each["rank"] for each in publisher.messages] == list(range(1, 201))


async def test_what_an_earlier_release_left_leaves_first_and_by_rank(store: Store) -> None:
    def old(rank: int) -> Document:
        ahead_s = 600 if rank % 2 else 0
        row = {"topic": NOTES.name, "key": "d1", "stream": "d1", "rank": rank, "headers": []}
        return {"_id": an_id_of(time.time() + ahead_s), **row, "value": b"old"}

    await store.collection("outbox").insert_many([old(rank) for rank in range(1, 5)])
    await say(store, d1=2)
    publisher = FakeBroker()
    relay = asyncio.create_task(Relay(store, publisher).run())

    async def is_empty() -> bool:
        return await depth(store) == 0

    await wait_until(is_empty, "all are published")
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)

    said = [(each["value"] == b"old", each["rank"]) for each in publisher.messages]
    assert [rank for is_old, rank in said if is_old] == [1, 2, 3, 4]
    assert [rank for is_old, rank in said if not is_old] == [1, 2]


async def test_a_row_too_large_for_the_broker_stops_its_key_and_no_other(
    store: Store, namespace: Namespace, broker: Broker
) -> None:
    await store.collection("outbox").insert_one(too_large(5_000_000))
    await say(store, d1=2, d2=5)
    relay = asyncio.create_task(Relay(store, broker).run())

    async def only_the_key_is_left() -> bool:
        return await depth(store) == 3

    await wait_until(only_the_key_is_left, "the other key passes")
    found = await read(namespace, NOTES.name, 5)
    await say(store, d3=1)
    await wait_until(only_the_key_is_left, "what comes later passes too")

    assert texts(found["d2"]) == [f"d2/{rank}" for rank in range(1, 6)]
    assert "d1" not in found
    assert REGISTRY.get_sample_value("aiguillage_outbox_refused_keys") == 1
    relay.cancel()


@pytest.mark.native
@pytest.mark.usefixtures("native_backbone")  # the other broker creates what it is asked for
async def test_five_topics_that_do_not_exist_do_not_hold_up_the_others(
    store: Store, broker: Broker
) -> None:
    async def astray(transaction: Transaction) -> None:
        for topic in ABSENT:
            transaction.publish_raw(topic, "d1", b"{}", {})

    relay = asyncio.create_task(Relay(store, broker).run())
    await say(store, d1=1)

    async def is_empty() -> bool:
        return await depth(store) == 0

    await wait_until(is_empty, "the first one leaves", limit_s=60)
    await store.transaction(astray)
    await say(store, d2=150)

    async def only_those_are_left() -> bool:
        return {row["topic"] for row in await read_outbox(store)} == set(ABSENT)

    # Each of them is waited for 5 s.
    await wait_until(only_those_are_left, "the others pass", limit_s=4, most=4.5)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)


async def test_a_topic_that_never_answers_holds_up_no_other(store: Store) -> None:
    async def both(transaction: Transaction) -> None:
        transaction.publish_raw(STATES.name, "s1", b"{}", {})
        transaction.publish_raw(NOTES.name, "d1", b"{}", {})

    for _ in range(130):
        await store.transaction(both)
    broker = Leaderless(STATES.name)
    relay = Relay(store, broker)
    running = asyncio.create_task(relay.run())

    async def only_those_are_left() -> bool:
        return {row["topic"] for row in await read_outbox(store)} == {STATES.name}

    await wait_until(only_those_are_left, "the other topic passes")
    # A page that is not acknowledged is not sent again.
    sent = [each["document"] for each in broker.messages if each["topic"] == STATES.name]
    assert len(sent) == len(set(sent)) < 130
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_of_a_packed_document_a_refused_key_alone_stays_and_leaves_in_order(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.messaging.lane._RETRY_AFTER_REFUSAL_S", 1.0)
    is_refused = True

    def answer(message: Document) -> object:
        refused = is_refused and message["key"] == "d1" and message["rank"] == 2
        return MessageSizeTooLargeError() if refused else None

    async def work(transaction: Transaction, first: int) -> None:
        for rank in (first, first + 1):
            for dossier in ("d1", "d2"):
                note = Noted(text=f"{dossier}/{rank}")
                transaction.publish(Outgoing(NOTES, dossier, dossier, note, "c", dossier, rank))

    for first in (1, 3):
        await store.transaction(partial(work, first=first))
    broker = FakeBroker(answer)
    relay = asyncio.create_task(Relay(store, broker).run())

    async def find_left() -> list[tuple[str, int]]:
        return [(each["key"], each["rank"]) for each in await read_outbox(store)]

    async def the_key_is_left() -> bool:
        return await find_left() == [("d1", 2), ("d1", 3), ("d1", 4)]

    await wait_until(the_key_is_left, "the other key passes")
    await store.transaction(partial(work, first=5))
    await wait_until(lambda: "d2/6" in said_of(broker, "d2"), "what comes later passes too")
    is_refused = False

    async def is_empty() -> bool:
        return await depth(store) == 0

    await wait_until(is_empty, "the key leaves")
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)

    assert said_of(broker, "d2") == [f"d2/{rank}" for rank in range(1, 7)]
    behind = said_of(broker, "d1")
    assert behind[-5:] == [f"d1/{rank}" for rank in range(2, 7)]
    assert await store.collection("outbox").count_documents({}) == 0


def said_of(broker: FakeBroker, key: str) -> list[str]:
    return texts([each["value"] for each in broker.messages if each["key"] == key])


async def test_of_two_relays_one_publishes_and_the_other_takes_over_when_it_stops(
    store: Store,
) -> None:
    log: list[tuple[str, str]] = []
    relays = {
        name: asyncio.create_task(Relay(store, NamedBroker(name, log)).run()) for name in "ab"
    }
    for rank in range(1, 11):
        await say(store, **{f"d{rank}": 1})
        await wait_until(lambda: log[rank - 1 :], "the row is published")  # noqa: B023
    (holder,) = {name for name, _ in log}
    (other,) = set("ab") - {holder}

    relays[holder].cancel()
    await asyncio.gather(relays[holder], return_exceptions=True)
    await say(store, d99=1)
    # Sooner than the lease ends by itself: the holder has given it back.
    await wait_until(
        lambda: log[-1][0] == other,
        "the other takes over",
        limit_s=0.4 * _LEASE_S,
        most=0.9 * _LEASE_S,
    )

    relays[other].cancel()
    assert len(log) == 11


async def test_a_lease_that_is_not_renewed_passes_to_another_at_its_end(store: Store) -> None:
    first, second = (Lease(store, "essai") for _ in range(2))

    assert await first.hold()
    assert not await second.hold()
    await wait_until(second.hold, "the lease ends", limit_s=_LEASE_S + 3)

    assert not await Lease(store, "essai").hold()


async def test_a_lease_goes_by_the_clock_of_the_store_alone(namespace: Namespace) -> None:
    clock = build_clock()
    async with (
        namespace.store() as store,
        namespace.store(clock=lambda: clock() + timedelta(hours=1)) as ahead,
        namespace.store(clock=lambda: clock() - timedelta(hours=1)) as behind,
    ):
        first = Lease(store, "essai")
        assert await first.hold()
        assert not await Lease(ahead, "essai").hold()
        assert not await Lease(behind, "essai").hold()

        await first.release()
        assert await Lease(behind, "essai").hold()
        assert not await Lease(ahead, "essai").hold()


async def test_a_lease_that_ended_meanwhile_is_another_one(store: Store) -> None:
    lease = Lease(store, "essai")
    assert await lease.hold()
    began = lease.tenure
    assert await lease.hold()
    assert lease.tenure == began

    await wait_until(lambda: not lease.is_held, "it ends", limit_s=_LEASE_S + 3)
    assert await lease.hold()

    assert lease.tenure == began + 1


async def test_a_relay_outlives_errors_that_nobody_foresaw(store: Store) -> None:
    log: list[tuple[str, str]] = []
    faults = [RuntimeError("a bug"), OSError("another")]

    class Faulty(NamedBroker):
        async def publish(self, message: Document) -> Awaitable[object]:
            if faults:
                raise faults.pop()
            return await super().publish(message)

    await say(store, d1=1)
    relay = asyncio.create_task(Relay(store, Faulty("a", log)).run())

    await wait_until(lambda: log, "it publishes in the end")
    assert not relay.done()
    relay.cancel()


async def test_a_row_that_could_not_be_handed_over_is_not_overtaken_by_its_key(
    store: Store,
) -> None:
    said: list[str] = []
    fails = True

    class Faulty(FakeBroker):
        async def publish(self, message: Document) -> Awaitable[object]:
            nonlocal fails
            (text,) = texts([message["value"]])
            if text == "d1/1" and fails:
                fails = False
                raise NotLeaderForPartitionError
            said.append(text)
            return await super().publish(message)

    await say(store, d1=2, d2=1)
    relay = asyncio.create_task(Relay(store, Faulty()).run())
    await wait_until(lambda: len(said) == 3, "all are published")
    relay.cancel()

    assert said == ["d2/1", "d1/1", "d1/2"]


async def test_a_relay_that_is_fenced_abandons_its_producer_and_says_again(store: Store) -> None:
    publisher = FakeBroker(lambda _: ProducerFenced() if publisher.renewals == 1 else None)
    await say(store, d1=2)

    async with relaying(store, publisher):
        await until_empty(store)
        # Once when it took the lease, once when it was fenced.
        assert publisher.abandons > 1

    assert (publisher.renewals, said_of(publisher, "d1")[-2:]) == (2, ["d1/1", "d1/2"])


async def test_a_relay_that_lost_its_lease_abandons_its_producer_until_it_has_it_again(
    store: Store,
) -> None:
    publisher = FakeBroker()
    leases = store.collection("leases")
    far = await store.read_clock() + timedelta(hours=1)

    async with relaying(store, publisher):
        await say(store, d1=1)
        await until_empty(store)
        abandons = publisher.abandons
        await leases.update_one({"_id": "relay"}, {"$set": {"holder": "another", "until": far}})
        await wait_until(lambda: publisher.abandons > abandons, "it sees that the lease is lost")
        await say(store, d1=1)
        assert (publisher.renewals, len(publisher.messages)) == (1, 1)

        await leases.delete_one({"_id": "relay"})
        await until_empty(store)

    assert (publisher.renewals, len(publisher.messages)) == (2, 2)


async def test_a_relay_that_cannot_publish_gives_the_lease_to_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.messaging.outbox._GIVE_UP_S", 0.2)
    stalled, other = Leaderless(NOTES.name), FakeBroker()
    await say(store, d1=2)

    async with relaying(store, stalled):
        await wait_until(lambda: stalled.messages, "the first holds the lease")
        async with relaying(store, other):
            await until_empty(store)

    assert said_of(other, "d1") == ["d1/1", "d1/2"]


async def test_a_producer_is_renewed_at_its_age_and_what_is_said_stays_in_order(
    store: Store, namespace: Namespace, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.messaging.outbox._EPOCH_S", 0.1)
    renew, renewals = broker.renew_producer, 0

    async def count_and_renew() -> None:
        nonlocal renewals
        renewals += 1
        await renew()

    monkeypatch.setattr(broker, "renew_producer", count_and_renew)
    async with relaying(store, broker):
        await say(store, d1=60)
        await wait_until(lambda: renewals > 2, "it is renewed again and again")
        await until_empty(store)

    found = await read(namespace, NOTES.name, 60)
    assert texts(found["d1"]) == [f"d1/{rank}" for rank in range(1, 61)]


async def test_a_document_that_cannot_be_read_stops_no_other_and_is_told_of(store: Store) -> None:
    outbox, broker = store.collection("outbox"), FakeBroker()
    malformed = [{"_id": f"{rank}-by-hand", "messages": []} for rank in range(60)]
    await outbox.insert_many(malformed)
    await say(store, d1=3)

    relay = asyncio.create_task(Relay(store, broker).run())

    async def read_age_s() -> bool:
        return REGISTRY.get_sample_value("aiguillage_outbox_oldest_seconds") == math.inf

    async def has_malformed_alone() -> bool:
        return await outbox.count_documents({}) == len(malformed)

    try:
        await wait_until(lambda: _has(broker, 3), "the others leave")
        await wait_until(read_age_s, "the alert fires")
        await wait_until(has_malformed_alone, "what has left is deleted")
        await outbox.delete_many({})
        await say(store, d1=1)
        await wait_until(lambda: _has(broker, 4), "what is deleted is forgotten")
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def _has(broker: FakeBroker, count: int) -> bool:
    return len(broker.messages) == count
