"""Consumer groups: the lag of each, and those that stand still."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Partition and offset at which a group reads next."""

    group: str
    topic: str
    partition: int
    offset: int


class Groups:
    """Compares the committed offsets of groups with the ends of their partitions."""

    def __init__(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        """Use these clients, which are started."""
        self._admin = admin
        self._consumer = consumer

    async def find_backlog(self, group: str, partitions: Sequence[TopicPartition]) -> list[Place]:
        """Find the places of a group that are before the end of their partition."""
        places = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        committed = await self._admin.list_consumer_group_offsets(group, partitions=partitions)
        places |= {each: at.offset for each, at in committed.items() if at.offset >= 0}
        return [
            Place(group, each.topic, each.partition, at)
            for each, at in places.items()
            if ends[each] > at
        ]

    async def find_stalled_groups(
        self, groups: Mapping[str, Mapping[str, int]], timeout_s: float
    ) -> list[Place]:
        """Wait until no group has a lag, or some stand still for `timeout_s`: return their places.

        `groups` holds the topics of each, with their numbers of partitions.
        """
        read = {
            group: [
                TopicPartition(name, rank) for name, many in topics.items() for rank in range(many)
            ]
            for group, topics in groups.items()
        }
        since: dict[Place, float] = {}
        while True:
            now = time.monotonic()
            places = [
                each
                for name, parts in read.items()
                for each in await self.find_backlog(name, parts)
            ]
            since = {place: since.get(place, now) for place in places}
            still = [place for place, begin in since.items() if now - begin > timeout_s]
            if still or not places:
                return still
            await asyncio.sleep(_POLL_S)


@asynccontextmanager
async def open_groups(kafka: str) -> AsyncIterator[Groups]:
    """Connect to a broker, within the block."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await admin.start()
    await consumer.start()
    try:
        yield Groups(admin, consumer)
    finally:
        await consumer.stop()
        await admin.close()
