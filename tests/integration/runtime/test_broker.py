"""What we rely on FastStream and the broker for, trap by trap."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords
from prometheus_client import REGISTRY

from deploy.local import Backend, Platform, choose
from deploy.local.platform import BROKER
from shared.contracts.topics import Topic
from shared.runtime.messaging import fetcher_patch
from shared.runtime.messaging.broker import BatchProcessor, Broker, ConsumerGroup
from shared.runtime.messaging.outbox import Relay
from shared.runtime.messaging.parsing import Record
from shared.runtime.store.database import Document, Transaction
from tests.kit.events import NOTES, STATES
from tests.kit.namespaces import Namespace, build_namespace
from tests.kit.waiting import scale_timeout, wait_until


class Basket:
    """Takes records, and can be made to fail or to hang."""

    def __init__(self) -> None:
        self.taken: list[Record] = []
        self.faults: list[Exception] = []
        self.hangs = False

    async def process(self, records: Sequence[Record]) -> None:
        if self.faults:
            raise self.faults.pop()
        self.taken += records
        if self.hangs:
            await asyncio.Event().wait()

    @property
    def values(self) -> list[bytes]:
        return [record.value for record in self.taken]


@asynccontextmanager
async def consuming(
    namespace: Namespace, processor: BatchProcessor, topic: Topic = NOTES, **settings: object
) -> AsyncIterator[ConsumerGroup]:
    link = Broker("essai", namespace.settings(**settings))
    group = link.subscribe("", {topic: processor})
    await link.start()
    try:
        yield group
    finally:
        await link.stop()


@asynccontextmanager
async def producing(namespace: Namespace) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=namespace.platform.addresses.kafka) as producer:
        yield producer


def a_row(key: str, value: bytes, topic: Topic = NOTES) -> Document:
    return {"topic": topic.name, "key": key, "value": value, "headers": [["x-a", "é"]]}


async def test_what_was_taken_and_not_acknowledged_comes_again(namespace: Namespace) -> None:
    namespace.provision([NOTES])
    cut_short = Basket()
    cut_short.hangs = True
    async with producing(namespace) as producer:
        await producer.send_and_wait(namespace.prefix + NOTES.name, b"one", key=b"d1")
    async with consuming(namespace, cut_short):
        await wait_until(lambda: cut_short.taken, "the batch is taken")

    after = Basket()
    async with consuming(namespace, after):
        await wait_until(lambda: after.taken, "it comes again", limit_s=25)

    assert after.values == [b"one"]


async def test_what_was_acknowledged_does_not_come_again(namespace: Namespace) -> None:
    namespace.provision([NOTES])
    basket = Basket()
    name = namespace.prefix + NOTES.name
    async with producing(namespace) as producer:
        await producer.send_and_wait(name, b"one", key=b"d1")
        async with consuming(namespace, basket):
            await wait_until(lambda: basket.taken, "the batch is taken")
        await producer.send_and_wait(name, b"two", key=b"d1")
    async with consuming(namespace, basket):
        await wait_until(lambda: len(basket.taken) > 1, "the next one is taken", limit_s=25)

    assert basket.values == [b"one", b"two"]


async def test_a_batch_whose_taking_fails_is_taken_again_and_never_passed_over(
    namespace: Namespace,
) -> None:
    namespace.provision([NOTES])
    basket = Basket()
    basket.faults = [ValueError("a bug of the plumbing")] * 3
    name = namespace.prefix + NOTES.name
    async with producing(namespace) as producer, consuming(namespace, basket):
        await producer.send_and_wait(name, b"one", key=b"d1")
        await wait_until(lambda: not basket.faults, "it fails", limit_s=25)
        await producer.send_and_wait(name, b"two", key=b"d1")
        await wait_until(lambda: len(basket.taken) > 1, "both are taken")

    assert basket.values == [b"one", b"two"]


async def test_records_that_the_framework_could_not_decode_arrive_as_they_are(
    namespace: Namespace,
) -> None:
    namespace.provision([NOTES])
    basket = Basket()
    name = namespace.prefix + NOTES.name
    async with producing(namespace) as producer, consuming(namespace, basket):
        await producer.send_and_wait(name, b"\xff\xfe", key=b"\xff", headers=[("h", b"\xff\xfe")])
        await producer.send_and_wait(name, b"{not json", key=b"d1", headers=[("h", None)])
        await producer.send_and_wait(name, b"", key=b"d1")
        await producer.send_and_wait(name, None, key=b"d1")
        await producer.send_and_wait(name, b"no key")
        await wait_until(lambda: len(basket.taken) == 5, "all are taken", limit_s=25)

    assert sorted(basket.values) == sorted([b"\xff\xfe", b"{not json", b"", b"", b"no key"])
    empty = [record.is_null for record in basket.taken if record.value == b""]
    assert sorted(empty) == [False, True]
    (odd,) = [record for record in basket.taken if record.value == b"\xff\xfe"]
    assert odd.key == "\N{REPLACEMENT CHARACTER}"
    assert odd.headers["h"] == "\N{REPLACEMENT CHARACTER}" * 2


async def test_a_group_is_subscribed_once(namespace: Namespace) -> None:
    link = Broker("essai", namespace.settings())
    link.subscribe("", {NOTES: Basket()})
    link.subscribe(".projections", {STATES: Basket()})

    with pytest.raises(ValueError, match="essai is subscribed already"):
        link.subscribe("", {STATES: Basket()})


class RawName(str):
    """A header's name of which the client writes the bytes as they are."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return bytes.fromhex(self)


async def send_with_odd_header(
    producer: AIOKafkaProducer, topic: str, values: Sequence[bytes], odd: bytes, codec: int = 0
) -> None:
    """Send `values` as one batch; the header of `odd` is named by no UTF-8."""
    batch = producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, -1, 100_000)  # noqa: SLF001
    for value in values:
        name = RawName("ff66ff" if value == odd else b"plain".hex())
        batch.append(key=b"d1", value=value, timestamp=None, headers=[(name, b"1")])
    await (await producer.send_batch(batch, topic, partition=0))


@pytest.mark.parametrize("codec", [0, 1], ids=["plain", "gzip"])
async def test_a_header_whose_name_is_not_utf8_stops_nobody(
    namespace: Namespace, codec: int
) -> None:
    namespace.provision([NOTES])
    basket = Basket()
    name = namespace.prefix + NOTES.name
    async with producing(namespace) as producer, consuming(namespace, basket):
        await send_with_odd_header(producer, name, [b"1", b"2", b"3"], b"2", codec)
        await producer.send_and_wait(name, b"4", key=b"d1", partition=0)
        await wait_until(lambda: len(basket.taken) == 4, "all are taken", limit_s=25)

    assert basket.values == [b"1", b"2", b"3", b"4"]
    assert [dict(each.headers) for each in basket.taken] == [
        {"plain": "1"},
        {r"\xfff\xff": "1"},
        {"plain": "1"},
        {},
    ]
    counted = REGISTRY.get_sample_value("aiguillage_odd_header_names_total", {"topic": name})
    assert counted == 1


async def test_a_consumer_that_cannot_read_loses_nothing_and_is_seen_to_stand_still(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)
    namespace.provision([NOTES])
    basket = Basket()
    name = namespace.prefix + NOTES.name
    async with producing(namespace) as producer:
        await send_with_odd_header(producer, name, [b"1", b"2"], b"2")
        for partition in (1, 2):
            await producer.send_and_wait(name, b"other %d" % partition, partition=partition)
        link = Broker("essai", namespace.settings())
        link.subscribe("", {NOTES: basket})
        await link.start()
        assert link.find_stalled_groups(8) == []

        # With nothing but that failure it stays so, although every other poll passes.
        await wait_until(lambda: link.find_stalled_groups(8), "it is seen", limit_s=40)
        assert link.find_stalled_groups(8) == ["essai"]

        monkeypatch.setattr(fetcher, "MemoryRecords", fetcher_patch._Records)  # noqa: SLF001
        await wait_until(lambda: len(set(basket.values)) == 4, "all are taken", limit_s=40)
        await link.stop()


async def test_a_key_chooses_its_partition_and_keeps_its_order(namespace: Namespace) -> None:
    namespace.provision([NOTES])
    link = Broker("essai", namespace.settings())
    await link.start()
    await link.renew_producer()
    waiting = [
        await link.publish(a_row(f"d{n % 20}", str(n // 20).encode())) for n in range(20 * 30)
    ]
    await asyncio.gather(*waiting)
    await link.stop()

    partitions = defaultdict(set)
    order = defaultdict(list)
    consumer = AIOKafkaConsumer(
        namespace.prefix + NOTES.name,
        bootstrap_servers=namespace.platform.addresses.kafka,
        auto_offset_reset="earliest",
    )
    async with consumer:
        for _ in waiting:
            record = await asyncio.wait_for(consumer.getone(), scale_timeout(20))
            partitions[record.key].add(record.partition)
            order[record.key].append(int(record.value))
            headers = dict(record.headers)

    assert len(partitions) == 20
    assert all(len(each) == 1 for each in partitions.values())
    assert len(set.union(*partitions.values())) > 1
    assert all(each == list(range(30)) for each in order.values())
    assert headers["content-type"] == b"application/cloudevents+json; charset=UTF-8"
    assert headers["x-a"] == "é".encode()


async def test_a_member_without_partitions_is_caught_up_too(namespace: Namespace) -> None:
    lonely = replace(NOTES, partitions=1)
    namespace.provision([lonely])
    baskets = Basket(), Basket()
    async with producing(namespace) as producer:
        for _ in range(50):
            await producer.send(namespace.prefix + lonely.name, b"one", key=b"d1")
    async with (
        consuming(namespace, baskets[0], lonely) as first,
        consuming(namespace, baskets[1], lonely) as second,
    ):
        await asyncio.wait_for(
            asyncio.gather(first.wait_until_caught_up(), second.wait_until_caught_up()), 40
        )

        assert sum(len(each.taken) for each in baskets) >= 50


async def test_a_topic_of_which_everything_was_read_is_caught_up_at_once(
    namespace: Namespace,
) -> None:
    namespace.provision([STATES])
    basket = Basket()
    async with producing(namespace) as producer:
        await producer.send_and_wait(namespace.prefix + STATES.name, b"one", key=b"d1")
    async with consuming(namespace, basket, STATES) as group:
        await asyncio.wait_for(group.wait_until_caught_up(), scale_timeout(30))
    assert basket.values == [b"one"]
    async with consuming(namespace, basket, STATES) as group:
        await asyncio.wait_for(group.wait_until_caught_up(), scale_timeout(30))
    assert basket.values == [b"one"]


@pytest.mark.native
async def test_what_a_group_has_before_it_is_counted(namespace: Namespace) -> None:
    if not namespace.settings().end_offsets_reliable:
        pytest.skip("needs a broker that tells where its partitions end: not the embedded one")
    lonely = replace(NOTES, partitions=1)
    namespace.provision([lonely])
    name = namespace.prefix + lonely.name
    hanging = Basket()
    hanging.hangs = True
    async with producing(namespace) as producer:
        for rank in range(40):
            await producer.send_and_wait(name, str(rank).encode(), key=b"d1")

    async with consuming(namespace, hanging, lonely, max_batch=10):
        await wait_until(lambda: hanging.taken, "the first batch")
        given = len(hanging.taken)
        assert 0 < given <= 10
        assert _lag(name) == 40 - given
    async with consuming(namespace, Basket(), lonely) as group:
        await asyncio.wait_for(group.wait_until_caught_up(), scale_timeout(40))
        assert _lag(name) == 0


def _lag(topic: str) -> float | None:
    return REGISTRY.get_sample_value("aiguillage_consumer_lag", {"group": "essai", "topic": topic})


@pytest.fixture
def mortal() -> Iterator[Platform]:
    choice = choose()
    if choice.backend is not Backend.NATIVE:
        pytest.skip(f"needs the real Apache Kafka: {choice.reason}")
    with Platform(choice.backend, services=()) as running:
        yield running


@pytest.mark.native
async def test_a_broker_killed_in_the_middle_loses_nothing_and_keeps_the_order(
    mortal: Platform,
) -> None:
    namespace = build_namespace(mortal)
    namespace.provision([NOTES])
    basket = Basket()
    link = Broker("essai", namespace.settings())
    link.subscribe("", {NOTES: basket})
    await link.start()
    async with namespace.store() as store:
        relay = asyncio.create_task(Relay(store, link).run())

        async def say_all() -> None:
            for rank in range(60):

                async def work(transaction: Transaction, n: int = rank) -> None:
                    for dossier in range(5):
                        transaction.publish_raw(NOTES.name, f"d{dossier}", str(n).encode(), {})

                await store.transaction(work)
                await asyncio.sleep(0.02)

        saying = asyncio.create_task(say_all())
        await wait_until(lambda: len(basket.taken) > 50, "some are through", limit_s=25)
        mortal.kill(BROKER)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(mortal.restart, BROKER)
        await saying
        await wait_until(
            lambda: len({(each.key, each.value) for each in basket.taken}) == 300,
            "all are through",
            limit_s=60,
        )
        # Its transaction must end before its store is gone, or the loop waits for it in vain.
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
    await link.stop()

    for dossier in range(5):
        first_seen = list(
            dict.fromkeys(int(each.value) for each in basket.taken if each.key == f"d{dossier}")
        )
        assert first_seen == list(range(60))
    print(f"{len(basket.taken) - 300} redelivered")
