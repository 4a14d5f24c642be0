"""Store of an inbox: an entry for each message, and the next rank of each dossier."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from shared.contracts.topics import Topic
from shared.runtime.clock import Clock
from shared.runtime.messaging.outcomes import Seen, Stream, is_reuse
from shared.runtime.messaging.parsing import Incoming, Record
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import UpdateOne

_KEPT_BEYOND_RETENTION = timedelta(days=7)
"""Time for which ids are kept beyond the retention of their topic."""
REPLAYED_AT = "replayed_at"
"""Field of an entry: when its last replay was asked for, by the clock of the store."""
_READ_AT_ONCE = 50
"""Ids in one $in: SecantusDB's time grows with their square (206 ms for 500, 45 ms by 50)."""


class InboxStore:
    """Inbox entries of one topic: which messages a service has consumed, and which are held.

    The entry of a message that was applied is an id that expires. A `held` entry also keeps the
    record, and its state says why: `parked` (it waits for an earlier message of its dossier),
    `newer` (of a level above the one that this version judges), `dead` (a dead letter without a
    decision), `replay` or `discard` (a decision of an operator that is not carried out yet).
    """

    def __init__(self, store: Store, topic: Topic, clock: Clock) -> None:
        """Open the collections of the inbox of one topic."""
        self._entries = store.collection("inbox")
        self._streams = store.collection("streams")
        self._topic = topic
        self._clock = clock
        self._held = {"held": True, "topic": topic.name}
        self._kept = timedelta(milliseconds=topic.retention_ms or 0) + _KEPT_BEYOND_RETENTION

    async def prepare(self) -> None:
        """Create the indexes. That of states covers held entries only: the others are millions."""
        await self._entries.create_index("expires_at", expireAfterSeconds=0)
        await self._entries.create_index(
            [("topic", 1), ("state", 1), ("stream", 1), ("sequence", 1)],
            name="held",
            partialFilterExpression={"held": True},
        )
        await self._streams.create_index(
            "topic", name="waiting", partialFilterExpression={"parked": {"$gt": 0}}
        )

    @property
    def remembered_since(self) -> datetime:
        """Moment before which ids may have expired."""
        return self._clock() - self._kept

    async def rename_reused_positions(
        self, transaction: Transaction, batch: Sequence[Incoming]
    ) -> list[Incoming]:
        """Rename unread messages whose position is the id of an entry with other bytes.

        Offsets begin anew in a topic that was made again: under its id such a message would be
        dropped as a duplicate. An entry that was replayed may have corrected bytes, and counts as
        the same.
        """
        unread = [message.id for message in batch if message.id == message.record.position]
        stored: dict[str, Document] = {}
        for start in range(0, len(unread), _READ_AT_ONCE):
            found = transaction.collection("inbox").find(
                {"_id": {"$in": unread[start : start + _READ_AT_ONCE]}},
                {"key": 1, "value": 1, REPLAYED_AT: 1},
                session=transaction.session,
            )
            stored |= {entry["_id"]: entry async for entry in found}
        return [
            message.named_by_bytes
            if message.id in stored and _has_other_bytes(stored[message.id], message)
            else message
            for message in batch
        ]

    async def find_seen(self, transaction: Transaction, batch: Sequence[Incoming]) -> Seen:
        """Find which ids of `batch` have an entry, and the place of each."""
        seen = await self._read_places(transaction, [message.id for message in batch])
        reused = [each.named_by_position.id for each in batch if is_reuse(each, seen)]
        return seen | (await self._read_places(transaction, reused) if reused else {})

    async def _read_places(self, transaction: Transaction, ids: Sequence[str]) -> Seen:
        found = transaction.collection("inbox").find(
            {"_id": {"$in": ids}},
            {"stream": 1, "sequence": 1, "reason": 1},
            session=transaction.session,
        )
        # An operator may have moved a dead letter: its place is not reliable any more.
        return {
            entry["_id"]: None if entry.get("reason") else (entry["stream"], entry["sequence"])
            async for entry in found
        }

    async def read_streams(
        self, transaction: Transaction, names: Iterable[str]
    ) -> dict[str, Stream]:
        """Read the streams of dossiers: next rank, dead letters, parked messages."""
        streams = {name: Stream(is_new=True) for name in names}
        ids = [self._stream_id(name) for name in streams]
        for start in range(0, len(ids), _READ_AT_ONCE):
            found = transaction.collection("streams").find(
                {"_id": {"$in": ids[start : start + _READ_AT_ONCE]}}, session=transaction.session
            )
            async for row in found:
                streams[row["stream"]] = Stream(row["next"], row["dead"], row["parked"])
        return streams

    async def write_streams(self, transaction: Transaction, streams: Mapping[str, Stream]) -> None:
        """Write the streams of dossiers."""
        rows = []
        changes = []
        for name, stream in streams.items():
            key = {"_id": self._stream_id(name)}
            state = {"next": stream.next, "dead": stream.dead, "parked": stream.parked}
            if stream.is_new:
                rows.append(key | {"topic": self._topic.name, "stream": name} | state)
            else:
                changes.append(UpdateOne(key, {"$set": state}))
        collection = transaction.collection("streams")
        if rows:
            await collection.insert_many(rows, session=transaction.session)
        if changes:
            await collection.bulk_write(changes, ordered=False, session=transaction.session)

    async def insert(self, transaction: Transaction, state: str, batch: Sequence[Incoming]) -> None:
        """Insert the entries of new messages; publish those in state `dead` as dead letters."""
        if not batch:
            return
        now = self._clock()
        await transaction.collection("inbox").insert_many(
            [self._build_entry(message, state, now) for message in batch],
            session=transaction.session,
        )
        if state == "dead":
            for message in batch:
                self.publish_dead_letter(transaction, message, message.id)

    def _build_entry(self, message: Incoming, state: str, now: datetime) -> Document:
        entry: Document = {
            "_id": message.id,
            "topic": self._topic.name,
            "stream": message.stream,
            "sequence": message.sequence,
            "state": state,
            "at": now,
        }
        if state == "done":
            return entry | {"expires_at": now + self._kept}
        return entry | {
            "held": True,
            "key": message.record.key,
            "value": message.record.value,
            # Headers are stored as pairs: a header name may not be a valid name of a field.
            "headers": list(message.record.headers.items()),
            "position": message.record.position,
            "reason": message.fault,
            "level": message.level,
        }

    def read_record(self, entry: Document) -> Record:
        """Read the record that a held entry keeps."""
        return Record(
            self._topic.name,
            entry["key"],
            entry["value"],
            dict(entry["headers"]),
            entry["position"],
        )

    async def read_state(self, entry_id: str) -> str | None:
        """Read the state of an entry, outside any transaction; None when there is no entry."""
        row = await self._entries.find_one({"_id": entry_id}, {"state": 1})
        return None if row is None else row["state"]

    async def find_held(self, transaction: Transaction, entry_id: str) -> Document | None:
        """Read a held entry inside a transaction; None when it is no longer held."""
        entry: Document | None = await transaction.collection("inbox").find_one(
            {"_id": entry_id, "held": True}, session=transaction.session
        )
        return entry

    async def update(self, transaction: Transaction, entry: Document, change: Document) -> None:
        """Update an entry; one that is done or discarded is no longer held."""
        update: Document = {"$set": change}
        if change["state"] in {"done", "discarded"}:
            update = {
                "$set": change | {"expires_at": self._clock() + self._kept},
                "$unset": {"held": 1},
            }
        await transaction.collection("inbox").update_one(
            {"_id": entry["_id"]}, update, session=transaction.session
        )

    async def discard_before(
        self, transaction: Transaction, tombstones: Sequence[Incoming]
    ) -> None:
        """Discard the held entries of earlier records of these keys: they would come back."""
        by_stream = {message.stream: message.record for message in tombstones}
        streams = list(by_stream)
        discarded = []
        entries = transaction.collection("inbox")
        for start in range(0, len(streams), _READ_AT_ONCE):
            page = {"stream": {"$in": streams[start : start + _READ_AT_ONCE]}}
            found = entries.find(
                self._held | page, {"stream": 1, "position": 1}, session=transaction.session
            )
            discarded += [
                {"_id": entry["_id"]}
                async for entry in found
                if by_stream[entry["stream"]].follows(entry["position"])
            ]
        for entry in discarded:
            await self.update(transaction, entry, {"state": "discarded"})

    async def find_decided(self) -> AsyncIterator[Document]:
        """Yield the replays and discards that the service has not carried out yet.

        One by one: there may be thousands, of a megabyte each.
        """
        states = {"state": {"$in": ["replay", "discard"]}}
        for row in await self._entries.find(self._held | states, {"_id": 1}).to_list(None):
            entry = await self._entries.find_one({"_id": row["_id"]} | self._held | states)
            if entry is not None:
                yield entry

    async def find_judgeable(self, level: int) -> AsyncIterator[list[Document]]:
        """Yield the entries of `newer` messages up to `level`, in pages, by dossier and rank."""
        newer = self._held | {"state": "newer", "level": {"$lte": level}}
        found = self._entries.find(newer, {"_id": 1}).sort([("stream", 1), ("sequence", 1)])
        ids = [row["_id"] for row in await found.to_list(None)]
        for start in range(0, len(ids), _READ_AT_ONCE):
            page = {"_id": {"$in": ids[start : start + _READ_AT_ONCE]}}
            found = self._entries.find(newer | page).sort([("stream", 1), ("sequence", 1)])
            yield await found.to_list(None)

    async def delete_newer(
        self, transaction: Transaction, batch: Sequence[Incoming]
    ) -> list[Incoming]:
        """Delete the `newer` entries of messages, so that these are processed as new ones.

        Returns the messages whose entry was still there: another replica may have been faster.
        """
        entries = transaction.collection("inbox")
        newer = {"_id": {"$in": [message.id for message in batch]}, "state": "newer"}
        found = entries.find(newer, {"_id": 1}, session=transaction.session)
        waiting = {row["_id"] async for row in found}
        await entries.delete_many(newer, session=transaction.session)
        return [message for message in batch if message.id in waiting]

    async def find_next_parked(self, name: str, rank: int) -> Document | None:
        """Find the first parked entry of a dossier with a rank up to `rank`; None without one."""
        due = {"state": "parked", "stream": name, "sequence": {"$lte": rank}}
        entry: Document | None = await self._entries.find_one(
            self._held | due, sort=[("sequence", 1)]
        )
        return entry

    async def count(self, state: str) -> int:
        """Count the held entries in a state, without parked ones that an operator discarded."""
        waiting = {"state": state, "is_given_up": {"$ne": True}}
        return await self._entries.count_documents(self._held | waiting)

    async def read_stream(self, name: str) -> Stream | None:
        """Read the stream of one dossier, outside any transaction; None when it has none."""
        row = await self._streams.find_one({"_id": self._stream_id(name)})
        return None if row is None else Stream(row["next"], row["dead"], row["parked"])

    async def find_releasable(self) -> list[str]:
        """List the dossiers with parked messages and no dead letter before them."""
        rows = self._streams.find({"topic": self._topic.name, "parked": {"$gt": 0}, "dead": []})
        return [row["stream"] async for row in rows]

    def _stream_id(self, name: str) -> str:
        return f"{self._topic.name}|{name}"

    def note_deliveries(self, transaction: Transaction, batch: Iterable[Incoming]) -> None:
        """Note, for logs and traces after the commit, that each message takes effect here."""
        for message in batch:
            if message.event is not None:
                headers = message.record.headers
                transaction.facts.note_delivery(message.event, self._topic.name, headers)

    def publish_dead_letter(
        self, transaction: Transaction, message: Incoming, entry_id: str
    ) -> None:
        """Publish a dead letter: the bytes, cut when too large, and the reason in a header."""
        record = message.record.truncate()
        headers = dict(record.headers) | {
            "x-reason": message.fault or "",
            "x-position": record.position,
            "x-entry": entry_id,
        }
        transaction.publish_raw(
            self._topic.dead_letters, record.key, record.value, headers, message.ids
        )
        transaction.facts.note_dead_letter(
            message.ids, self._topic.name, entry_id, message.fault or "", message.record.headers
        )


def _has_other_bytes(entry: Document, message: Incoming) -> bool:
    """Tell whether an entry keeps another record than that of an unread message."""
    if REPLAYED_AT in entry or "value" not in entry:
        return False
    record, cut = message.record, message.as_bytes.record
    return (entry["key"], entry["value"]) not in {
        (record.key, record.value),
        (cut.key, cut.value),
    }
