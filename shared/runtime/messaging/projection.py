"""Projection of a compacted topic: the newest version of each state, whatever the order."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.contracts.topics import Topic
from shared.runtime.backoff import retry_transient
from shared.runtime.clock import Clock
from shared.runtime.logs import get_logger
from shared.runtime.messaging.handler import Handler
from shared.runtime.messaging.held_messages import HeldMessages
from shared.runtime.messaging.inbox_store import InboxStore
from shared.runtime.messaging.isolation import isolate, write_dead_letter
from shared.runtime.messaging.parsing import Incoming, Record, RecordParser
from shared.runtime.metrics import MESSAGES
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import DeleteMany, ReplaceOne
from shared.vocabulary.levels import LEVEL

_JUMP_MAX = 100
"""Limit of a version jump: compaction, or a reader that was away, may leave out so many versions.

No segment is compacted within a week, so a reader sees each version; a dossier has some dozens of
them in its life. A larger jump waits for an operator: if it were wrong, it would hide the real
versions.
"""
_READ_AT_ONCE = 50
"""Ids in one $in: SecantusDB's time grows with the square of their number."""
_log = get_logger(__name__)


class ElsewhereError(ValueError):
    """A piece is claimed by a dossier while another dossier has it."""


@dataclass(frozen=True, slots=True)
class ProjectionConfig:
    """Configuration of a projection: its handler, and the collections of its read model.

    All that the handler writes must be in the topic: a rebuild writes these collections again from
    it, and can remove the documents for which it holds no record.
    """

    handler: Handler
    collection: str
    """Collection where the handler keeps the states, by id of the entity, with `version`."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Other collections that the handler writes, each with the field that names the entity. Their
    documents have the `version` of the state."""
    prepare: Callable[[], Awaitable[None]] | None = None
    """Creates the indexes of these collections."""

    @property
    def collections(self) -> Mapping[str, str]:
        """All collections of the read model, each with the field that names the entity."""
        return {self.collection: "_id", **self.parts}


class Projection:
    """Consumes the records of one compacted topic for one service.

    The handler keeps a state only when its version is newer than the stored one. A message that
    cannot be projected becomes a dead letter, as in an inbox, but blocks nothing: the next version
    of the same key replaces it. A version far above the known one becomes a dead letter too; a
    replay by an operator accepts it. A state of a newer level waits for a version that judges it.

    A tombstone removes the documents of its entity from the read model. A state that follows it
    tells the entity anew, whatever its version.
    """

    def __init__(
        self,
        store: Store,
        topic: Topic,
        config: ProjectionConfig,
        clock: Clock,
        level: int = LEVEL,
    ) -> None:
        """Prepare a projection that judges up to `level`; `process` and `sweep` do the work."""
        self._store = store
        self._topic = topic
        self._handler = handler = config.handler
        self._collection = config.collection
        self._collections = config.collections
        self._parser = RecordParser(topic, is_sequenced=False, level=level)
        self._inbox_store = InboxStore(store, topic, clock)
        self._held = HeldMessages(store, topic, self._inbox_store, self._parser, handler)

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._inbox_store.prepare()

    async def sweep(self) -> None:
        """Carry out replays and discards of operators; process what waited for this version."""
        await self._held.sweep()
        async for entries in self._inbox_store.find_judgeable(self._parser.level):
            records = [self._inbox_store.read_record(entry) for entry in entries]
            await self._take([self._parser.parse(record) for record in records], is_again=True)

    async def process(self, records: Sequence[Record]) -> None:
        """Project a batch of records. Returns when it is stored, so offsets may be committed."""
        batch = [self._parser.parse(record) for record in records]
        known = [message for message in batch if not message.is_unknown]
        MESSAGES.labels(self._topic.name, "unknown").inc(len(batch) - len(known))
        if known:
            await self._take(known)

    async def _take(self, batch: Sequence[Incoming], *, is_again: bool = False) -> None:
        commit = partial(self._commit, is_again=is_again)
        await isolate(batch, commit, partial(write_dead_letter, handle=commit))

    async def _commit(self, batch: Sequence[Incoming], *, is_again: bool = False) -> None:
        outcomes = await retry_transient(
            self._topic.name,
            lambda: self._store.transaction(
                partial(self._carry_out, batch=batch, is_again=is_again)
            ),
        )
        for outcome, messages in outcomes.items():
            MESSAGES.labels(self._topic.name, outcome).inc(len(messages))
        for message in outcomes["removed"]:
            record = message.record
            _log.warning(
                "tombstone.applied",
                topic=self._topic.name,
                key=record.key,
                position=record.position,
            )

    async def _carry_out(
        self, transaction: Transaction, batch: Sequence[Incoming], is_again: bool
    ) -> dict[str, list[Incoming]]:
        if is_again:
            batch = await self._inbox_store.delete_newer(transaction, batch)
        batch, tombstones = _split_tombstones(batch)
        await self._remove(transaction, tombstones)
        batch, effective = await self._hold_jumps(transaction, batch)
        applied = [message for message in batch if message.event is not None]
        events = [message.event for message in applied if message.event is not None]
        if events:
            transaction.raise_level(max(event.level for event in events))
            # A redelivered state is not above the stored version, and has no effect.
            self._inbox_store.note_deliveries(transaction, effective)
            await self._handler(transaction, events)
        return {
            "removed": tombstones,
            "applied": applied,
            "newer": await self._hold(
                transaction, "newer", [message for message in batch if message.is_newer]
            ),
            "dead": await self._hold(
                transaction, "dead", [message for message in batch if message.fault is not None]
            ),
        }

    async def _remove(self, transaction: Transaction, tombstones: Sequence[Incoming]) -> None:
        """Remove the documents of deleted entities, and what is held of their earlier states."""
        if not tombstones:
            return
        for name, field_name in self._collections.items():
            await transaction.collection(name).bulk_write(
                [DeleteMany({field_name: message.record.key}) for message in tombstones],
                ordered=False,
                session=transaction.session,
            )
        await self._inbox_store.discard_before(transaction, tombstones)

    async def _hold(
        self, transaction: Transaction, state: str, batch: Sequence[Incoming]
    ) -> list[Incoming]:
        """Insert held entries for the messages that have no entry; return these messages."""
        batch = await self._inbox_store.rename_reused_positions(transaction, batch)
        messages = {message.id: message for message in batch}
        if messages:
            seen = await self._inbox_store.find_seen(transaction, list(messages.values()))
            messages = {each: message for each, message in messages.items() if each not in seen}
            await self._inbox_store.insert(transaction, state, list(messages.values()))
        return list(messages.values())

    async def _hold_jumps(
        self, transaction: Transaction, batch: Sequence[Incoming]
    ) -> tuple[list[Incoming], list[Incoming]]:
        """Turn each state whose version jumps into a dead letter; a first version may be any.

        Returns the batch, and the messages of it whose version is above the stored one.
        """
        known = await self._find_versions(transaction, batch)
        checked, effective = [], []
        for message in batch:
            state = find_state(message)
            is_above = state is not None and state[1] > known.get(state[0], -1)
            judged = mark_jump(known, message)
            checked.append(judged)
            if is_above and judged.fault is None:
                effective.append(judged)
        return checked, effective

    async def _find_versions(
        self, transaction: Transaction, batch: Sequence[Incoming]
    ) -> dict[str, int]:
        entities = {state[0] for message in batch if (state := find_state(message))}
        return await _read_versions(transaction, self._collection, entities)


def _split_tombstones(batch: Sequence[Incoming]) -> tuple[list[Incoming], list[Incoming]]:
    """Split the last tombstone of each key from the batch, and drop what it has before it."""
    last = {message.record.key: rank for rank, message in enumerate(batch) if message.is_tombstone}
    rest = [
        message for rank, message in enumerate(batch) if rank > last.get(message.record.key, -1)
    ]
    return rest, [batch[rank] for rank in last.values()]


def mark_jump(known: dict[str, int], message: Incoming) -> Incoming:
    """Return the message, with a fault when its version jumps; else note its version in `known`."""
    state = find_state(message)
    if state is None:
        return message
    entity, version = state
    ours = known.setdefault(entity, version)
    if version > ours + _JUMP_MAX:
        return message.with_fault(
            f"version {version} of {entity}, of which {ours} is known, is held"
        )
    known[entity] = max(ours, version)
    return message


def find_state(message: Incoming) -> tuple[str, int] | None:
    """Read the id of the entity whose state a message holds, and its version; None without one."""
    if message.event is None:
        return None
    data = message.event.data
    entity, version = getattr(data, data.entity or "dossier_id", None), data.version
    return None if entity is None else (entity, version)


async def _read_versions(
    transaction: Transaction, collection: str, ids: Iterable[str]
) -> dict[str, int]:
    """Read the stored version of each state."""
    known: dict[str, int] = {}
    for page in split_pages(ids):
        found = transaction.collection(collection).find(
            {"_id": {"$in": page}}, {"version": 1}, session=transaction.session
        )
        known |= {row["_id"]: row["version"] async for row in found if "version" in row}
    return known


def split_pages(ids: Iterable[str]) -> Iterator[list[str]]:
    """Split ids into pages, each for one query: a long `$in` is slow."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), _READ_AT_ONCE):
        yield ordered[start : start + _READ_AT_ONCE]


async def check_owners(
    transaction: Transaction, collection: str, claims: Iterable[tuple[str, str]], field: str = "_id"
) -> None:
    """Check the owners of pieces: none is claimed by a dossier while another dossier has it.

    Args:
        collection: where documents name a piece by `field` and its dossier by `dossier_id`.
        claims: pieces, each with the dossier that claims it.

    Raises ElsewhereError. Otherwise a party of one dossier could read the files of the other.
    """
    owners: dict[str, str] = {}
    for piece, dossier in claims:
        _judge_owner(piece, dossier, owners.setdefault(piece, dossier))
    for page in split_pages(owners):
        found = transaction.collection(collection).find(
            {field: {"$in": page}},
            {field: 1, "dossier_id": 1},
            session=transaction.session,
        )
        async for row in found:
            _judge_owner(row[field], owners[row[field]], row["dossier_id"])


def _judge_owner(piece: str, dossier: str, owner: str) -> None:
    if dossier != owner:
        raise ElsewhereError(f"piece {piece} is claimed by dossier {dossier}; {owner} has it")


async def keep_newest(
    transaction: Transaction, collection: str, states: Iterable[Document]
) -> frozenset[str]:
    """Upsert the states whose `version` is newer than the stored one; return their ids."""
    rows = list(states)
    known = await _read_versions(transaction, collection, {row["_id"] for row in rows})
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
    return frozenset(newer)
