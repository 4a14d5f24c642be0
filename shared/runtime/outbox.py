"""The outbox: messages committed with the state they tell of, then published by a relay.

A crash between the broker's acknowledgement and the deletion publishes again; consumers drop what
they have seen.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from shared.runtime.backoff import wait_out
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.logs import get_logger
from shared.runtime.metrics import OUTBOX_DEPTH, PUBLISHED
from shared.runtime.store import Document, Store

Publish = Callable[[Document], Awaitable[Awaitable[object]]]
"""Hands a row to the producer, in order, and gives what resolves when the broker has it."""

_PAGE = 1000
_SWEEP_S = 0.5
_LEASE_S = 5.0
_log = get_logger(__name__)


class Relay:
    """Publishes a service's outbox. Of the replicas of a service, the one with the lease works."""

    def __init__(self, store: Store, publish: Publish, clock: Clock) -> None:
        """Prepare a relay; `run` does the work."""
        self._store = store
        self._publish = publish
        self._clock = clock
        self._holder = new_id()
        self._lease_ends = 0.0

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            self._store.committed.clear()
            sent = await wait_out("relay", self._turn)
            if sent < _PAGE:
                try:
                    await asyncio.wait_for(self._store.committed.wait(), _SWEEP_S)
                except TimeoutError:
                    OUTBOX_DEPTH.set(
                        await self._store.collection("outbox").estimated_document_count()
                    )

    async def _turn(self) -> int:
        if not await self._has_lease():
            return 0
        rows = await self._store.collection("outbox").find().sort("_id", 1).to_list(_PAGE)
        if not rows:
            return 0
        published = await self._publish_in_order(rows)
        await self._store.collection("outbox").delete_many({"_id": {"$in": published}})
        return len(published)

    async def _publish_in_order(self, rows: Sequence[Document]) -> list[str]:
        """Publish `rows` and give the ids of those to delete.

        A key stops at its first failure: what follows it on that key is published again, behind it.
        """
        acknowledgements = [await self._publish(row) for row in rows]
        results = await asyncio.gather(*acknowledgements, return_exceptions=True)
        stopped: set[tuple[str, str]] = set()
        published = []
        for row, result in zip(rows, results, strict=True):
            stream = (row["topic"], row["key"])
            if isinstance(result, BaseException):
                _log.warning("outbox.refused", topic=row["topic"], error=repr(result))
                stopped.add(stream)
            if stream not in stopped:
                published.append(row["_id"])
                PUBLISHED.labels(row["topic"]).inc()
        return published

    async def _has_lease(self) -> bool:
        """Hold or renew the lease; a third of it is left when it is renewed."""
        asked = time.monotonic()
        if asked < self._lease_ends - _LEASE_S / 3:
            return True
        now = self._clock()
        try:
            await self._store.collection("leases").find_one_and_update(
                {"_id": "relay", "$or": [{"holder": self._holder}, {"until": {"$lt": now}}]},
                {"$set": {"holder": self._holder, "until": now + timedelta(seconds=_LEASE_S)}},
                upsert=True,
            )
        except DuplicateKeyError:
            self._lease_ends = 0.0
            return False
        self._lease_ends = asked + _LEASE_S
        return True
