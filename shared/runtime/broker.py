"""The broker of a service, through FastStream: batches of bytes in, keyed records out.

The defaults of the framework would lose messages (see docs/choices.md): acknowledgement is manual,
after the transaction, and the only place where it is written is here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from aiokafka import TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from shared.contracts.topics import Topic
from shared.runtime.logs import get_logger
from shared.runtime.reading import Record
from shared.runtime.settings import RuntimeSettings
from shared.runtime.store import Document

_CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
_POLL_MS = 20
_BATCH_BYTES = 256 * 1024
_RECORD_BYTES = 4 * 1024 * 1024
_SESSION_MS = 10_000
_QUIET_S = 1.0
_log = get_logger(__name__)


class Taker(Protocol):
    """What gives records their fate: an inbox or a projection."""

    async def take(self, records: Sequence[Record]) -> None:
        """Return when offsets may be committed."""


class Broker:
    """A service's link to Kafka."""

    def __init__(self, service: str, settings: RuntimeSettings) -> None:
        """Prepare the link; `start` opens it."""
        self._service = service
        self._settings = settings
        self._kafka = KafkaBroker(
            settings.kafka.split(","),
            client_id=service,
            acks="all",
            enable_idempotence=settings.idempotent_producer,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_RECORD_BYTES,
            allow_auto_create_topics=False,
            logger=_log,
        )
        self._groups: list[Group] = []

    def subscribe(self, suffix: str, takers: Mapping[Topic, Taker]) -> "Group":
        """Consume `takers`' topics as one member of the group `<service><suffix>`."""
        group = Group(self._kafka, f"{self._service}{suffix}", takers, self._settings)
        self._groups.append(group)
        return group

    async def start(self) -> None:
        """Connect, join the groups, and consume."""
        await self._kafka.start()

    async def stop(self) -> None:
        """Leave."""
        await self._kafka.stop()

    async def publish(self, row: Document) -> Awaitable[object]:
        """Hand an outbox row to the producer; the result resolves when the broker has it."""
        acknowledged: asyncio.Future[Any] = await self._kafka.publish(
            row["value"],
            topic=row["topic"],
            key=row["key"].encode(),
            headers={"content-type": _CONTENT_TYPE, **row["headers"]},
            no_confirm=True,
        )
        return acknowledged

    async def is_connected(self) -> bool:
        """Tell whether the broker answers."""
        return await self._kafka.ping(timeout=2)


class Group:
    """One consumer: takes batches, topic by topic, and commits offsets after their fates."""

    def __init__(
        self,
        kafka: KafkaBroker,
        name: str,
        takers: Mapping[Topic, Taker],
        settings: RuntimeSettings,
    ) -> None:
        self._takers = {topic.name: taker for topic, taker in takers.items()}
        self._is_end_reliable = settings.end_offsets_reliable
        self._last_record = 0.0
        self._ends: dict[TopicPartition, int] = {}
        self._subscriber = kafka.subscriber(
            *self._takers,
            group_id=name,
            batch=True,
            max_records=settings.max_batch,
            batch_timeout_ms=_POLL_MS,
            auto_offset_reset="earliest",
            session_timeout_ms=_SESSION_MS,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            decoder=_keep_bytes,
        )
        self._subscriber(self._consume)

    async def _consume(self, message: KafkaMessage) -> None:
        # Never returns without an acknowledgement but by cancellation: under MANUAL a handler that
        # raises is skipped past by the next acknowledgement.
        raw = message.raw_message
        records = raw if isinstance(raw, tuple) else (raw,)
        self._last_record = asyncio.get_running_loop().time()
        by_topic: dict[str, list[Record]] = {}
        for record in records:
            by_topic.setdefault(record.topic, []).append(_record(record))
        for topic, batch in by_topic.items():
            await self._takers[topic].take(batch)
        await message.ack()

    async def caught_up(self) -> None:
        """Return once the group has taken all that the topics held when it was called.

        Where end offsets cannot be believed, once nothing has come for a moment.
        """
        await _until(self._is_assigned)
        if self._is_end_reliable:
            consumer = self._subscriber.consumer
            self._ends = await consumer.end_offsets(consumer.assignment()) if consumer else {}
            await _until(self._is_past_ends)
        else:
            self._last_record = max(self._last_record, asyncio.get_running_loop().time())
            await _until(self._is_quiet)

    async def _is_assigned(self) -> bool:
        return bool(self._subscriber.consumer and self._subscriber.consumer.assignment())

    async def _is_past_ends(self) -> bool:
        consumer = self._subscriber.consumer
        if consumer is None:
            return False
        for partition, end in self._ends.items():
            taken = await consumer.committed(partition) or 0
            if taken < end and partition in consumer.assignment():
                return False
        return True

    async def _is_quiet(self) -> bool:
        return asyncio.get_running_loop().time() - self._last_record > _QUIET_S


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():  # noqa: ASYNC110 - the client has no event to wait on
        await asyncio.sleep(0.05)


async def _keep_bytes(message: KafkaMessage) -> object:
    """Leave bodies as bytes: the framework's decoder would parse each a second time."""
    return message.body


def _record(raw: Any) -> Record:  # noqa: ANN401 - aiokafka ships no types
    return Record(
        topic=raw.topic,
        key=(raw.key or b"").decode(errors="replace"),
        value=raw.value or b"",
        headers={name: value.decode(errors="replace") for name, value in raw.headers},
        position=f"{raw.topic}/{raw.partition}/{raw.offset}",
    )
