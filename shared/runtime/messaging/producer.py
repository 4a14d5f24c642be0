"""Idempotent producer of a service, fenced by its epoch: a deposed replica publishes no more."""

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTopicError,
    KafkaError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    TopicAuthorizationFailedError,
    UnknownProducerId,
)

from shared.contracts.topics import DEAD_LETTERS_MAX_BYTES
from shared.runtime.logs import get_logger
from shared.runtime.settings import RuntimeSettings

_BATCH_BYTES = 256 * 1024
"""Size limit of a batch of records."""
_STOP_S = 5.0
"""Grace period of records in progress at stop, in seconds."""
_PRODUCER_FAULTS = (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)
_TOPIC_FAULTS = (ClusterAuthorizationFailedError, InvalidTopicError, TopicAuthorizationFailedError)
_log = get_logger(__name__)


def is_refusal(outcome: object) -> bool:
    """Tell whether the broker refuses a record itself, not its whole topic, for good.

    Neither a retry nor a new producer can help.
    """
    return (
        isinstance(outcome, KafkaError)
        and not outcome.retriable
        and not _is_producer_fault(outcome)
        and not concerns_topic(outcome)
    )


def concerns_topic(outcome: object) -> bool:
    """Tell whether the broker refuses every record of a topic."""
    return isinstance(outcome, _TOPIC_FAULTS)


def is_fenced(outcome: object) -> bool:
    """Tell whether a producer of a later epoch has written: another process publishes now."""
    return isinstance(outcome, ProducerFenced | InvalidProducerEpoch)


def needs_renewal(outcome: object) -> bool:
    """Tell whether the producer that got this answer must be replaced.

    aiokafka gives a record its sequence number before the broker answers. After a refusal that is
    not retriable, the broker sees every later record of that partition as out of order.
    """
    return isinstance(outcome, KafkaError) and not outcome.retriable


def _is_producer_fault(error: KafkaError) -> bool:
    # aiokafka ends its sender with a plain KafkaError.
    return isinstance(error, _PRODUCER_FAULTS) or type(error) is KafkaError


class Producer:
    """Sends records to the broker, and fences the earlier producers of its service.

    All replicas of a service share one transactional id. The broker gives an epoch to each producer
    that starts with it, and refuses a record of an older epoch on every partition where the newer
    one has written. Nothing is sent in a transaction: one refused record would abort all others.
    """

    def __init__(self, client_id: str, transactional_id: str, settings: RuntimeSettings) -> None:
        """Prepare; `renew` connects."""
        self._client_id = client_id
        self._transactional_id = transactional_id
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        # One renewal at a time: of two, the one with the older epoch might end last.
        self._renewing = asyncio.Lock()

    async def send(
        self, topic: str, key: str, value: bytes, headers: Iterable[tuple[str, str]]
    ) -> Awaitable[object]:
        """Send a record; the awaitable returned is done once the broker has acknowledged it.

        Raises KafkaError when the record cannot be queued: too large, topic unknown or forbidden,
        timeout; ProducerClosed before `renew`, and after `stop` or `abandon`.
        """
        if self._producer is None:
            raise ProducerClosed
        acknowledged: asyncio.Future[object] = await self._producer.send(
            topic,
            value,
            key.encode(),
            headers=[(name, text.encode()) for name, text in headers],
        )
        return acknowledged

    async def renew(self) -> None:
        """Replace the producer by one of a later epoch, whose sequence numbers start again.

        The old one may finish what was sent with it, within a timeout.
        """
        async with self._renewing:
            started = await self._start()
            old, self._producer = self._producer, started
        _log.info("producer.renewed", epoch=_read_epoch(started))
        if old is not None:
            await _stop(old)

    async def _start(self) -> AIOKafkaProducer:
        is_idempotent = self._settings.idempotent_producer
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka.split(","),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=is_idempotent,
            transactional_id=self._transactional_id if is_idempotent else None,
            max_batch_size=_BATCH_BYTES,
            max_request_size=DEAD_LETTERS_MAX_BYTES,
        )
        try:
            await producer.start()
        except BaseException:
            await _stop(producer)
            raise
        if is_idempotent:
            # The producer has its epoch. Without this id, aiokafka sends outside transactions.
            producer._txn_manager.transactional_id = None  # noqa: SLF001
        return producer

    async def stop(self) -> None:
        """Finish what was sent, within a timeout, and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def abandon(self) -> None:
        """Disconnect at once: what the broker does not have yet is never sent."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _abandon(producer)


def _read_epoch(producer: AIOKafkaProducer) -> int | None:
    state = producer._txn_manager  # noqa: SLF001 - no public name for it
    return None if state is None else state.producer_epoch


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stop a producer within a timeout, even when the broker is away or the task is cancelled."""
    is_stopped = False
    try:
        with suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(_STOP_S):
                await producer.stop()
            is_stopped = True
    finally:
        if not is_stopped:
            await _abandon(producer)


async def _abandon(producer: AIOKafkaProducer) -> None:
    # Otherwise the producer would send its records when the broker is back, out of order with those
    # of the next producer. Nothing is lost: the outbox has them all.
    producer._closed = True  # noqa: SLF001 - or it would warn that nobody stopped it
    sending = producer._sender.sender_task  # noqa: SLF001 - its own `stop` waits for the broker
    if sending is not None:
        sending.cancel()
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001
    await producer.client.close()
