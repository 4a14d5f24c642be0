"""Messages that wait: parked ones are handled in their turn, dead ones as an operator decides."""

from collections.abc import Sequence

from shared.contracts.topics import Topic
from shared.runtime.logs import get_logger
from shared.runtime.messaging.handler import Handler
from shared.runtime.messaging.inbox_store import Ledger
from shared.runtime.messaging.isolation import isolate
from shared.runtime.messaging.outcomes import Stream, rank_taken
from shared.runtime.messaging.parsing import Incoming, Reader
from shared.runtime.metrics import DEAD_LETTERS, MESSAGES, PARKED
from shared.runtime.store.database import Document, Store, Transaction

_log = get_logger(__name__)


class Held:
    """The waiting messages of one topic, for one service.

    Replicas work on them side by side: every step reads the entry again in its own transaction, and
    does nothing when another replica was faster.
    """

    def __init__(
        self, store: Store, topic: Topic, ledger: Ledger, reader: Reader, handler: Handler
    ) -> None:
        """Prepare; `sweep` and `release` do the work."""
        self._store = store
        self._topic = topic
        self._ledger = ledger
        self._reader = reader
        self._handler = handler

    async def sweep(self) -> None:
        """Carry out what operators asked for, and release what waits for nothing any more."""
        async for entry in self._ledger.asked():
            await self._settle(entry)
            await self.release(entry["stream"])
        for name in await self._ledger.waiting():
            await self.release(name)
        for state, gauge in (("dead", DEAD_LETTERS), ("parked", PARKED)):
            gauge.labels(self._topic.name).set(await self._ledger.count(state))

    async def release(self, name: str) -> None:
        """Handle the parked messages of a dossier one by one, while the next in rank is there."""
        while True:
            stream = await self._ledger.stream(name)
            if stream is None or stream.dead or not stream.parked:
                return
            entry = await self._ledger.next_parked(name, stream.next)
            if entry is None or not await self._settle(entry):
                return

    async def _settle(self, entry: Document) -> bool:
        """Give an entry its new state. False when it must be tried again later."""
        message = self._reader.read(self._ledger.record(entry), is_keyed=False)

        async def take(batch: Sequence[Incoming]) -> None:
            state = await self._store.transaction(lambda tx: self._place(tx, entry, batch[0]))
            MESSAGES.labels(self._topic.name, "applied" if state == "done" else state).inc()
            if state == "dead":
                _log.error("message.dead", reason=batch[0].fault)

        async def bury(dead: Incoming, reason: str) -> None:
            await take([dead.failed(reason)])

        try:
            await isolate([message], take, bury)
        except Exception as error:  # noqa: BLE001 - one entry must not keep the others waiting
            _log.warning("held.postponed", error=repr(error), **message.ids)
            return False
        return True

    async def _place(self, transaction: Transaction, known: Document, message: Incoming) -> str:
        """Take an entry out of where it waits; give it its effects, or its next place to wait."""
        entry = await self._ledger.held(transaction, known["_id"])
        if entry is None or entry["state"] != known["state"]:
            return "settled_elsewhere"
        is_given_up = entry["state"] == "discard" or entry.get("is_given_up", False)
        # A corrected body may name the dossier that could not be read the first time.
        name = entry["stream"] if is_given_up or message.fault else message.stream
        streams = await self._ledger.streams(transaction, {entry["stream"], name})
        if entry["state"] == "parked" and streams[name].dead:
            return "parked"
        _take_out(entry, streams[entry["stream"]])
        rank = (message.sequence or entry["sequence"]) if self._reader.is_sequenced else None
        state, message = _turn(message, streams[name], rank, is_given_up=is_given_up)
        if state == "done" and message.event is not None:
            await self._handler(transaction, [message.event])
        if state == "dead":
            streams[name].dead.append(entry["_id"])
            self._ledger.publish_dead_letter(transaction, message, entry["_id"])
        change: Document = {
            "state": state,
            "stream": name,
            "sequence": rank,
            "is_given_up": is_given_up,
        }
        if message.fault is not None:
            change["reason"] = message.fault
        await self._ledger.change(transaction, entry, change)
        await self._ledger.write_streams(transaction, streams)
        return state


def _take_out(entry: Document, stream: Stream) -> None:
    if entry["state"] == "parked":
        stream.parked -= 1
    elif entry["_id"] in stream.dead:
        stream.dead.remove(entry["_id"])


def _turn(
    message: Incoming, stream: Stream, rank: int | None, *, is_given_up: bool
) -> tuple[str, Incoming]:
    """Say what a message becomes at its rank. Moves the stream on when that rank is passed."""
    if rank is not None and rank > stream.next and (is_given_up or message.fault is None):
        stream.parked += 1
        return "parked", message
    if not is_given_up and message.fault is None and rank is not None and rank < stream.next:
        message = message.failed(rank_taken(rank))
    if message.fault is not None and not is_given_up:
        return "dead", message
    stream.next += rank == stream.next
    return ("discarded" if is_given_up else "done"), message
