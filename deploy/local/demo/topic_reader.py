"""Kafka consumer without a group: reads whole topics from their beginning."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.topics import Topic


@asynccontextmanager
async def follow_topics(
    kafka: str, topics: Sequence[Topic], take: Callable[[str, bytes], None]
) -> AsyncIterator[None]:
    """Call `take` with topic and value of each record, from the beginning, within the block."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    try:
        await consumer.start()
        consumer.assign(
            [TopicPartition(each.name, rank) for each in topics for rank in range(each.partitions)]
        )
        task = asyncio.create_task(_follow(consumer, take))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        await consumer.stop()


async def _follow(consumer: AIOKafkaConsumer, take: Callable[[str, bytes], None]) -> None:
    async for record in consumer:
        take(record.topic, record.value)
