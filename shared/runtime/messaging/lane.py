"""Lane of the relay: publishes the messages of one topic, in the order of each key."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError

from shared.runtime.error_descriptions import describe_error
from shared.runtime.logs import get_logger
from shared.runtime.messaging.producer import concerns_topic, is_fenced, is_refusal, needs_renewal
from shared.runtime.metrics import PUBLISHED
from shared.runtime.store.database import Document
from shared.runtime.store.outbox_documents import unpack_messages

_HAND_OVER_S = 5.0
"""Timeout of handing one message to the producer, in seconds."""
_RETRY_AFTER_FAULT_S = 0.5
_RETRY_AFTER_TIMEOUT_S = 5.0
_RETRY_AFTER_REFUSAL_S = 30.0
"""Retry delays of a topic or a key, in seconds, by what stopped it."""
_log = get_logger(__name__)

Publish = Callable[[Document], Awaitable[Awaitable[object]]]
"""Hands a message to the producer, in order; returns an awaitable of the broker's answer."""

Renew = Callable[[], Awaitable[None]]
"""Replaces the producer: after a refusal its sequence numbers are out of order."""

Handed = tuple[Document, Awaitable[object]]


@dataclass(slots=True)
class Page:
    """Documents of one topic, and the outcomes of their messages."""

    documents: Sequence[Document]
    published: list[Document] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    @property
    def messages(self) -> Sequence[Document]:
        """Messages of all documents, sorted by stream and rank."""
        messages = (each for document in self.documents for each in unpack_messages(document))
        return sorted(messages, key=lambda each: (each["stream"], each["rank"]))

    @property
    def is_refused(self) -> bool:
        """Whether there are failures, and all are refusals, which no retry cures."""
        return bool(self.failures) and all(map(is_refusal, self.failures))

    @property
    def is_fenced(self) -> bool:
        """Whether another process publishes for this service now."""
        return any(map(is_fenced, self.failures))


class Lane:
    """Publishes the messages of one topic page by page, whatever becomes of other topics."""

    def __init__(self, topic: str, publish: Publish, renew: Renew) -> None:
        """Prepare; nothing is published yet."""
        self.topic = topic
        self.is_blocked = False
        """Whether the last page published nothing, though no refusal or back-off explains it; True
        also while a page is being published."""
        self._publish = publish
        self._renew = renew
        self._retry_at = 0.0
        self._postponed: dict[str, float] = {}

    @property
    def is_backing_off(self) -> bool:
        """Whether the whole topic waits for its retry delay."""
        return time.monotonic() < self._retry_at

    @property
    def postponed(self) -> Sequence[str]:
        """Keys that wait for their retry delay: the broker refuses their next message."""
        return list(self._postponed)

    def end_waits(self) -> None:
        """Retry the keys whose retry delay has passed. To be called just before a page is read.

        At any other moment the page would lack the oldest messages of such a key, and what follows
        would overtake them.
        """
        now = time.monotonic()
        self._postponed = {key: end for key, end in self._postponed.items() if end > now}

    def back_off(self, seconds: float = _RETRY_AFTER_FAULT_S) -> None:
        """Postpone the retry of the whole topic by `seconds`."""
        self._retry_at = max(self._retry_at, time.monotonic() + seconds)

    async def publish(self, page: Page) -> None:
        """Publish the messages of a page, and note their outcomes in it.

        A key stops at its first failure: its later messages are published again, after that one.
        """
        self.is_blocked = True
        handed = await self._hand_over(page)
        outcomes = await self._await_outcomes(handed)
        stopped: set[str] = set()
        retried: set[str] = set()
        for (message, _), first in zip(handed, outcomes, strict=True):
            key, outcome = message["key"], first
            if key in stopped:
                continue
            if key in retried or (is_refusal(first) and len(handed) > 1):
                # The broker refuses a whole batch for one record in it. Later messages of the key
                # may have been acknowledged already; published again, they come last.
                retried.add(key)
                outcome = await self._publish_alone(message)
            if isinstance(outcome, BaseException):
                stopped.add(key)
                self._postpone(message, outcome, page)
            else:
                page.published.append(message)
                PUBLISHED.labels(self.topic).inc()
        # A refusal (an absent topic) is no stall: an operator must act.
        self.is_blocked = not (page.published or page.is_refused or self.is_backing_off)
        if self.is_blocked:
            self.back_off()

    async def _publish_alone(self, message: Document) -> object:
        if self.is_backing_off:
            return TimeoutError()
        try:
            outcomes = await self._await_outcomes([(message, await self._submit(message))])
        except (KafkaError, TimeoutError) as error:
            return error
        return outcomes[0]

    async def _await_outcomes(self, handed: Sequence[Handed]) -> list[object]:
        """Wait for the broker's answers, and renew the producer when one of them calls for it."""
        outcomes = await asyncio.gather(
            *(acknowledged for _, acknowledged in handed), return_exceptions=True
        )
        if any(map(needs_renewal, outcomes)) and not any(map(is_fenced, outcomes)):
            await self._renew()
        return outcomes

    async def _hand_over(self, page: Page) -> list[Handed]:
        handed: list[Handed] = []
        stopped = set(self._postponed)
        for message in page.messages:
            if message["key"] in stopped:
                continue
            try:
                handed.append((message, await self._submit(message)))
            except (KafkaError, TimeoutError) as error:
                stopped.add(message["key"])
                self._postpone(message, error, page)
                if self.is_backing_off:
                    break
        return handed

    async def _submit(self, message: Document) -> Awaitable[object]:
        # Taken before readers can have the record: the log line of the publication shows it.
        message["sent_ns"] = time.time_ns()
        async with asyncio.timeout(_HAND_OVER_S):
            return await self._publish(message)

    def _postpone(self, message: Document, error: BaseException, page: Page) -> None:
        """Postpone a key that the broker refuses, or the whole topic when it is not available."""
        page.failures.append(error)
        if self.is_backing_off:
            return
        _log.error(
            "outbox.refused",
            topic=self.topic,
            key=message["key"],
            message=message["id"],
            error=describe_error(error),
        )
        if isinstance(error, TimeoutError):
            self.back_off(_RETRY_AFTER_TIMEOUT_S)
        elif concerns_topic(error):
            self.back_off(_RETRY_AFTER_REFUSAL_S)
        elif is_refusal(error):
            # A record refused for its old sequence number alone is not postponed: it is sent again
            # now.
            self._postponed[message["key"]] = time.monotonic() + _RETRY_AFTER_REFUSAL_S
