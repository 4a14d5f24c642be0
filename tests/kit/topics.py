"""Topics in tests: read until the records that a test expects have come, deleted for good."""

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.contracts.topics import Topic
from tests.kit.waiting import scale_timeout, wait_until

_TIMEOUT_S = 30.0
_POLL_MS = 200
_EXTRA_MS = 700
"""Time for which records are read after the last expected one, in ms: one too many shows."""


async def read_until(
    kafka: str, topic: Topic, is_ours: Callable[[ConsumerRecord], bool], number: int
) -> list[bytes]:
    """Read a topic from its beginning until `number` records are ours, then 0.7 s more.

    Returns the values of all that are ours. Raises TimeoutError when fewer come within 30 s.
    """
    async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
        partitions = [TopicPartition(topic.name, rank) for rank in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)

        async def poll(timeout_ms: int) -> list[bytes]:
            batches = await consumer.getmany(timeout_ms=timeout_ms)
            records = [record for batch in batches.values() for record in batch]
            return [record.value for record in records if is_ours(record)]

        found: list[bytes] = []
        async with asyncio.timeout(scale_timeout(_TIMEOUT_S)):
            while len(found) < number:
                found += await poll(_POLL_MS)
        return found + await poll(_EXTRA_MS)


async def delete_topic(admin: AIOKafkaAdminClient, name: str) -> None:
    """Delete a topic and wait until the broker is without it: until then it takes records."""
    await admin.delete_topics([name])

    async def is_gone() -> bool:
        return name not in await admin.list_topics()

    await wait_until(is_gone, f"{name} is deleted")
