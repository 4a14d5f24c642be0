"""Outbox: messages are committed together with the state, then published by a relay.

After a crash between the broker's acknowledgement and the deletion, a message is published again;
consumers drop duplicates.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from aiokafka.errors import KafkaError

from shared.runtime.backoff import retry_forever, retry_transient
from shared.runtime.clock import Clock
from shared.runtime.facts.publications import log_publications
from shared.runtime.ids import measure_age_s
from shared.runtime.logs import get_logger
from shared.runtime.messaging.producer import concerns_topic, is_refusal, needs_renewal
from shared.runtime.metrics import OUTBOX_DEPTH, OUTBOX_OLDEST, PUBLISHED, REFUSED_KEYS
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import DeleteOne
from shared.runtime.store.lease import Lease

Publish = Callable[[Document], Awaitable[Awaitable[object]]]
"""Hands a row to the producer; returns an awaitable of the broker's acknowledgement."""

Renew = Callable[[], Awaitable[None]]
"""Replaces the producer, whose sequence numbers are out of order after a refusal."""

Key = tuple[str, str]
Handed = tuple[Document, Awaitable[object]]

_PAGE = 1000
_POLL_S = 0.5
_HAND_OVER_S = 5.0
_RETRY_AFTER_TIMEOUT_S = 5.0
_RETRY_AFTER_REFUSAL_S = 30.0
_STOP_S = 2.0
_MEASURED_EVERY_S = 1.0
_log = get_logger(__name__)


async def _keep_producer() -> None:
    """Do nothing: a producer that is not idempotent has no sequence numbers to renew."""


class Relay:
    """Publishes the outbox of a service, while this replica holds the lease."""

    def __init__(
        self, store: Store, publish: Publish, clock: Clock, renew: Renew = _keep_producer
    ) -> None:
        """Prepare a relay; `run` does the work."""
        self._store = store
        self._outbox = store.collection("outbox")
        self._publish = publish
        self._renew = renew
        self._blocked_since: float | None = None
        self._lease = Lease(store, "relay", clock)
        self._measured = 0.0
        self._postponed: dict[tuple[str, str | None], float] = {}
        """Keys and whole topics that are not retried before a moment, so that others can go on."""

    @property
    def stalled_s(self) -> float:
        """Seconds for which messages were waiting and none could be published; 0 otherwise.

        A row that the broker refuses for good is postponed and does not count.
        """
        since = self._blocked_since
        return 0.0 if since is None else time.monotonic() - since

    async def run(self) -> None:
        """Publish until cancelled."""
        try:
            while True:
                self._store.committed.clear()
                may_have_more = await retry_forever("relay", self._publish_next_page)
                await retry_forever("relay", self._measure)
                if not may_have_more:
                    await self._wait_for_commit()
        finally:
            # Otherwise a rolling restart would delay messages until the lease ends.
            with suppress(Exception):
                await asyncio.wait_for(self._lease.release(), _STOP_S)

    async def _wait_for_commit(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._store.committed.wait(), _POLL_S)

    async def _measure(self) -> None:
        if time.monotonic() > self._measured + _MEASURED_EVERY_S:
            OUTBOX_DEPTH.set(await self._outbox.estimated_document_count())
            oldest = await self._outbox.find_one({}, {"_id": 1}, sort=[("_id", 1)])
            OUTBOX_OLDEST.set(measure_age_s(oldest["_id"]) if oldest else 0)
            self._measured = time.monotonic()

    async def _publish_next_page(self) -> bool:
        """Publish a page of rows while the lease is held. True when there may be more rows."""
        if not await self._lease.hold():
            self._blocked_since = None
            return False
        work = asyncio.create_task(self._publish_page())
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=self._lease.renewal_s)
                if not await self._lease.hold():
                    _log.warning("relay.lease_lost")
                    work.cancel()
                    return False
            return work.result()
        finally:
            # Rows handed over will be published: leave time to delete them.
            await asyncio.wait({work}, timeout=_STOP_S)
            work.cancel()
            # When `work` was replacing the producer, let it close the old one before the broker
            # client stops.
            await asyncio.wait({work}, timeout=_STOP_S)

    async def _publish_page(self) -> bool:
        rows = await self._store.transaction(self._read_page)
        if not rows:
            self._blocked_since = None
        elif self._blocked_since is None:
            self._blocked_since = time.monotonic()
        published = await self._publish_in_order(rows)
        REFUSED_KEYS.set(sum(key is not None for _, key in self._postponed))
        if published:
            self._blocked_since = None
            await retry_transient(
                "relay", lambda: self._store.transaction(lambda tx: self._delete(tx, published))
            )
        elif rows:
            # Another replica may reach the broker although this one does not.
            await self._lease.release()
        return len(rows) == _PAGE and bool(published)

    async def _delete(self, transaction: Transaction, published: Sequence[str]) -> None:
        # One command, one commit. Not by $in: SecantusDB's time grows with the square of its length
        await transaction.collection("outbox").bulk_write(
            [DeleteOne({"_id": each}) for each in published],
            ordered=False,
            session=transaction.session,
        )

    async def _read_page(self, transaction: Transaction) -> Sequence[Document]:
        """Read the oldest rows in one snapshot, without the postponed keys and topics."""
        now = time.monotonic()
        self._postponed = {each: end for each, end in self._postponed.items() if end > now}
        others = [
            {"topic": topic} | ({} if key is None else {"key": key})
            for topic, key in self._postponed
        ]
        rows = transaction.collection("outbox").find(
            {"$nor": others} if others else {}, session=transaction.session
        )
        page: list[Document] = await rows.sort("_id", 1).limit(_PAGE).to_list(_PAGE)
        # Ids follow the clocks of several replicas; ranks follow the order of the store.
        return sorted(page, key=lambda row: (row["topic"], row["stream"], row["rank"]))

    async def _publish_in_order(self, rows: Sequence[Document]) -> list[str]:
        """Publish `rows`; return the ids of those to delete.

        A key stops at its first failure: its later rows are published again after the failed one.
        """
        handed = await self._hand_over(rows)
        outcomes = await self._await_outcomes(handed)
        stopped: set[Key] = set()
        retried: set[Key] = set()
        failed = []
        published: list[Document] = []
        for (row, _), first in zip(handed, outcomes, strict=True):
            key, outcome = _build_key(row), first
            if key in stopped:
                continue
            if key in retried or (is_refusal(first) and len(handed) > 1):
                # The broker refuses a whole batch for one record in it. Later rows of the key may
                # have passed already: they are sent again, so that they come last on their topic.
                retried.add(key)
                outcome = await self._publish_alone(row)
            if isinstance(outcome, BaseException):
                stopped.add(self._postpone(row, outcome))
                failed.append(outcome)
            else:
                published.append(row)
                PUBLISHED.labels(row["topic"]).inc()
        if failed and all(map(is_refusal, failed)):
            self._blocked_since = None
        log_publications(self._store.service, published)
        return [row["_id"] for row in published]

    async def _publish_alone(self, row: Document) -> object:
        handed = await self._hand_over([row])
        (outcome,) = await self._await_outcomes(handed) or [TimeoutError()]
        return outcome

    async def _await_outcomes(self, handed: Sequence[Handed]) -> list[object]:
        """Wait for the broker's answers, and renew the producer when one of them requires it."""
        outcomes = await asyncio.gather(
            *(acknowledged for _, acknowledged in handed), return_exceptions=True
        )
        if any(map(needs_renewal, outcomes)):
            await self._renew()
        return outcomes

    async def _hand_over(self, rows: Sequence[Document]) -> list[Handed]:
        handed: list[Handed] = []
        stopped: set[Key] = set()
        for row in rows:
            postponed = {_build_key(row), (row["topic"], None)}
            if _build_key(row) in stopped or not self._postponed.keys().isdisjoint(postponed):
                continue
            try:
                # Before its readers can have it: the line of its publication says this time.
                row["sent_ns"] = time.time_ns()
                async with asyncio.timeout(_HAND_OVER_S):
                    handed.append((row, await self._publish(row)))
            except (KafkaError, TimeoutError) as error:
                stopped.add(self._postpone(row, error))
        return handed

    def _postpone(self, row: Document, error: BaseException) -> Key:
        """Postpone a key that the broker refuses, or a whole topic that is not available."""
        key = _build_key(row)
        _log.error("outbox.refused", topic=key[0], key=key[1], row=row["_id"], error=repr(error))
        if isinstance(error, TimeoutError):
            self._postponed[key[0], None] = time.monotonic() + _RETRY_AFTER_TIMEOUT_S
        elif concerns_topic(error):
            self._postponed[key[0], None] = time.monotonic() + _RETRY_AFTER_REFUSAL_S
        elif is_refusal(error):
            # Rows refused only for an old sequence number are not postponed: they go at once.
            self._postponed[key] = time.monotonic() + _RETRY_AFTER_REFUSAL_S
        return key


def _build_key(row: Document) -> Key:
    return row["topic"], row["key"]
