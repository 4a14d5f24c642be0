"""Compressed batches: what unpacks to too much, or cannot be unpacked here, stops no reader."""

import gzip
import struct
import tracemalloc
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, codec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.record import default_records
from aiokafka.record.default_records import DefaultRecordBase, _DefaultRecordBatchBuilderPy

from shared.contracts.topics import TOPIC_MAX_BYTES
from shared.runtime.messaging.decompression import measure_unpacked
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.store.database import Store
from tests.integration.runtime.test_broker import Basket, consuming, producing
from tests.integration.runtime.test_malformed import keep
from tests.kit.events import NOTES, NOW
from tests.kit.namespaces import Namespace
from tests.kit.waiting import wait_until

GZIP, ZSTD = DefaultRecordBase.CODEC_GZIP, DefaultRecordBase.CODEC_ZSTD
_BLOCK = 128 * 1024


def zstd_encode(payload: bytes, level: int | None = None) -> bytes:  # noqa: ARG001 - aiokafka's form
    """Write a frame of Zstandard without its library: runs of one byte, and all else as it is."""
    frame = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(payload))
    for start in range(0, len(payload), _BLOCK):
        block = bytes(payload[start : start + _BLOCK])
        is_run = block.count(block[:1]) == len(block)
        is_last = start + _BLOCK >= len(payload)
        header = is_last | (2 if is_run else 0) | len(block) << 3
        frame += header.to_bytes(3, "little") + (block[:1] if is_run else block)
    return frame


@pytest.fixture
def zstd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the producers of a test write what its consumers cannot read."""
    monkeypatch.setattr(codec, "has_zstd", lambda: True)
    monkeypatch.setattr(default_records, "zstd_encode", zstd_encode)


async def send(
    producer: AIOKafkaProducer, topic: str, values: list[bytes], compression: int
) -> None:
    """Send `values` as one batch."""
    batch = producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, -1, 10**9)  # noqa: SLF001
    for value in values:
        batch.append(key=b"d1", value=value, timestamp=None, headers=[])
    await (await producer.send_batch(batch, topic, partition=0))


async def somebodys(namespace: Namespace) -> str:
    """Create the topic as somebody else would, who lets producers compress."""
    name = namespace.prefix + NOTES.name
    admin = AIOKafkaAdminClient(bootstrap_servers=namespace.platform.addresses.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1)])
    finally:
        await admin.close()
    return name


@pytest.mark.usefixtures("zstd")
@pytest.mark.parametrize("compression", [GZIP, ZSTD], ids=["gzip", "zstd"])
async def test_a_batch_that_unpacks_to_too_much_is_one_dead_letter(
    namespace: Namespace, store: Store, compression: int
) -> None:
    name = await somebodys(namespace)
    inbox = Inbox(store, NOTES, keep, lambda: NOW)
    await inbox.prepare()

    async def letters() -> list[Any]:
        return await store.collection("inbox").find({"state": "dead"}).sort("at").to_list(None)

    async def are_two() -> bool:
        return len(await letters()) == 2

    async with producing(namespace) as producer, consuming(namespace, inbox):
        await send(producer, name, [b"\0" * 60_000_000] * 2, compression)
        await producer.send_and_wait(name, b"{", key=b"d1", partition=0)
        await wait_until(are_two, "both are taken", limit_s=60)

    bomb, plain = await letters()
    assert bomb["_id"].endswith("/0/1")
    assert "a batch" in bomb["reason"]
    assert len(bomb["value"]) <= 1000
    assert plain["_id"].endswith("/0/2")


async def test_what_unpacks_to_little_is_read_and_much_of_it_bit_by_bit(
    namespace: Namespace,
) -> None:
    name = await somebodys(namespace)
    basket = Basket()
    async with producing(namespace) as producer:
        for rank in range(20):
            await send(producer, name, [b"%d " % rank + b" " * 900_000], GZIP)
        async with consuming(namespace, basket):
            await wait_until(lambda: len(basket.taken) == 20, "all are taken", limit_s=60)

    assert [int(each.split()[0]) for each in basket.values] == list(range(20))


@pytest.mark.native
@pytest.mark.usefixtures("native_backbone", "zstd")  # the other broker keeps batches as they come
@pytest.mark.parametrize("compression", [GZIP, ZSTD], ids=["gzip", "zstd"])
async def test_the_broker_bounds_what_a_batch_unpacks_to(
    namespace: Namespace, compression: int
) -> None:
    namespace.provision([NOTES])
    name = namespace.prefix + NOTES.name
    basket, small = Basket(), b"\0" * 400_000
    async with producing(namespace) as producer, consuming(namespace, basket):
        with pytest.raises(MessageSizeTooLargeError):
            await send(producer, name, [b"\0" * 20_000_000], compression)
        await send(producer, name, [small], compression)
        await wait_until(lambda: basket.taken, "the small one is taken", limit_s=60)

    # By a codec that is not here: the broker has unpacked it.
    assert basket.values == [small]


def test_a_gigabyte_is_not_unpacked_to_be_weighed() -> None:
    member = gzip.compress(b"\0" * (64 * 1024 * 1024))
    whole = memoryview(b"\0" * DefaultRecordBase.HEADER_STRUCT.size + member * 16)
    batch: Any = SimpleNamespace(compression_type=GZIP)

    tracemalloc.start()
    refused = measure_unpacked(batch, whole)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert f"unpacks to over {TOPIC_MAX_BYTES} bytes" in str(refused)
    assert peak < 4 * TOPIC_MAX_BYTES
