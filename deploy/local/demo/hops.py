"""Watching the actors' topics, as an EDI partner would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.envelope import Event
from shared.contracts.routing_v1 import PieceForwarded
from shared.contracts.topics import ACTEUR


@dataclass(frozen=True, slots=True)
class Hop:
    """A piece that reached somebody's topic."""

    event_id: str
    topic: str
    forwarded: PieceForwarded
    latency_ms: float
    """From the deposit's stamp to the record in our hands."""


@dataclass(slots=True)
class Watch:
    """What has come so far."""

    hops: list[Hop] = field(default_factory=list)
    redelivered: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def watching(kafka: str) -> AsyncIterator[Watch]:
    """Read every partition of the actors' topics from their beginning, until left."""
    watch = Watch()
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign(
        [
            TopicPartition(topic.name, partition)
            for topic in ACTEUR.values()
            for partition in range(topic.partitions)
        ]
    )
    task = asyncio.create_task(_follow(consumer, watch))
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consumer.stop()


async def _follow(consumer: AIOKafkaConsumer, watch: Watch) -> None:
    seen: set[str] = set()
    async for record in consumer:
        event = Event[PieceForwarded].model_validate_json(record.value)
        if event.id in seen:
            watch.redelivered += 1
            continue
        seen.add(event.id)
        now = datetime.now(UTC)  # noqa: TID251 - beside the platform's clock, on its machine
        latency = now - event.data.deposited_at
        watch.hops.append(Hop(event.id, record.topic, event.data, latency.total_seconds() * 1000))
        watch.news.set()
