"""The inbox: each message has one effect, in the order of its dossier.

An entry is written in the transaction of the effects. Per dossier and topic a stream remembers the
next rank: what comes early is parked, what was seen is dropped, and a dead letter holds back what
follows it in its dossier, and nothing else, until an operator replays or discards it.
"""

from collections.abc import Sequence
from functools import partial

from shared.contracts.topics import Topic
from shared.runtime.backoff import wait_out
from shared.runtime.clock import Clock
from shared.runtime.errors import NotYetError
from shared.runtime.logs import get_logger
from shared.runtime.messaging.handler import Handler
from shared.runtime.messaging.held import Held
from shared.runtime.messaging.inbox_store import Ledger
from shared.runtime.messaging.isolation import bury, isolate
from shared.runtime.messaging.outcomes import Fates, decide_fates
from shared.runtime.messaging.parsing import Incoming, Reader, Record
from shared.runtime.metrics import BATCH_SECONDS, MESSAGES
from shared.runtime.store.database import Store, Transaction

__all__ = ["Handler", "Inbox"]
_log = get_logger(__name__)


class Inbox:
    """Takes the records of one sequenced topic for one service."""

    def __init__(self, store: Store, topic: Topic, handler: Handler, clock: Clock) -> None:
        """Prepare an inbox; `take` and `sweep` do the work."""
        self._store = store
        self._topic = topic
        self._handler = handler
        self._reader = Reader(topic, is_sequenced=True)
        self._ledger = Ledger(store, topic, clock)
        self._held = Held(store, topic, self._ledger, self._reader, handler)

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._ledger.prepare()

    async def sweep(self) -> None:
        """Carry out what operators asked for, and release what waits for nothing any more."""
        await self._held.sweep()

    async def take(self, records: Sequence[Record]) -> None:
        """Give every record its fate, durably. Returns when offsets may be committed."""
        batch = [self._reader.read(record) for record in records]
        MESSAGES.labels(self._topic.name, "unknown").inc(sum(each.is_unknown for each in batch))
        # One of an unknown type still has its rank, when it has one: the next one waits for it.
        batch = [each for each in batch if not (each.is_unknown and each.sequence is None)]
        if batch:
            with BATCH_SECONDS.labels(self._topic.name).time():
                await isolate(batch, self._commit, self._bury)

    async def _commit(self, batch: Sequence[Incoming]) -> None:
        fates = await wait_out(self._topic.name, lambda: self._attempt(batch))
        for outcome in ("applied", "parked", "dead", "redelivered"):
            MESSAGES.labels(self._topic.name, outcome).inc(len(getattr(fates, outcome)))
        for message in fates.dead:
            _log.error("message.dead", reason=message.fault, **message.ids)
        for name, stream in fates.touched.items():
            if stream.parked and not stream.dead:
                await self._release(name)

    async def _attempt(self, batch: Sequence[Incoming]) -> Fates:
        """Carry out a batch in one transaction, without the dossiers that must wait."""
        postponed: frozenset[str] = frozenset()
        while True:
            try:
                return await self._store.transaction(
                    partial(self._carry_out, batch=batch, postponed=postponed)
                )
            except NotYetError as error:
                if error.dossiers <= postponed:
                    raise
                postponed |= error.dossiers
                _log.warning("dossiers.postponed", dossiers=sorted(postponed), reason=str(error))

    async def _carry_out(
        self, transaction: Transaction, batch: Sequence[Incoming], postponed: frozenset[str]
    ) -> Fates:
        seen = await self._ledger.seen(transaction, batch)
        streams = await self._ledger.streams(transaction, {each.stream for each in batch})
        fates = decide_fates(batch, seen, streams, self._ledger.remembered_since, postponed)
        events = [message.event for message in fates.applied if message.event is not None]
        if events:
            await self._handler(transaction, events)
        await self._ledger.enter(transaction, "done", fates.applied)
        await self._ledger.enter(transaction, "parked", fates.parked)
        await self._ledger.enter(transaction, "dead", fates.dead)
        if fates.touched:
            await self._ledger.write_streams(transaction, fates.touched)
        return fates

    async def _release(self, name: str) -> None:
        try:
            await self._held.release(name)
        except Exception as error:  # noqa: BLE001 - the batch is committed; `sweep` does the rest
            _log.warning("release.postponed", dossier_id=name, error=repr(error))

    async def _bury(self, message: Incoming, reason: str) -> None:
        await bury(message, reason, self._commit)
