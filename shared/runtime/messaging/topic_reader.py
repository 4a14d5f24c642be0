"""Reader of a whole topic, from its beginning, beside the consumer groups and without one."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer

from shared.contracts.topics import TOPIC_MAX_BYTES, Topic
from shared.runtime.messaging.broker import FETCH_BYTES, QUIET_S, read_record
from shared.runtime.messaging.parsing import Record
from shared.runtime.settings import RuntimeSettings

_POLL_MS = 200
"""Time for which a poll waits for records, in milliseconds."""


class TopicReader:
    """Reads every partition of one topic. It commits no offset and takes no partition away.

    An error ends the reading: a poll that fails may have dropped records of other partitions.
    """

    def __init__(self, topic: Topic, settings: RuntimeSettings) -> None:
        """Prepare; the connection is open inside the `async with` block."""
        self._name = settings.namespace + topic.name
        self._settings = settings
        self._ends: Mapping[Any, int] = {}

    async def __aenter__(self) -> Self:
        """Connect. Raises KafkaError when the topic does not exist."""
        self._consumer = AIOKafkaConsumer(
            self._name,
            bootstrap_servers=self._settings.kafka.split(","),
            # Without a group, aiokafka assigns all partitions.
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=TOPIC_MAX_BYTES,
            fetch_max_bytes=FETCH_BYTES,
        )
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def read_on(self) -> AsyncIterator[list[Record]]:
        """Yield the records from here to the end that the topic has at the call.

        Where end offsets are not reliable, until no record has come for a second instead.
        """
        partitions = list(self._consumer.assignment())
        if self._settings.end_offsets_reliable:
            self._ends = await self._consumer.end_offsets(partitions)
            async for records in self._read_to_ends():
                yield records
            return
        loop = asyncio.get_running_loop()
        last_record = loop.time()
        while loop.time() - last_record <= QUIET_S:
            if records := await self._poll():
                last_record = loop.time()
                yield records
        self._ends = {each: await self._consumer.position(each) for each in partitions}

    async def read_again(self) -> AsyncIterator[list[Record]]:
        """Yield the records from the beginning to where the last reading ended, or a little on."""
        await self._consumer.seek_to_beginning()
        async for records in self._read_to_ends():
            yield records

    async def _read_to_ends(self) -> AsyncIterator[list[Record]]:
        while not await self._is_past_ends():
            yield await self._poll()

    async def _is_past_ends(self) -> bool:
        # The position, not the last record: markers of transactions are passed without one.
        for partition, end in self._ends.items():
            if await self._consumer.position(partition) < end:
                return False
        return True

    async def _poll(self) -> list[Record]:
        batches = await self._consumer.getmany(
            timeout_ms=_POLL_MS, max_records=self._settings.max_batch
        )
        return [read_record(raw) for records in batches.values() for raw in records]
