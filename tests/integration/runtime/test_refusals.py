"""What the broker refuses for good: bounded before it is kept, and set aside otherwise."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import OutOfOrderSequenceNumber, UnknownError
from prometheus_client import REGISTRY

from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import DEAD_LETTER_MAX_BYTES, RECORD_MAX_BYTES
from shared.runtime.clock import build_clock
from shared.runtime.errors import TooLargeError, is_transient
from shared.runtime.messaging.broker import Broker
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.messaging.outbox import Relay
from shared.runtime.store.database import Store, Transaction
from tests.integration.runtime.test_outbox import depth, read, say, texts, too_large
from tests.kit.events import NOTES, NOW, Noted, a_record, an_event
from tests.kit.namespaces import Namespace
from tests.kit.outbox import FakeBroker, read_outbox
from tests.kit.waiting import wait_until

CLOCK = build_clock()
LONELY = replace(NOTES, partitions=1)


@pytest.fixture
async def broker(namespace: Namespace) -> AsyncIterator[Broker]:
    namespace.provision([LONELY])
    link = Broker("essai", namespace.settings())
    await link.start()
    yield link
    await link.stop()


def relay_of(store: Store, broker: Broker) -> Relay:
    return Relay(store, broker)


@pytest.mark.native
@pytest.mark.usefixtures("native_backbone")  # the other broker knows no idempotent producer
async def test_after_a_refusal_the_other_keys_of_the_partition_flow(
    store: Store, namespace: Namespace, broker: Broker
) -> None:
    relay = relay_of(store, broker)
    running = asyncio.create_task(relay.run())
    # A broker takes any first sequence number of a producer, and counts from there.
    await say(store, d0=1)

    async def is_empty() -> bool:
        return await depth(store) == 0

    await wait_until(is_empty, "the first one leaves", limit_s=60)
    await store.collection("outbox").insert_one(too_large(1_500_000))
    await say(store, d1=1, d2=40)

    async def only_the_key_is_left() -> bool:
        return await depth(store) == 2

    await wait_until(only_the_key_is_left, "the other key passes")
    await say(store, d3=20)
    await wait_until(only_the_key_is_left, "what comes later passes too")
    found = await read(namespace, NOTES.name, 61)

    assert texts(found["d2"]) == [f"d2/{rank}" for rank in range(1, 41)]
    assert texts(found["d3"]) == [f"d3/{rank}" for rank in range(1, 21)]
    assert REGISTRY.get_sample_value("aiguillage_outbox_refused_keys") == 1
    assert relay.stalled_s == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.native
async def test_a_topic_takes_what_a_record_may_weigh_and_is_written_unpacked(
    native_backbone: object, namespace: Namespace
) -> None:
    namespace.provision([NOTES])
    told = await _configs(namespace, namespace.prefix + NOTES.name)
    dead = await _configs(namespace, namespace.prefix + NOTES.dead_letters)

    assert native_backbone
    assert int(told["max.message.bytes"]) > RECORD_MAX_BYTES
    assert int(dead["max.message.bytes"]) > DEAD_LETTER_MAX_BYTES
    assert told["compression.type"] == dead["compression.type"] == "uncompressed"


async def _configs(namespace: Namespace, topic: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=namespace.platform.addresses.kafka)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    return {name: value for name, value, *_ in answer.resources[0][4]}


async def test_what_the_broker_takes_at_most_passes(store: Store, broker: Broker) -> None:
    async def work(transaction: Transaction) -> None:
        transaction.publish(_a_note(RECORD_MAX_BYTES - 2000))
        transaction.publish_raw(NOTES.dead_letters, "d1", b"x" * (DEAD_LETTER_MAX_BYTES - 1000), {})

    await store.transaction(work)
    running = asyncio.create_task(relay_of(store, broker).run())

    async def is_empty() -> bool:
        return await depth(store) == 0

    await wait_until(is_empty, "both leave", limit_s=60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _a_note(size: int) -> Outgoing:
    return Outgoing(NOTES, "d1", "d1", Noted(text="x" * size), "c", "d1", 1)


async def test_what_the_broker_would_refuse_is_kept_nowhere(store: Store) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.collection("notes").insert_one({"_id": 1}, session=transaction.session)
        transaction.publish(_a_note(RECORD_MAX_BYTES))

    with pytest.raises(TooLargeError) as refused:
        await store.transaction(work)

    assert refused.value.field == "text"
    assert not is_transient(refused.value)
    assert await store.collection("notes").count_documents({}) == 0
    assert await depth(store) == 0


async def test_what_a_handler_may_not_tell_is_a_dead_letter_and_the_others_pass(
    store: Store,
) -> None:
    async def repeat(transaction: Transaction, events: Any) -> None:  # noqa: ANN401 - any events
        for event in events:
            transaction.publish(_a_note(int(event.data.text)))

    inbox = Inbox(store, NOTES, repeat, lambda: NOW)
    await inbox.prepare()
    batch = [an_event("d1", 1, "2000000", event_id="large"), an_event("d2", 1, "10")]

    await inbox.process([a_record(each, offset=rank) for rank, each in enumerate(batch)])

    dead = await store.collection("inbox").find_one({"_id": "large"})
    assert dead is not None
    assert "heaviest field: text" in dead["reason"]
    assert len(await read_outbox(store, topic=NOTES.name)) == 1


async def test_a_relay_that_can_publish_nothing_is_seen_and_one_refused_row_is_not(
    store: Store,
) -> None:
    answers: list[Exception] = [OutOfOrderSequenceNumber()] * 3
    renewed: list[int] = []

    class Refusing(FakeBroker):
        async def renew_producer(self) -> None:
            renewed.append(len(answers))
            await wait_until(lambda: relay.stalled_s > 0.01, "it is seen to stand still")

    relay = Relay(store, Refusing(lambda _: answers.pop() if answers else None))
    await say(store, d1=1)
    running = asyncio.create_task(relay.run())

    async def is_empty() -> bool:
        return await depth(store) == 0

    await wait_until(is_empty, "it leaves in the end, soon after each renewal", limit_s=10)
    assert renewed == [3, 2, 1, 0]
    await wait_until(lambda: relay.stalled_s == 0, "it stands still no more")
    answers += [UnknownError()]
    await say(store, d1=1)
    await wait_until(lambda: len(renewed) == 5, "the row is refused")
    await wait_until(lambda: relay.stalled_s == 0, "a row alone does not count")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
