"""Rebuild of a read model from its compacted topic, beside the replicas that go on serving."""

from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, replace
from typing import Any

from shared.contracts.envelope import Event
from shared.contracts.topics import Topic
from shared.runtime.backoff import retry_transient
from shared.runtime.clock import Clock
from shared.runtime.messaging.inbox_store import InboxStore
from shared.runtime.messaging.parsing import Incoming, Record, RecordParser
from shared.runtime.messaging.projection import (
    Projection,
    ProjectionConfig,
    find_state,
    mark_jump,
)
from shared.runtime.messaging.topic_reader import TopicReader
from shared.runtime.settings import RuntimeSettings
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import DeleteMany

_WRITTEN_AT_ONCE = 100
"""States in one transaction: few, so that the live projection seldom has to wait for it."""
_REPORTED_EVERY = 5_000
_NAMED_MAX = 20
_NONE = -1
"""Version of a document that has none."""

Tell = Callable[[str], None]
Versions = dict[str | None, int]
"""Version of each entity."""


class NoReadModelError(ValueError):
    """A collection is no read model: nothing can rebuild it."""


def select_read_models(
    service: str, read_models: Mapping[Topic, ProjectionConfig], collections: Collection[str]
) -> Mapping[Topic, ProjectionConfig]:
    """Select the projections that write these collections; all of them when none is named.

    Raises NoReadModelError for a collection that no projection of the service writes.
    """
    known = {name for config in read_models.values() for name in config.collections}
    if not known:
        raise NoReadModelError(
            f"{service} has no read model: what it stores is of record, and no topic can tell it "
            "again"
        )
    wrong = sorted(set(collections) - known)
    if wrong:
        raise NoReadModelError(
            f"no read model of {service}: {', '.join(wrong)}. Only {', '.join(sorted(known))} can "
            "be rebuilt; what other collections hold is of record, and kept nowhere else"
        )
    return {
        topic: config
        for topic, config in read_models.items()
        if not collections or config.collections.keys() & set(collections)
    }


@dataclass(frozen=True, slots=True)
class _Newest:
    """Newest version of an entity on the topic, and the position of its record."""

    version: int
    position: str


class Rebuild:
    """Rebuilds the collections of one projection. It can be interrupted, and run again.

    It reads the topic twice: first to find the newest version of each entity, then to write those
    alone. So no older state is ever shown or acted on, also where the collections are empty. A
    document is replaced in one transaction, by the handler of the live projection, unless it has a
    newer version: what the live projection writes meanwhile stays.
    """

    def __init__(
        self,
        store: Store,
        topic: Topic,
        config: ProjectionConfig,
        clock: Clock,
        settings: RuntimeSettings,
        tell: Tell,
        *,
        remove_untold: bool = False,
    ) -> None:
        """Prepare; `run` does the work, and reports its progress by `tell`, line by line.

        `remove_untold` removes the documents for which the topic holds no record. Without it they
        are kept, as the topic may have lost records.
        """
        self._store = store
        self._topic = topic
        self._config = config
        self._settings = settings
        self._tell = tell
        self._remove_untold = remove_untold
        self._parser = RecordParser(topic, is_sequenced=False)
        self._inbox_store = InboxStore(store, topic, clock)
        self._rewriter = _Rewriter(store, topic, replace_not_newer(config), clock)
        self._projection = Projection(store, topic, config, clock)
        self._newest: dict[str | None, _Newest] = {}
        self._known: dict[str, int] = {}
        self._unread_keys: set[str] = set()
        """Keys of records that hold no state, and entities of which a version is held: documents
        with these keys are not judged."""
        self._untold: set[str | None] = set()
        """Entities whose documents are kept, though the topic holds no record of their version."""
        self._skipped = 0
        """Number of those of which the topic holds an older version: it is not written."""
        self._held: dict[str, str] = {}
        """Positions of the records that the live projection holds (newer, faulty, or a jump), each
        with its key."""
        self._deleted: set[str] = set()
        """Entities of which the topic holds a tombstone: no document is older than it."""
        self._deleted_meanwhile: set[str] = set()
        """Entities whose tombstone came after the state that the rebuild has written."""
        self._records = 0

    async def run(self) -> bool:
        """Rebuild the collections.

        Returns whether every state is stored as the topic states it, or newer, and no document is
        kept without a record. For an empty topic: whether no document is stored.
        """
        await retry_transient("rebuild", self._projection.prepare)
        if self._config.prepare is not None:
            await retry_transient("rebuild", self._config.prepare)
        # Read before the end of the topic: each document comes from a record before that end, so
        # one without a record is false, and not newer.
        stored = {name: await self._scan(name, max) for name in self._config.collections}
        self._known = {
            str(key): version
            for key, version in stored[self._config.collection].items()
            if version != _NONE
        }
        async with TopicReader(self._topic, self._settings) as reader:
            await self._survey(reader.read_on())
            if not self._newest and not self._deleted:
                return self._refuse_empty_topic(stored.values())
            await self._judge_untold(stored)
            # The live projection may have ignored a state because of a document just removed.
            await self._survey(reader.read_on())
            await self._write(reader)
            await self._remove_deleted_meanwhile(reader)
        return await self._verify()

    def _report(self, text: str) -> None:
        self._tell(f"{self._config.collection}: {text}")

    def _refuse_empty_topic(self, stored: Iterable[Versions]) -> bool:
        """Change nothing when the topic holds no state: documents may be the last copy."""
        documents = sum(map(len, stored))
        self._report(f"{self._topic.name} holds no state; nothing is changed")
        return documents == 0

    async def _scan(self, collection: str, choose: Callable[[int, int], int]) -> Versions:
        """Read the stored version of each entity; of several documents, `choose` picks one."""
        return await retry_transient("rebuild", lambda: self._read_versions(collection, choose))

    async def _read_versions(self, collection: str, choose: Callable[[int, int], int]) -> Versions:
        field = self._config.collections[collection]
        found: Versions = {}
        rows = self._store.collection(collection).find({}, {field: 1, "version": 1})
        async for row in rows:
            key, version = row.get(field), row.get("version")
            if key is None or isinstance(key, str):
                ours = version if isinstance(version, int) else _NONE
                found[key] = choose(found.get(key, ours), ours)
        return found

    async def _survey(self, batches: AsyncIterator[list[Record]]) -> None:
        """Find the newest version of each entity on the topic, and the records that are held."""
        before = self._records
        async for records in batches:
            for record in records:
                await self._survey_record(record)
        if self._records > before:
            self._report(f"{self._records} records read, {len(self._newest)} states found")

    async def _survey_record(self, record: Record) -> None:
        self._records += 1
        if self._records % _REPORTED_EVERY == 0:
            self._report(f"{self._records} records read")
        message = self._parser.parse(record)
        if message.is_tombstone:
            self._forget(record.key)
            return
        state = find_state(message)
        if state is None:
            self._unread_keys.add(record.key)
            if not message.is_unknown:
                self._held[record.position] = record.key
            return
        entity, version = state
        if mark_jump(self._known, message).fault is not None:
            decided = await self._read_decision(message)
            if decided != "done":
                # The topic may tell of it in no other version, where an older one was compacted.
                self._unread_keys.add(entity)
                if decided not in {"discard", "discarded"}:
                    self._held[record.position] = record.key
                return
        self._known[entity] = max(version, self._known.get(entity, version))
        ours = self._newest.get(entity)
        if ours is None or version >= ours.version:
            self._newest[entity] = _Newest(version, record.position)

    def _forget(self, key: str) -> None:
        """Forget the records of an entity before its tombstone; those after it tell it anew."""
        self._deleted.add(key)
        self._newest.pop(key, None)
        self._known.pop(key, None)
        self._unread_keys.discard(key)
        self._held = {position: of for position, of in self._held.items() if of != key}

    async def _read_decision(self, message: Incoming) -> str | None:
        """Read what became of a message in the inbox: an operator may have decided on it."""
        return await retry_transient("rebuild", lambda: self._inbox_store.read_state(message.id))

    async def _judge_untold(self, stored: dict[str, Versions]) -> None:
        """Remove, or note, documents for which the topic holds no record of their version or above.

        A topic that was restored from an old copy holds older versions than are stored. What a
        tombstone has deleted is removed whatever was asked for, unless a record that cannot be read
        follows it.
        """
        removed = 0
        for name, versions in stored.items():
            untold = [
                (key, version)
                for key, version in versions.items()
                if (key not in self._unread_keys or key in self._deleted)
                and (key not in self._newest or version > self._newest[key].version)
            ]
            if not self._remove_untold:
                # An operator may have corrected an unread record that follows the tombstone.
                removed_anyway = self._deleted - self._unread_keys
                self._untold |= {key for key, _ in untold} - removed_anyway
                untold = [each for each in untold if each[0] in removed_anyway]
            field = self._config.collections[name]
            filters = [_match_not_newer(field, key, version) for key, version in untold]
            for page in _split(filters, _WRITTEN_AT_ONCE):
                removed += await self._delete(name, page)
        if removed:
            self._report(
                f"{removed} documents removed, of which no record tells, or in no such version"
            )

    async def _delete(self, collection: str, filters: Sequence[Document]) -> int:
        operations = [DeleteMany(each) for each in filters]
        done = await retry_transient(
            "rebuild",
            lambda: self._store.collection(collection).bulk_write(operations, ordered=False),
        )
        return int(done.deleted_count)

    async def _write(self, reader: TopicReader) -> None:
        for kept in self._untold:
            # An older state of the entity would remove its parts, and be refused by the handler.
            self._skipped += self._newest.pop(kept, None) is not None
        wanted = {each.position for each in self._newest.values()}
        written = 0
        async for records in self._note_deleted(reader.read_again()):
            chosen = [record for record in records if record.position in wanted]
            for page in _split(chosen, _WRITTEN_AT_ONCE):
                await self._rewriter.process(page)
                if written // _REPORTED_EVERY < (written + len(page)) // _REPORTED_EVERY:
                    self._report(f"{written + len(page)} states written")
                written += len(page)
        if self._held:
            # Held records come last: their jumps are judged against the states just written.
            async for records in self._note_deleted(reader.read_again()):
                held = [record for record in records if record.position in self._held]
                if held:
                    await self._projection.process(held)
            self._report(f"{len(self._held)} records left out: see the dead letters")

    async def _note_deleted(
        self, batches: AsyncIterator[list[Record]]
    ) -> AsyncIterator[list[Record]]:
        """Note the entities whose tombstone follows the state that is written."""
        async for records in batches:
            self._deleted_meanwhile |= {
                record.key
                for record in records
                if record.key in self._newest
                and record.follows(self._newest[record.key].position)
                and self._parser.parse(record).is_tombstone
            }
            yield records

    async def _remove_deleted_meanwhile(self, reader: TopicReader) -> None:
        """Remove states written after the live projection had taken their tombstones."""
        async for _ in self._note_deleted(reader.read_on()):
            pass
        written = {key: self._newest.pop(key).version for key in self._deleted_meanwhile}
        for name, field in self._config.collections.items():
            filters = [{field: key, "version": version} for key, version in written.items()]
            for page in _split(filters, _WRITTEN_AT_ONCE):
                await self._delete(name, page)

    async def _verify(self) -> bool:
        """Compare what is stored with the versions found on the topic."""
        behind = set()
        for name in self._config.collections:
            versions = await self._scan(name, min)
            is_complete = name == self._config.collection
            behind |= {
                str(key)
                for key, newest in self._newest.items()
                if versions.get(key, _NONE if is_complete else newest.version) < newest.version
            }
        told = len(self._newest) + self._skipped
        self._report(f"{len(self._newest) - len(behind)} of {told} states are rebuilt")
        if behind:
            names = _name_some(behind)
            self._report(
                f"NOT as the topic tells: {names}; see the dead letters, then run it again"
            )
        if self._untold:
            names = _name_some(set(map(str, self._untold)))
            self._report(
                f"NOT told by the topic, or in no such version, and kept: {names}; where the "
                "topic has lost no record, run it again with --remove-untold"
            )
        return not behind and not self._untold


class _Rewriter(Projection):
    """Projection of states whose versions were judged when the whole topic was read.

    Their deliveries are not logged again.
    """

    async def _hold_jumps(
        self,
        transaction: Transaction,  # noqa: ARG002
        batch: Sequence[Incoming],
    ) -> tuple[list[Incoming], list[Incoming]]:
        return list(batch), []


def replace_not_newer(config: ProjectionConfig) -> ProjectionConfig:
    """Let the handler write versions that are stored already, and none over a newer one.

    It runs in the transaction that deletes the documents which are not newer.
    """

    async def rewrite(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        for name, field in config.collections.items():
            operations = [
                DeleteMany(_match_not_newer(field, entity, version))
                for entity, version in map(_read_state, events)
            ]
            await transaction.collection(name).bulk_write(
                operations, ordered=False, session=transaction.session
            )
        await config.handler(transaction, events)

    return replace(config, handler=rewrite)


def _read_state(event: Event[Any]) -> tuple[str, int]:
    data = event.data
    return getattr(data, data.entity or "dossier_id"), data.version


def _match_not_newer(field: str, key: str | None, version: int) -> Document:
    """Match the documents of an entity whose version is not newer, or is none."""
    return {field: key, "version": {"$not": {"$gt": version}}}


def _name_some(entities: Collection[str]) -> str:
    left = len(entities) - _NAMED_MAX
    return ", ".join(sorted(entities)[:_NAMED_MAX]) + (f" and {left} more" if left > 0 else "")


def _split(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
