"""The inbox: each message has one effect, in the order of its dossier.

An entry is written in the transaction of the effects. Per dossier and topic a stream remembers the
next rank: what comes early is parked, what was seen is dropped, and a dead letter holds back what
follows it in its dossier, and nothing else, until an operator replays or discards it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pymongo import UpdateOne

from shared.contracts.envelope import Event
from shared.contracts.topics import Topic
from shared.runtime.backoff import wait_out
from shared.runtime.clock import Clock
from shared.runtime.isolation import isolate
from shared.runtime.logs import get_logger
from shared.runtime.metrics import BATCH_SECONDS, DEAD_LETTERS, MESSAGES, PARKED
from shared.runtime.reading import Incoming, Reader, Record
from shared.runtime.store import Document, Store, Transaction

Handler = Callable[[Transaction, Sequence[Event[Any]]], Awaitable[None]]
"""Carries out the effects of a batch of events in the given transaction.

It may run again for the same events: its effects are those of its transaction alone.
"""

_KEPT_BEYOND_RETENTION = timedelta(days=7)
_log = get_logger(__name__)


@dataclass(slots=True)
class Stream:
    """Where one dossier stands on one topic."""

    next: int = 1
    dead: list[str] = field(default_factory=list)
    parked: int = 0


@dataclass(slots=True)
class Fates:
    """What becomes of each message of a batch."""

    applied: list[Incoming] = field(default_factory=list)
    parked: list[Incoming] = field(default_factory=list)
    dead: list[Incoming] = field(default_factory=list)
    redelivered: list[Incoming] = field(default_factory=list)
    touched: dict[str, Stream] = field(default_factory=dict)


def decide_fates(batch: Iterable[Incoming], seen: set[str], streams: Mapping[str, Stream]) -> Fates:
    """Sort a batch, in its order, given the ids seen before and the streams as they stand.

    Changes the streams that it is given.
    """
    fates = Fates()
    for message in batch:
        stream = streams[message.stream]
        rank = message.sequence
        if message.id in seen or (rank is not None and rank < stream.next):
            fates.redelivered.append(message)
            continue
        seen.add(message.id)
        fates.touched[message.stream] = stream
        if message.fault is not None:
            stream.dead.append(message.id)
            fates.dead.append(message)
        elif stream.dead or rank != stream.next:
            stream.parked += 1
            fates.parked.append(message)
        else:
            stream.next += 1
            fates.applied.append(message)
    return fates


class Inbox:
    """Takes the records of one topic for one service."""

    def __init__(self, store: Store, topic: Topic, handler: Handler, clock: Clock) -> None:
        """Prepare an inbox; `take` and `sweep` do the work."""
        self._store = store
        self._topic = topic
        self._handler = handler
        self._clock = clock
        self._reader = Reader(topic, is_sequenced=True)
        self._kept = timedelta(milliseconds=topic.retention_ms or 0) + _KEPT_BEYOND_RETENTION

    async def prepare(self) -> None:
        """Create the indexes."""
        entries = self._store.collection("inbox")
        await entries.create_index("expires_at", expireAfterSeconds=0)
        await entries.create_index([("topic", 1), ("state", 1)])
        await entries.create_index([("stream", 1), ("state", 1), ("sequence", 1)])

    async def take(self, records: Sequence[Record]) -> None:
        """Give every record its fate, durably. Returns when offsets may be committed."""
        batch = [self._read(record) for record in records]
        known = [message for message in batch if message is not None]
        MESSAGES.labels(self._topic.name, "unknown").inc(len(batch) - len(known))
        if known:
            with BATCH_SECONDS.labels(self._topic.name).time():
                await isolate(known, self._commit, self._bury)

    async def sweep(self) -> None:
        """Carry out what operators asked for, and release what waits for nothing any more."""
        entries = self._store.collection("inbox")
        asked = {"topic": self._topic.name, "state": {"$in": ["replay", "discard"]}}
        async for entry in entries.find(asked):
            await self._settle(entry)
        waiting = {"topic": self._topic.name, "parked": {"$gt": 0}, "dead": []}
        async for stream in self._store.collection("streams").find(waiting):
            await self._release(stream["stream"])
        for state, gauge in (("dead", DEAD_LETTERS), ("parked", PARKED)):
            gauge.set(await entries.count_documents({"state": state}))

    def _read(self, record: Record) -> Incoming | None:
        message = self._reader.read(record)
        if message and message.event and self._clock() - message.event.time > self._kept:
            return message.failed("older than the inbox remembers: replaying it could repeat it")
        return message

    async def _commit(self, batch: Sequence[Incoming]) -> None:
        async def work(transaction: Transaction) -> Fates:
            seen = await self._seen(transaction, batch)
            streams = await self._streams(transaction, {message.stream for message in batch})
            fates = decide_fates(batch, seen, streams)
            if fates.applied:
                events = [message.event for message in fates.applied if message.event]
                await self._handler(transaction, events)
            await self._write(transaction, fates)
            return fates

        fates = await wait_out(self._topic.name, lambda: self._store.transaction(work))
        self._count(fates)
        for name, stream in fates.touched.items():
            if stream.parked and not stream.dead:
                await self._release(name)

    async def _bury(self, message: Incoming, reason: str) -> None:
        await self._commit([message.failed(reason)])

    async def _seen(self, transaction: Transaction, batch: Sequence[Incoming]) -> set[str]:
        ids = [message.id for message in batch]
        found = transaction.collection("inbox").find(
            {"_id": {"$in": ids}}, {"_id": 1}, session=transaction.session
        )
        return {entry["_id"] async for entry in found}

    async def _streams(self, transaction: Transaction, names: Iterable[str]) -> dict[str, Stream]:
        streams = {name: Stream() for name in names}
        found = transaction.collection("streams").find(
            {"_id": {"$in": [self._stream_id(name) for name in streams]}},
            session=transaction.session,
        )
        async for row in found:
            streams[row["stream"]] = Stream(row["next"], row["dead"], row["parked"])
        return streams

    def _stream_id(self, name: str) -> str:
        return f"{self._topic.name}|{name}"

    async def _write(self, transaction: Transaction, fates: Fates) -> None:
        rows = [self._entry(message, "done") for message in fates.applied]
        rows += [self._entry(message, "parked") for message in fates.parked]
        rows += [self._entry(message, "dead") for message in fates.dead]
        if rows:
            await transaction.collection("inbox").insert_many(rows, session=transaction.session)
            await self._write_streams(transaction, fates.touched)
        for message in fates.dead:
            self._publish_dead_letter(transaction, message)

    async def _write_streams(self, transaction: Transaction, streams: Mapping[str, Stream]) -> None:
        await transaction.collection("streams").bulk_write(
            [
                UpdateOne(
                    {"_id": self._stream_id(name)},
                    {
                        "$set": {
                            "topic": self._topic.name,
                            "stream": name,
                            "next": stream.next,
                            "dead": stream.dead,
                            "parked": stream.parked,
                        }
                    },
                    upsert=True,
                )
                for name, stream in streams.items()
            ],
            ordered=False,
            session=transaction.session,
        )

    def _entry(self, message: Incoming, state: str) -> Document:
        entry: Document = {
            "_id": message.id,
            "topic": self._topic.name,
            "stream": message.stream,
            "sequence": message.sequence,
            "state": state,
            "at": self._clock(),
        }
        if state == "done":
            return entry | {"expires_at": self._clock() + self._kept}
        return entry | {
            "key": message.record.key,
            "value": message.record.value,
            "headers": dict(message.record.headers),
            "position": message.record.position,
            "reason": message.fault,
        }

    def _publish_dead_letter(self, transaction: Transaction, message: Incoming) -> None:
        _log.error(
            "message.dead", message_id=message.id, dossier_id=message.stream, reason=message.fault
        )
        headers = dict(message.record.headers) | {
            "x-reason": message.fault or "",
            "x-position": message.record.position,
            "x-entry": message.id,
        }
        transaction.publish_raw(
            self._topic.dead_letters, message.record.key, message.record.value, headers
        )

    def _count(self, fates: Fates) -> None:
        for outcome in ("applied", "parked", "dead", "redelivered"):
            MESSAGES.labels(self._topic.name, outcome).inc(len(getattr(fates, outcome)))

    async def _release(self, name: str) -> None:
        """Handle the parked messages of a stream one by one, while the next in rank is there."""
        stream = await self._store.collection("streams").find_one({"_id": self._stream_id(name)})
        while stream and stream["parked"] and not stream["dead"]:
            entry = await self._store.collection("inbox").find_one(
                {"stream": name, "state": "parked", "sequence": {"$lte": stream["next"]}},
                sort=[("sequence", 1)],
            )
            if entry is None:
                return
            await self._settle(entry)
            stream = await self._store.collection("streams").find_one(
                {"_id": self._stream_id(name)}
            )

    async def _settle(self, entry: Document) -> None:
        """Handle one kept message: parked and due, or asked for by an operator."""
        message = self._kept_message(entry)

        async def take(batch: Sequence[Incoming]) -> None:
            await wait_out(
                self._topic.name,
                lambda: self._store.transaction(lambda tx: self._apply_kept(tx, entry, batch[0])),
            )

        async def bury(dead: Incoming, reason: str) -> None:
            await take([dead.failed(reason)])

        await isolate([message], take, bury)
        await self._release(entry["stream"])

    def _kept_message(self, entry: Document) -> Incoming:
        record = Record(
            self._topic.name, entry["key"], entry["value"], entry["headers"], entry["position"]
        )
        message = self._reader.read(record)
        if message is None:
            return Incoming(record, entry["_id"], entry["stream"], fault="unknown type")
        return message

    async def _apply_kept(
        self, transaction: Transaction, entry: Document, message: Incoming
    ) -> None:
        stream = (await self._streams(transaction, [entry["stream"]]))[entry["stream"]]
        if entry["state"] == "parked":
            stream.parked -= 1
        else:
            stream.dead = [each for each in stream.dead if each != entry["_id"]]
        rank = message.sequence or entry["sequence"]
        if entry["state"] == "discard":
            state = "discarded"
            stream.next += rank == stream.next
        elif message.fault or message.event is None:
            state = "dead"
            stream.dead.append(entry["_id"])
            self._publish_dead_letter(transaction, message)
        elif rank is not None and rank > stream.next:
            state = "parked"
            stream.parked += 1
        else:
            state = "done"
            if rank == stream.next:
                await self._handler(transaction, [message.event])
                stream.next += 1
        await self._rewrite(transaction, entry, message, state)
        await self._write_streams(transaction, {entry["stream"]: stream})
        MESSAGES.labels(self._topic.name, "applied" if state == "done" else state).inc()

    async def _rewrite(
        self, transaction: Transaction, entry: Document, message: Incoming, state: str
    ) -> None:
        change: Document = {"state": state, "sequence": message.sequence or entry["sequence"]}
        if state == "dead":
            change["reason"] = message.fault
        if state in {"done", "discarded"}:
            change["expires_at"] = self._clock() + self._kept
        await transaction.collection("inbox").update_one(
            {"_id": entry["_id"]}, {"$set": change}, session=transaction.session
        )
