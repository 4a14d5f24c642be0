"""Inbox: deduplication and order. Each message has one effect, in the order of its dossier.

An entry is written in the transaction of the effects. For each dossier and topic, a stream stores
the next rank. A message that comes too early is parked; a duplicate is dropped. A dead letter
blocks the later messages of its dossier, and no other, until an operator replays or discards it. A
message of a newer level blocks them too, until the sweep of a version that judges it.
"""

from collections.abc import Sequence
from functools import partial

from shared.contracts.topics import Topic
from shared.runtime.backoff import retry_transient
from shared.runtime.clock import Clock
from shared.runtime.error_descriptions import describe_error
from shared.runtime.errors import NotYetError
from shared.runtime.logs import get_logger
from shared.runtime.messaging.handler import Handler
from shared.runtime.messaging.held_messages import HeldMessages
from shared.runtime.messaging.inbox_store import InboxStore
from shared.runtime.messaging.isolation import isolate, write_dead_letter
from shared.runtime.messaging.outcomes import Outcomes, decide_outcomes
from shared.runtime.messaging.parsing import Incoming, Record, RecordParser
from shared.runtime.metrics import BATCH_SECONDS, MESSAGES
from shared.runtime.store.database import Store, Transaction
from shared.vocabulary.levels import LEVEL

__all__ = ["Handler", "Inbox"]
_log = get_logger(__name__)


class UnnamedDossiersError(Exception):
    """Bisects a batch: something that it needs is still to come, and names none of its dossiers.

    Neither this error nor its cause is transient, as the whole batch is retried for such errors.
    """


class Inbox:
    """Consumes the records of one sequenced topic for one service."""

    def __init__(
        self, store: Store, topic: Topic, handler: Handler, clock: Clock, level: int = LEVEL
    ) -> None:
        """Prepare an inbox that judges up to `level`; `process` and `sweep` do the work."""
        self._store = store
        self._topic = topic
        self._handler = handler
        self._parser = RecordParser(topic, is_sequenced=True, level=level)
        self._inbox_store = InboxStore(store, topic, clock)
        self._held = HeldMessages(store, topic, self._inbox_store, self._parser, handler)

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._inbox_store.prepare()

    async def sweep(self) -> None:
        """Carry out replays and discards of operators, and release parked messages that are due.

        Messages that waited for this version are processed again, as if they had just come.
        """
        await self._held.sweep()
        async for entries in self._inbox_store.find_judgeable(self._parser.level):
            records = [self._inbox_store.read_record(entry) for entry in entries]
            await self._take([self._parser.parse(record) for record in records], is_again=True)

    async def process(self, records: Sequence[Record]) -> None:
        """Process a batch: apply, park or dead-letter each record, or drop it as a duplicate.

        Returns when the outcomes are committed, so that offsets may be committed too.
        """
        batch = [self._parser.parse(record) for record in records]
        MESSAGES.labels(self._topic.name, "unknown").inc(sum(each.is_unknown for each in batch))
        # A message of an unknown type is kept when it has a rank: the next rank waits for it.
        batch = [each for each in batch if not (each.is_unknown and each.sequence is None)]
        if batch:
            with BATCH_SECONDS.labels(self._topic.name).time():
                await self._take(batch)

    async def _take(self, batch: Sequence[Incoming], *, is_again: bool = False) -> None:
        commit = partial(self._commit, is_again=is_again)
        await isolate(batch, commit, partial(write_dead_letter, handle=commit))

    async def _commit(self, batch: Sequence[Incoming], *, is_again: bool = False) -> None:
        outcomes = await retry_transient(self._topic.name, lambda: self._attempt(batch, is_again))
        for outcome in ("applied", "parked", "newer", "dead", "redelivered"):
            MESSAGES.labels(self._topic.name, outcome).inc(len(getattr(outcomes, outcome)))
        for name, stream in outcomes.touched.items():
            if stream.parked and not stream.dead:
                await self._release(name)

    async def _attempt(self, batch: Sequence[Incoming], is_again: bool) -> Outcomes:
        """Carry out a batch in one transaction, without the dossiers that must wait.

        Raises UnnamedDossiersError when it is not known which of several messages must wait.
        """
        streams = frozenset(message.stream for message in batch)
        postponed: frozenset[str] = frozenset()
        while True:
            try:
                return await self._store.transaction(
                    partial(self._carry_out, batch=batch, postponed=postponed, is_again=is_again)
                )
            except NotYetError as error:
                named = error.dossiers & streams - postponed
                if not named and len(batch) > 1:
                    raise UnnamedDossiersError(str(error)) from None
                named = named or streams - postponed
                if not named:
                    raise
                postponed |= named
                _log.warning("dossiers.postponed", dossiers=sorted(postponed), reason=str(error))

    async def _carry_out(
        self,
        transaction: Transaction,
        batch: Sequence[Incoming],
        postponed: frozenset[str],
        is_again: bool,
    ) -> Outcomes:
        if is_again:
            batch = await self._inbox_store.delete_newer(transaction, batch)
        batch = await self._inbox_store.rename_reused_positions(transaction, batch)
        seen = await self._inbox_store.find_seen(transaction, batch)
        streams = await self._inbox_store.read_streams(transaction, {each.stream for each in batch})
        outcomes = decide_outcomes(
            batch, seen, streams, self._inbox_store.remembered_since, postponed
        )
        events = [message.event for message in outcomes.applied if message.event is not None]
        if events:
            transaction.raise_level(max(event.level for event in events))
            self._inbox_store.note_deliveries(transaction, outcomes.applied)
            await self._handler(transaction, events)
        await self._inbox_store.insert(transaction, "done", outcomes.applied)
        await self._inbox_store.insert(transaction, "parked", outcomes.parked)
        await self._inbox_store.insert(transaction, "newer", outcomes.newer)
        await self._inbox_store.insert(transaction, "dead", outcomes.dead)
        if outcomes.touched:
            await self._inbox_store.write_streams(transaction, outcomes.touched)
        return outcomes

    async def _release(self, name: str) -> None:
        try:
            await self._held.release(name)
        except Exception as error:  # noqa: BLE001 - the batch is committed; `sweep` does the rest
            _log.warning("release.postponed", dossier_id=name, error=describe_error(error))
