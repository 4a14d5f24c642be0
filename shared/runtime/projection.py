"""Projections of compacted topics: whole states, idempotent by version, so they need no inbox."""

from collections.abc import Sequence

from shared.contracts.topics import Topic
from shared.runtime.backoff import wait_out
from shared.runtime.inbox import Handler
from shared.runtime.isolation import isolate
from shared.runtime.logs import get_logger
from shared.runtime.metrics import MESSAGES
from shared.runtime.reading import Incoming, Reader, Record
from shared.runtime.store import Store, Transaction

_log = get_logger(__name__)


class Projection:
    """Takes the records of one compacted topic for one service.

    The handler keeps a state only when its version is newer than the one it has. What cannot be
    read goes to the dead letters; the next version of the same key makes up for it.
    """

    def __init__(self, store: Store, topic: Topic, handler: Handler) -> None:
        """Prepare a projection; `take` does the work."""
        self._store = store
        self._topic = topic
        self._handler = handler
        self._reader = Reader(topic, is_sequenced=False)

    async def take(self, records: Sequence[Record]) -> None:
        """Project every record, durably. Returns when offsets may be committed."""
        batch = [message for record in records if (message := self._reader.read(record))]
        if batch:
            await isolate(batch, self._commit, self._bury)

    async def _commit(self, batch: Sequence[Incoming]) -> None:
        async def work(transaction: Transaction) -> None:
            events = [message.event for message in batch if message.event]
            if events:
                await self._handler(transaction, events)
            for message in batch:
                if message.fault is not None:
                    self._publish_dead_letter(transaction, message)

        await wait_out(self._topic.name, lambda: self._store.transaction(work))
        for message in batch:
            MESSAGES.labels(self._topic.name, "dead" if message.fault else "applied").inc()

    async def _bury(self, message: Incoming, reason: str) -> None:
        await self._commit([message.failed(reason)])

    def _publish_dead_letter(self, transaction: Transaction, message: Incoming) -> None:
        _log.error("message.dead", message_id=message.id, reason=message.fault)
        headers = {"x-reason": message.fault or "", "x-position": message.record.position}
        transaction.publish_raw(
            self._topic.dead_letters, message.record.key, message.record.value, headers
        )
