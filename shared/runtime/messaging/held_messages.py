"""Held messages: parked ones wait for an earlier message, dead letters wait for an operator."""

from collections.abc import Sequence

from shared.contracts.topics import Topic
from shared.runtime.error_descriptions import describe_error
from shared.runtime.logs import get_logger
from shared.runtime.messaging.handler import Handler
from shared.runtime.messaging.inbox_store import InboxStore
from shared.runtime.messaging.isolation import isolate
from shared.runtime.messaging.outcomes import Stream, describe_rank_taken
from shared.runtime.messaging.parsing import Incoming, RecordParser
from shared.runtime.metrics import DEAD_LETTERS, MESSAGES, NEWER_MESSAGES, PARKED
from shared.runtime.store.database import Document, Store, Transaction

_GAUGES = {"dead": DEAD_LETTERS, "parked": PARKED, "newer": NEWER_MESSAGES}
_log = get_logger(__name__)


class HeldMessages:
    """Held messages of one topic, for one service: parked messages and dead letters.

    Replicas work on them in parallel: every step reads the entry again in its own transaction, and
    does nothing when another replica was faster.
    """

    def __init__(
        self,
        store: Store,
        topic: Topic,
        inbox_store: InboxStore,
        parser: RecordParser,
        handler: Handler,
    ) -> None:
        """Prepare; `sweep` and `release` do the work."""
        self._store = store
        self._topic = topic
        self._inbox_store = inbox_store
        self._parser = parser
        self._handler = handler

    async def sweep(self) -> None:
        """Carry out replays and discards of operators, and release parked messages that are due."""
        async for entry in self._inbox_store.find_decided():
            await self._settle(entry)
            await self.release(entry["stream"])
        for name in await self._inbox_store.find_releasable():
            await self.release(name)
        for state, gauge in _GAUGES.items():
            gauge.labels(self._topic.name).set(await self._inbox_store.count(state))

    async def release(self, name: str) -> None:
        """Release parked messages of a dossier in order of rank, up to the first missing rank."""
        while True:
            stream = await self._inbox_store.read_stream(name)
            if stream is None or stream.dead or not stream.parked:
                return
            entry = await self._inbox_store.find_next_parked(name, stream.next)
            if entry is None or not await self._settle(entry):
                return

    async def _settle(self, entry: Document) -> bool:
        """Move an entry to its new state. False when it must be tried again later."""
        message = self._parser.parse(self._inbox_store.read_record(entry), is_keyed=False)

        async def take(batch: Sequence[Incoming]) -> None:
            state = await self._store.transaction(lambda tx: self._carry_out(tx, entry, batch[0]))
            MESSAGES.labels(self._topic.name, "applied" if state == "done" else state).inc()

        async def write_dead_letter(dead: Incoming, reason: str) -> None:
            await take([dead.with_fault(reason)])

        try:
            await isolate([message], take, write_dead_letter)
        except Exception as error:  # noqa: BLE001 - one entry must not keep the others waiting
            _log.warning("held.postponed", error=describe_error(error), **message.ids)
            return False
        return True

    async def _carry_out(self, transaction: Transaction, known: Document, message: Incoming) -> str:
        """Move an entry to its new state in one transaction, with the effects of its event."""
        entry = await self._inbox_store.find_held(transaction, known["_id"])
        if entry is None or entry["state"] != known["state"]:
            return "settled_elsewhere"
        is_given_up = entry["state"] == "discard" or entry.get("is_given_up", False)
        # A corrected body may name the dossier that could not be read the first time.
        name = entry["stream"] if is_given_up or message.fault else message.stream
        streams = await self._inbox_store.read_streams(transaction, {entry["stream"], name})
        if entry["state"] == "parked" and streams[name].dead:
            return "parked"
        _remove_from_stream(entry, streams[entry["stream"]])
        rank = (message.sequence or entry["sequence"]) if self._parser.is_sequenced else None
        state, message = _decide_state(message, streams[name], rank, is_given_up=is_given_up)
        if state == "done" and message.event is not None:
            transaction.raise_level(message.level)
            self._inbox_store.note_deliveries(transaction, [message])
            await self._handler(transaction, [message.event])
        if state == "dead":
            streams[name].dead.append(entry["_id"])
            self._inbox_store.publish_dead_letter(transaction, message, entry["_id"])
        change: Document = {
            "state": state,
            "stream": name,
            "sequence": rank,
            "is_given_up": is_given_up,
            "level": message.level,
        }
        if message.fault is not None:
            change["reason"] = message.fault
        await self._inbox_store.update(transaction, entry, change)
        await self._inbox_store.write_streams(transaction, streams)
        return state


def _remove_from_stream(entry: Document, stream: Stream) -> None:
    if entry["state"] == "parked":
        stream.parked -= 1
    elif entry["_id"] in stream.dead:
        stream.dead.remove(entry["_id"])


def _decide_state(
    message: Incoming, stream: Stream, rank: int | None, *, is_given_up: bool
) -> tuple[str, Incoming]:
    """Decide the new state of a message; advance the stream when its rank is the next one."""
    if message.is_newer and not is_given_up:
        return "newer", message
    if rank is not None and rank > stream.next and (is_given_up or message.fault is None):
        stream.parked += 1
        return "parked", message
    if not is_given_up and message.fault is None and rank is not None and rank < stream.next:
        message = message.with_fault(describe_rank_taken(rank))
    if message.fault is not None and not is_given_up:
        return "dead", message
    stream.next += rank == stream.next
    return ("discarded" if is_given_up else "done"), message
