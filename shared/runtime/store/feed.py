"""Feed of a collection: its documents in the order of marks, which a reader goes on from.

A document has no mark when it is written. Once it has committed, the feed gives it the next one.
So nothing appears any more below a mark that was given: whatever commits later gets a higher one.
A writer that replaces a document takes its mark away, and the change gets a newer one.

Numbers drawn inside the transactions that write would not do: of two that run at once the second
may commit first, and a reader that has seen its number would never look for the other.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from shared.runtime.backoff import retry_forever
from shared.runtime.metrics import FEED_WAITING
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import ReturnDocument, UpdateOne
from shared.runtime.store.lease import Lease

COUNTERS = "feeds"
"""Collection of the last mark of each feed."""
_TOGETHER = 100
"""Limit of the documents that one transaction numbers."""
_STOP_S = 2.0
"""Timeout of the release of the lease at stop, in seconds."""
_POLL_S = 0.3
"""Interval of the search for documents that another process has written, in seconds."""
_COUNTED = 1000
"""Up to so many documents without a mark are counted for the gauge."""

Extend = Callable[[Transaction, Sequence[Document]], Awaitable[Sequence[Document]]]
"""Returns the documents to number, in their order, of those that have no mark."""
Handle = Callable[[Transaction, Sequence[Document]], Awaitable[None]]
"""Handles numbered documents in the transaction that gives them their marks."""


async def _keep(_: Transaction, found: Sequence[Document]) -> Sequence[Document]:
    return found


async def _ignore(_: Transaction, __: Sequence[Document]) -> None:
    return


def name_feed(collection: str, field: str = "mark") -> str:
    """Name the feed of a collection by one of its fields."""
    return collection if field == "mark" else f"{collection}.{field}"


class Feed:
    """Feed of one collection."""

    def __init__(
        self,
        store: Store,
        collection: str,
        *,
        field: str = "mark",
        order: str = "_id",
        extend: Extend = _keep,
        handle: Handle = _ignore,
    ) -> None:
        """Number the documents of a collection.

        Args:
            store: the database of the service.
            collection: its name.
            field: the field of a mark; a document without it, or with null, has none.
            order: the field by which documents that wait are taken, lowest first.
            extend: may put other documents before those that wait.
            handle: what happens to documents together with their marks.
        """
        self.name = name_feed(collection, field)
        """Key under which the store's notifier wakes this feed: see `Transaction.notified`."""
        self._store = store
        self._documents = store.collection(collection)
        self._counters = store.collection(COUNTERS)
        self._collection = collection
        self._field, self._order = field, order
        self._extend, self._handle = extend, handle

    async def prepare(self) -> None:
        """Create the index by which documents without a mark are found."""
        await self._documents.create_index([(self._field, 1), (self._order, 1)])

    async def find_last(self) -> int:
        """Find the last mark. All documents up to it can be read, as their writes are committed."""
        counter = await self._counters.find_one({"_id": self.name})
        return int(counter["last"]) if counter else 0

    async def hold(self, transaction: Transaction) -> int:
        """Find the last mark, and number nothing beside this transaction.

        What it writes is known to the handler of every later mark, and of no earlier one.
        """
        counter = await transaction.collection(COUNTERS).find_one_and_update(
            {"_id": self.name},
            {"$inc": {"turns": 1}, "$setOnInsert": {"last": 0}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=transaction.session,
        )
        return int(counter["last"])

    async def run(self) -> None:
        """Number what commits, until cancelled; one replica at a time, by a lease.

        The lease spares conflicts alone: two that number at once do no harm.
        """
        lease = Lease(self._store, f"feed.{self.name}")

        async def number_as_holder() -> int:
            return await self.number_some() if await lease.hold() else 0

        try:
            with self._store.notifier.subscribe(self.name) as woken:
                while True:
                    # Cleared before the search: a commit in between sets it again.
                    woken.clear()
                    if not await retry_forever(f"feed.{self.name}", number_as_holder):
                        await _wait(woken)
        finally:
            with suppress(Exception):
                await asyncio.wait_for(lease.release(), _STOP_S)

    async def number_some(self) -> int:
        """Number some of the documents that wait. Returns how many got a mark."""
        if await self._documents.find_one({self._field: None}, {"_id": 1}) is None:
            return 0
        return await self._store.transaction(self._number)

    async def measure(self) -> None:
        """Refresh the gauge of documents that wait for a mark."""
        waiting = await self._documents.count_documents({self._field: None}, limit=_COUNTED)
        FEED_WAITING.labels(self.name).set(waiting)

    async def _number(self, transaction: Transaction) -> int:
        last = await self.hold(transaction)
        documents, session = transaction.collection(self._collection), transaction.session
        waiting = documents.find({self._field: None}, session=session).sort(self._order, 1)
        found = await self._extend(transaction, await waiting.limit(_TOGETHER).to_list(None))
        if not found:
            return 0
        marked = [
            {**document, self._field: last + rank} for rank, document in enumerate(found, start=1)
        ]
        await documents.bulk_write(
            [
                UpdateOne({"_id": each["_id"]}, {"$set": {self._field: each[self._field]}})
                for each in marked
            ],
            ordered=False,
            session=session,
        )
        await transaction.collection(COUNTERS).update_one(
            {"_id": self.name}, {"$set": {"last": last + len(marked)}}, session=session
        )
        await self._handle(transaction, marked)
        return len(marked)


async def _wait(woken: asyncio.Event) -> None:
    with suppress(TimeoutError):
        # With jitter: replicas that started together must not search together.
        async with asyncio.timeout(_POLL_S * random.uniform(0.5, 1)):  # noqa: S311
            await woken.wait()
