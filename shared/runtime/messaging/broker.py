"""Broker client of a service, through FastStream: consumer groups, offsets, readiness.

Messages are acknowledged by hand, after the transaction, and only in this module: the defaults of
the framework would lose messages (see docs/choices.md).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from faststream.kafka.message import KafkaAckableMessage

from shared.contracts.topics import TOPIC_MAX_BYTES, Topic
from shared.runtime.backoff import retry_forever
from shared.runtime.error_descriptions import describe_error
from shared.runtime.logs import get_logger
from shared.runtime.messaging import fetcher_patch
from shared.runtime.messaging.consumer import WatchedConsumer
from shared.runtime.messaging.decompression import find_unread_reason
from shared.runtime.messaging.parsing import Record
from shared.runtime.messaging.producer import Producer
from shared.runtime.metrics import CONSUMER_LAG, ODD_HEADERS, POLL_AGE
from shared.runtime.settings import RuntimeSettings
from shared.runtime.store.database import Document
from shared.vocabulary.sizes import MEGABYTE

_CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
_POLL_MS = 20
"""Time for which a poll waits for records, in milliseconds."""
_SESSION_MS = 10_000
"""Session timeout: a member silent for so many milliseconds loses its partitions to others."""
FETCH_BYTES = 8 * MEGABYTE
"""Size limit of one answer of the broker, all partitions together."""
_METADATA_MAX_AGE_MS = 30_000
"""Refresh interval of metadata, in milliseconds: a topic created late is read after this time at
most; the client's default is 5 minutes."""
STOP_S = 5.0
"""Grace period of work in progress at stop, in seconds."""
_PING_S = 2.0
"""Timeout of the question whether the broker answers, in seconds."""
_UNASSIGNED_S = 10.0
"""Time for which a member may lack the partitions of a topic before it is said, in seconds."""
QUIET_S = 1.0
"""Seconds without a record after which topics count as read, if end offsets are not reliable."""
_CHECK_PAUSE_S = 0.05
"""Polling interval of conditions that have no event, in seconds."""
_log = get_logger(__name__)
fetcher_patch.install_patch()


class BatchProcessor(Protocol):
    """Processes batches of records: an inbox or a projection."""

    async def process(self, records: Sequence[Record]) -> None:
        """Process a batch; return once its offsets may be committed."""


class Broker:
    """Connection of a service to Kafka."""

    def __init__(self, service: str, settings: RuntimeSettings) -> None:
        """Prepare the connection; `start` opens it."""
        self._service = service
        self._settings = settings
        self._kafka = KafkaBroker(
            settings.kafka.split(","),
            client_id=service,
            # We publish through our own `Producer`, which can be renewed.
            consumer_only=True,
            allow_auto_create_topics=False,
            metadata_max_age_ms=_METADATA_MAX_AGE_MS,
            graceful_timeout=STOP_S,
            logger=_log,
            # The framework logs two lines a batch at this level; errors keep theirs.
            log_level=logging.DEBUG,
        )
        self._producer = Producer(service, f"{settings.namespace}{service}-relay", settings)
        self._admin: AIOKafkaAdminClient | None = None
        self._groups: list[ConsumerGroup] = []

    def subscribe(self, suffix: str, processors: Mapping[Topic, BatchProcessor]) -> "ConsumerGroup":
        """Consume the topics of `processors` as one member of the group `<service><suffix>`."""
        if any(group.name == f"{self._service}{suffix}" for group in self._groups):
            # Two members of one group with different topics would take each other's partitions.
            raise ValueError(
                f"the group {self._service}{suffix} is subscribed already: name all "
                "of its topics at once"
            )
        group = ConsumerGroup(self._kafka, f"{self._service}{suffix}", processors, self._settings)
        self._groups.append(group)
        return group

    async def start(self) -> None:
        """Connect and join the consumer groups in parallel. Returns when all have joined."""
        await retry_forever("broker", self._connect)
        await asyncio.gather(*(retry_forever("broker", group.start) for group in self._groups))

    async def _connect(self) -> None:
        try:
            await self._kafka.connect()
            config: Any = self._kafka.config.broker_config
            config.builder = partial(WatchedConsumer, **config.builder.keywords)
            self._admin = AIOKafkaAdminClient(
                bootstrap_servers=self._settings.kafka.split(","), client_id=self._service
            )
            await self._admin.start()
        except BaseException:
            # The next attempt would leave a half-open connection behind.
            await self._disconnect()
            raise

    async def stop(self) -> None:
        """Disconnect when work in progress is processed and published, or after a timeout."""
        try:
            async with asyncio.timeout(2 * STOP_S):
                await self._disconnect()
        except TimeoutError:
            _log.warning("broker.left_behind", service=self._service)

    async def _disconnect(self) -> None:
        # Each is closed, also when the one before fails or is cancelled.
        async with AsyncExitStack() as closings:
            if self._admin is not None:
                closings.push_async_callback(self._admin.close)
            closings.push_async_callback(self._producer.stop)
            closings.push_async_callback(self._kafka.stop)

    async def publish(self, message: Document) -> Awaitable[object]:
        """Send a message of the outbox; the awaitable returned is done once it is acknowledged.

        Raises ProducerClosed before `renew_producer`, and after `abandon_producer`.
        """
        headers = {"content-type": _CONTENT_TYPE, **dict(message["headers"])}
        topic = self._settings.namespace + message["topic"]
        return await self._producer.send(topic, message["key"], message["value"], headers.items())

    async def renew_producer(self) -> None:
        """Start a new producer; the broker then refuses records of the earlier ones (fencing).

        This holds for the producers of all replicas of the service.
        """
        await self._producer.renew()

    async def abandon_producer(self) -> None:
        """Close the producer: what the broker does not have yet is never sent."""
        await self._producer.abandon()

    async def is_connected(self) -> bool:
        """Tell whether the broker answers within a timeout."""
        if self._admin is None:
            return False
        try:
            await asyncio.wait_for(self._admin.describe_cluster(), _PING_S)
        except (KafkaError, TimeoutError, OSError):
            return False
        return True

    def find_stalled_groups(self, longest_s: float) -> list[str]:
        """List the consumer groups without a successful poll for longer than `longest_s`."""
        return [group.name for group in self._groups if group.poll_age_s > longest_s]

    async def find_unread_topics(self) -> list[str]:
        """List the topics whose partitions no member of a consumer group has, as after a deletion.

        A topic made again is read within the refresh interval of metadata, 30 s.
        """
        if self._admin is None:
            return []
        return [topic for group in self._groups for topic in await group.find_unread(self._admin)]


class ConsumerGroup(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """One member of a consumer group: processes batches by topic, then commits their offsets."""

    def __init__(
        self,
        kafka: KafkaBroker,
        name: str,
        processors: Mapping[Topic, BatchProcessor],
        settings: RuntimeSettings,
    ) -> None:
        """Declare the consumer; it starts with `start`."""
        self.name = name
        self._processors = {
            settings.namespace + topic.name: each for topic, each in processors.items()
        }
        self._is_end_reliable = settings.end_offsets_reliable
        self._last_record = 0.0
        self._joined = asyncio.Event()
        self._unassigned: dict[str, float] = {}
        """Topics of which this member has no partition, each with the moment since when."""
        self._group_id = settings.namespace + name
        self._subscriber = kafka.subscriber(
            *self._processors,
            group_id=self._group_id,
            batch=True,
            max_records=settings.max_batch,
            batch_timeout_ms=_POLL_MS,
            auto_offset_reset="earliest",
            session_timeout_ms=_SESSION_MS,
            max_partition_fetch_bytes=TOPIC_MAX_BYTES,
            fetch_max_bytes=FETCH_BYTES,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            listener=self,
            parser=self._parse,
            decoder=_keep_bytes,
        )
        self._subscriber(self._consume)
        POLL_AGE.labels(name).set_function(lambda: self.poll_age_s)
        if settings.end_offsets_reliable:
            for topic in self._processors:
                CONSUMER_LAG.labels(name, topic).set_function(partial(self._measure_lag, topic))

    @property
    def poll_age_s(self) -> float:
        """Seconds since the last successful poll, processing time included; 0 before `start`.

        While polls fail: since the first failed one.
        """
        consumer = self._subscriber.consumer
        if not isinstance(consumer, WatchedConsumer):
            return 0.0
        return time.monotonic() - consumer.last_good_poll

    def _measure_lag(self, topic: str) -> float:
        consumer = self._subscriber.consumer
        return consumer.measure_lag(topic) if isinstance(consumer, WatchedConsumer) else 0.0

    async def start(self) -> None:
        """Join the group."""
        try:
            await self._subscriber.start()
        except BaseException:
            # Otherwise this consumer would stay a member, and keep partitions that nobody reads.
            await self._subscriber.stop()
            raise

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Do nothing at a rebalance: a batch in progress may still be committed in the store."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note that the group has been joined, and of which topics it got no partition."""
        self._joined.set()
        now = time.monotonic()
        unassigned = self._processors.keys() - {partition.topic for partition in assigned}
        self._unassigned = {topic: self._unassigned.get(topic, now) for topic in unassigned}

    async def find_unread(self, admin: AIOKafkaAdminClient) -> list[str]:
        """List the topics of which no member of the group has partitions, for some seconds.

        A member more than there are partitions gets none: the others are asked about.
        """
        now = time.monotonic()
        lacking = {each for each, at in self._unassigned.items() if now - at > _UNASSIGNED_S}
        if lacking:
            with suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(_PING_S):
                    lacking -= await _find_assigned_topics(admin, self._group_id)
        return sorted(lacking)

    async def _parse(self, records: tuple[Any, ...]) -> KafkaMessage:
        """Wrap a batch as it is: the framework's parser would drop it for one malformed header."""
        return KafkaAckableMessage(
            raw_message=records, body=b"", consumer=self._subscriber.consumer
        )

    async def _consume(self, message: KafkaMessage) -> None:
        # Never raise, except when cancelled: the acknowledgement of the next batch would include
        # this one.
        self._last_record = asyncio.get_running_loop().time()
        by_topic: dict[str, list[Record]] = {}
        for record in message.raw_message:
            by_topic.setdefault(record.topic, []).append(read_record(record))
        for topic, batch in by_topic.items():
            await self._process(topic, batch)
        try:
            await message.ack()
        except KafkaError as error:
            # Another member has the partitions now: their records come again, to no effect.
            _log.warning("offsets.not_committed", group=self.name, error=describe_error(error))

    async def _process(self, topic: str, batch: Sequence[Record]) -> None:
        await retry_forever(f"take.{topic}", lambda: self._processors[topic].process(batch))

    async def wait_until_caught_up(self) -> None:
        """Wait until the group has committed the end offsets that its topics had at the call.

        The whole group counts, not this member: replicas share the partitions and the projection.
        Where end offsets are not reliable, wait until no record has come for a second instead.
        """
        await self._joined.wait()
        if not self._is_end_reliable:
            self._last_record = max(self._last_record, asyncio.get_running_loop().time())
            await _wait_until(self._is_quiet)
            return
        consumer = self._subscriber.consumer
        if consumer is None:
            raise ConnectionError(f"group {self.name} is not joined")
        partitions = [
            TopicPartition(topic, partition)
            for topic in self._processors
            for partition in consumer.partitions_for_topic(topic) or ()
        ]
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)

        async def is_past_ends() -> bool:
            for partition, end in ends.items():
                taken = await consumer.committed(partition)
                if end > (starts[partition] if taken is None else taken):
                    return False
            return True

        await _wait_until(is_past_ends)

    async def _is_quiet(self) -> bool:
        return asyncio.get_running_loop().time() - self._last_record > QUIET_S


async def _wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():  # noqa: ASYNC110 - the client has no event to wait on
        await asyncio.sleep(_CHECK_PAUSE_S)


async def _find_assigned_topics(admin: AIOKafkaAdminClient, group_id: str) -> set[str]:
    """Find the topics of which a member of a consumer group has partitions."""
    answers = await admin.describe_consumer_groups([group_id])
    assignments = [
        ConsumerProtocolMemberAssignment.decode(member[4])
        for answer in answers
        for group in answer.groups
        for member in group[5]
        if member[4]
    ]
    return {part.topic for each in assignments for part in each.partitions()}


async def _keep_bytes(message: KafkaMessage) -> object:
    """Return the body as bytes: the framework's decoder would parse each one a second time."""
    return message.body


def read_record(raw: Any) -> Record:  # noqa: ANN401 - aiokafka ships no types
    """Convert a record that aiokafka fetched. Never raises, whatever the record holds."""
    position = f"{raw.topic}/{raw.partition}/{raw.offset}"
    if any(isinstance(name, fetcher_patch.InvalidUtf8Name) for name, _ in raw.headers):
        ODD_HEADERS.labels(raw.topic).inc()
        _log.warning("record.odd_header_name", position=position)
    return Record(
        topic=raw.topic,
        key=(raw.key or b"").decode(errors="replace"),
        value=raw.value or b"",
        headers={str(name): (value or b"").decode(errors="replace") for name, value in raw.headers},
        position=position,
        fault=find_unread_reason(raw.headers),
        is_null=raw.value is None,
    ).truncate()
