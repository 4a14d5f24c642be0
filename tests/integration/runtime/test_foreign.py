"""What other programs do to our topics on a real Kafka: transactions, and settings they change."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client import REGISTRY

from shared.runtime.messaging.broker import Broker
from shared.runtime.messaging.outbox import Relay
from shared.runtime.messaging.producer import Producer
from shared.runtime.store.database import Store, Transaction
from tests.integration.runtime.test_broker import Basket, consuming, producing
from tests.integration.runtime.test_outbox import depth, read, say, texts, too_large
from tests.kit.events import NOTES, STATES
from tests.kit.namespaces import Namespace
from tests.kit.topics import delete_topic
from tests.kit.waiting import scale_timeout, wait_until

pytestmark = [pytest.mark.native, pytest.mark.usefixtures("native_backbone")]


@pytest.fixture
def _seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pause before a retry, and the age of what is known of topics, from 30 s to 2 s.

    What is tested is that a retry and a refresh come, not when. So too for what readiness says.
    """
    monkeypatch.setattr("shared.runtime.messaging.broker._UNASSIGNED_S", 1.0)
    monkeypatch.setattr("shared.runtime.messaging.lane._RETRY_AFTER_REFUSAL_S", 2.0)
    monkeypatch.setattr("shared.runtime.messaging.broker._METADATA_MAX_AGE_MS", 2_000)


@asynccontextmanager
async def a_relay(store: Store, link: Broker) -> AsyncIterator[Relay]:
    relay = Relay(store, link)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def administering(namespace: Namespace) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=namespace.platform.addresses.kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def somebodys(namespace: Namespace, configs: dict[str, str]) -> None:
    """Create the topic as an operator would who has settings of his own."""
    async with administering(namespace) as admin:
        await admin.create_topics([NewTopic(namespace.prefix + NOTES.name, 1, 1, None, configs)])


async def set_config(namespace: Namespace, configs: dict[str, str]) -> None:
    async with administering(namespace) as admin:
        topic = ConfigResource(ConfigResourceType.TOPIC, namespace.prefix + NOTES.name, configs)
        await admin.alter_configs([topic])


@pytest.mark.parametrize("ending", ["commit", "abort"])
async def test_a_topic_that_ends_by_the_mark_of_a_transaction_is_read_to_its_end(
    namespace: Namespace, ending: str
) -> None:
    namespace.provision([NOTES])
    basket = Basket()
    async with (
        AIOKafkaProducer(
            bootstrap_servers=namespace.platform.addresses.kafka, transactional_id=namespace.prefix
        ) as producer,
        consuming(namespace, basket) as group,
    ):
        await producer.begin_transaction()
        await producer.send_and_wait(namespace.prefix + NOTES.name, b"one", key=b"d1")
        # Taken and acknowledged before the mark is written, as no reader waits for one.
        await wait_until(lambda: basket.taken, "it is taken")
        await asyncio.wait_for(group.wait_until_caught_up(), scale_timeout(15))
        await getattr(producer, f"{ending}_transaction")()

        await asyncio.wait_for(group.wait_until_caught_up(), scale_timeout(15))

    assert basket.values == [b"one"]


@pytest.mark.usefixtures("_seconds")
async def test_a_batch_refused_for_one_record_holds_up_no_other_key(
    namespace: Namespace, store: Store
) -> None:
    await somebodys(namespace, {"max.message.bytes": "20000"})
    link = Broker("essai", namespace.settings())
    await link.start()
    async with a_relay(store, link):
        await store.collection("outbox").insert_one(too_large(30_000))
        await say(store, d1=1, d2=40, d3=40)

        async def only_the_key_is_left() -> bool:
            return await depth(store) == 2

        await wait_until(only_the_key_is_left, "the other keys pass")
        found = await read(namespace, NOTES.name, 80)
        await set_config(namespace, {"max.message.bytes": "100000"})

        async def is_empty() -> bool:
            return await depth(store) == 0

        await wait_until(is_empty, "what was refused leaves in the end", limit_s=60)
    await link.stop()

    for key in ("d2", "d3"):
        assert texts(found[key]) == [f"{key}/{rank}" for rank in range(1, 41)]


async def test_records_are_dated_by_the_broker_whatever_clock_sent_them(
    namespace: Namespace,
) -> None:
    namespace.provision([NOTES])
    name = namespace.prefix + NOTES.name
    async with AIOKafkaProducer(bootstrap_servers=namespace.platform.addresses.kafka) as producer:
        # Kafka refuses what is dated over an hour ahead, where it believes the sender.
        for moment in (2**62, 0, None):
            told = await producer.send_and_wait(
                name, b"one", key=b"d1", timestamp_ms=moment, partition=0
            )
            assert abs(told.timestamp / 1000 - time.time()) < 600


@pytest.mark.usefixtures("_seconds")
async def test_what_a_deleted_topic_keeps_is_seen_and_leaves_once_it_is_there_again(
    namespace: Namespace, store: Store
) -> None:
    namespace.provision([NOTES, STATES])
    link = Broker("essai", namespace.settings())
    await link.start()
    async with a_relay(store, link):

        async def is_empty() -> bool:
            return await depth(store) == 0

        await say(store, d1=1)
        await wait_until(is_empty, "the topic is known", limit_s=60)
        async with administering(namespace) as admin:
            await delete_topic(admin, namespace.prefix + NOTES.name)
        await say(store, d1=3)
        await tell(store, "s1")

        async def the_others_pass() -> bool:
            rows = await store.collection("outbox").find().to_list(None)
            return {row["topic"] for row in rows} == {NOTES.name}

        await wait_until(the_others_pass, "the other topic flows", limit_s=90)
        await wait_until(
            lambda: (REGISTRY.get_sample_value("aiguillage_outbox_oldest_seconds") or 0) > 1,
            "it is seen to wait",
        )
        namespace.provision([NOTES])
        await wait_until(is_empty, "it leaves", limit_s=90)
    await link.stop()


@pytest.mark.usefixtures("_seconds")
async def test_a_topic_that_was_deleted_is_read_once_it_is_there_again(
    namespace: Namespace,
) -> None:
    namespace.provision([NOTES, STATES])
    name = namespace.prefix + NOTES.name
    basket = Basket()
    link = Broker("essai", namespace.settings())
    link.subscribe("", {NOTES: basket, STATES: Basket()})
    await link.start()
    async with producing(namespace) as producer:
        await producer.send_and_wait(name, b"one", key=b"d1")
    await wait_until(lambda: basket.taken, "the first one is taken")
    assert await link.find_unread_topics() == []

    async def is_unread() -> bool:
        return await link.find_unread_topics() == [name]

    async def is_read() -> bool:
        return await link.find_unread_topics() == []

    async with administering(namespace) as admin:
        await delete_topic(admin, name)
    await wait_until(is_unread, "it is seen to be gone", limit_s=90)
    namespace.provision([NOTES])
    async with producing(namespace) as producer:
        await producer.send_and_wait(name, b"two", key=b"d1")
    await wait_until(lambda: len(basket.taken) > 1, "it is read again", limit_s=90)
    await wait_until(is_read, "it is seen to be read")
    await link.stop()

    assert basket.values == [b"one", b"two"]


@pytest.mark.usefixtures("_seconds")
async def test_a_member_more_than_there_are_partitions_misses_nothing(
    namespace: Namespace,
) -> None:
    lonely = replace(NOTES, partitions=1)
    namespace.provision([lonely])
    links = [Broker("essai", namespace.settings()) for _ in range(2)]
    groups = [link.subscribe("", {lonely: Basket()}) for link in links]
    for link in links:
        await link.start()

    def is_one_without() -> bool:
        now = time.monotonic()
        return [now - at > 2 for group in groups for at in group._unassigned.values()] == [True]  # noqa: SLF001

    await wait_until(is_one_without, "one of them has no partition, for longer than is said")
    found = [await link.find_unread_topics() for link in links]
    for link in links:
        await link.stop()

    assert found == [[], []]


async def tell(store: Store, key: str) -> None:
    async def work(transaction: Transaction) -> None:
        transaction.publish_raw(STATES.name, key, b"{}", {})

    await store.transaction(work)


async def test_a_producer_that_is_being_replaced_is_closed_when_cancelled(
    namespace: Namespace, broken: list[object]
) -> None:
    namespace.provision([NOTES])
    producer = Producer("essai", "essai-relay", namespace.settings())
    await producer.renew()
    for _ in range(3):
        renewal = asyncio.create_task(producer.renew())
        first = producer._producer  # noqa: SLF001 - which one it is
        await wait_until(lambda: producer._producer is not first, "it is replaced")  # noqa: B023, SLF001
        renewal.cancel()
        await asyncio.gather(renewal, return_exceptions=True)
        assert first is not None
        assert first._sender.sender_task.done()  # noqa: SLF001
    await producer.stop()
    gc.collect()

    assert broken == []


@pytest.fixture
async def broken() -> AsyncIterator[list[object]]:
    """Collect what the loop is told by those who were left open."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    yield told
    asyncio.get_running_loop().set_exception_handler(None)
