"""Projections of compacted topics: whole states, idempotent by version, so they need no order."""

from collections.abc import Iterable, Sequence

from pymongo import ReplaceOne

from shared.contracts.topics import Topic
from shared.runtime.backoff import wait_out
from shared.runtime.clock import Clock
from shared.runtime.handler import Handler
from shared.runtime.held import Held
from shared.runtime.isolation import isolate
from shared.runtime.ledger import Ledger
from shared.runtime.logs import get_logger
from shared.runtime.metrics import MESSAGES
from shared.runtime.reading import Incoming, Reader, Record
from shared.runtime.store import Document, Store, Transaction

_log = get_logger(__name__)


class Projection:
    """Takes the records of one compacted topic for one service.

    The handler keeps a state only when its version is newer than the one it has. What cannot be
    projected waits for an operator, as in an inbox, but holds nothing back: the next version of the
    same key makes up for it.
    """

    def __init__(self, store: Store, topic: Topic, handler: Handler, clock: Clock) -> None:
        """Prepare a projection; `take` and `sweep` do the work."""
        self._store = store
        self._topic = topic
        self._handler = handler
        self._reader = Reader(topic, is_sequenced=False)
        self._ledger = Ledger(store, topic, clock)
        self._held = Held(store, topic, self._ledger, self._reader, handler)

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._ledger.prepare()

    async def sweep(self) -> None:
        """Carry out what operators asked for."""
        await self._held.sweep()

    async def take(self, records: Sequence[Record]) -> None:
        """Project every record, durably. Returns when offsets may be committed."""
        batch = [self._reader.read(record) for record in records]
        known = [message for message in batch if not message.is_unknown]
        MESSAGES.labels(self._topic.name, "unknown").inc(len(batch) - len(known))
        if known:
            await isolate(known, self._commit, self._bury)

    async def _commit(self, batch: Sequence[Incoming]) -> None:
        dead = await wait_out(
            self._topic.name,
            lambda: self._store.transaction(
                lambda transaction: self._carry_out(transaction, batch)
            ),
        )
        MESSAGES.labels(self._topic.name, "applied").inc(sum(not each.fault for each in batch))
        MESSAGES.labels(self._topic.name, "dead").inc(len(dead))
        for message in dead:
            _log.error("message.dead", reason=message.fault, **message.ids)

    async def _carry_out(
        self, transaction: Transaction, batch: Sequence[Incoming]
    ) -> list[Incoming]:
        events = [message.event for message in batch if message.event is not None]
        if events:
            await self._handler(transaction, events)
        dead = {message.id: message for message in batch if message.fault is not None}
        if dead:
            seen = await self._ledger.seen(transaction, list(dead.values()))
            dead = {each: message for each, message in dead.items() if each not in seen}
            await self._ledger.enter(transaction, "dead", list(dead.values()))
        return list(dead.values())

    async def _bury(self, message: Incoming, reason: str) -> None:
        await self._commit([message.failed(reason)])


async def keep_newest(transaction: Transaction, collection: str, told: Iterable[Document]) -> None:
    """Keep each state that is newer than the one of its `_id` that is there, by `version`."""
    rows = list(told)
    found = transaction.collection(collection).find(
        {"_id": {"$in": list({row["_id"] for row in rows})}},
        {"version": 1},
        session=transaction.session,
    )
    known = {row["_id"]: row["version"] async for row in found}
    newer: dict[str, Document] = {}
    for row in rows:
        if row["version"] > known.get(row["_id"], -1):
            known[row["_id"]] = row["version"]
            newer[row["_id"]] = row
    if newer:
        await transaction.collection(collection).bulk_write(
            [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in newer.values()],
            ordered=False,
            session=transaction.session,
        )
