"""A read model is rebuilt from its topic: nothing older, nothing false, nothing newer undone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from services.portal.adapters.dossier_projection import project_dossiers
from shared.contracts.envelope import Event, encode
from shared.contracts.routing_v1 import DossierChanged
from shared.contracts.topics import DOSSIER
from shared.runtime.messaging.parsing import Record
from shared.runtime.messaging.projection import Projection, ProjectionConfig
from shared.runtime.messaging.rebuild import Rebuild, replace_not_newer
from shared.runtime.messaging.topic_reader import TopicReader
from shared.runtime.store.database import Document, Store, Transaction
from tests.kit.events import NOW
from tests.kit.namespaces import Namespace
from tests.kit.states import a_piece, a_state, build_event
from tests.kit.waiting import scale_timeout

Handle = Callable[[Transaction, Sequence[Event[DossierChanged]]], Awaitable[None]]


@dataclass
class Portal:
    """The read model of the portal, its live projection, and the topic that both read."""

    namespace: Namespace
    store: Store
    producer: AIOKafkaProducer
    said: list[str] = field(default_factory=list)
    handled: list[tuple[str, int]] = field(default_factory=list)
    """What the handler of the rebuild was given."""

    async def publish(self, *states: DossierChanged, key: str | None = None) -> None:
        """Publish states, and let the live projection take them."""
        for state in states:
            await self.publish_bytes(encode(build_event(state)), key or state.dossier_id)

    async def publish_bytes(self, value: bytes, key: str) -> None:
        topic = self.namespace.prefix + DOSSIER.name
        at = await self.producer.send_and_wait(topic, value, key=key.encode())
        position = f"{topic}/{at.partition}/{at.offset}"
        await self.live.process([Record(topic, key, value, {}, position)])

    async def delete(self, key: str, *, is_seen: bool = True) -> None:
        """Publish a tombstone; the live projection takes it, unless it never saw it."""
        topic = self.namespace.prefix + DOSSIER.name
        at = await self.producer.send_and_wait(topic, None, key=key.encode())
        position = f"{topic}/{at.partition}/{at.offset}"
        if is_seen:
            await self.live.process([Record(topic, key, b"", {}, position, is_null=True)])

    @property
    def live(self) -> Projection:
        return Projection(self.store, DOSSIER, self.config(), lambda: NOW)

    def config(self, handler: Handle = project_dossiers) -> ProjectionConfig:
        return ProjectionConfig(
            handler, "dossiers", parts={"pieces": "dossier_id"}, prepare=self.prepare
        )

    async def prepare(self) -> None:
        """Create two indexes: each of the portal's forty takes SecantusDB half a second to drop."""
        pieces = self.store.collection("pieces")
        await pieces.create_index([("dossier_id", 1), ("version", 1)])
        await pieces.create_index([("seen_by", 1), ("order", -1)])

    async def rebuild(
        self,
        handler: Handle = project_dossiers,
        kind: type[Rebuild] = Rebuild,
        *,
        remove_untold: bool = False,
    ) -> bool:
        async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
            await handler(transaction, events)
            self.handled += [(event.data.dossier_id, event.data.version) for event in events]

        settings = self.namespace.settings(max_batch=7)
        config = self.config(handle)
        rebuild = kind(
            self.store,
            DOSSIER,
            config,
            lambda: NOW,
            settings,
            self.said.append,
            remove_untold=remove_untold,
        )
        async with asyncio.timeout(scale_timeout(60)):
            return await rebuild.run()

    async def dump(self) -> dict[str, list[Document]]:
        return {
            name: await self.store.collection(name).find().sort("_id", 1).to_list(None)
            for name in ("dossiers", "pieces")
        }

    async def versions(self) -> dict[str, int]:
        return {row["_id"]: row["version"] for row in (await self.dump())["dossiers"]}

    async def drop(self) -> None:
        for name in ("dossiers", "pieces"):
            await self.store.collection(name).drop()

    async def dead(self) -> list[str]:
        rows = await self.store.collection("inbox").find({"state": "dead"}).to_list(None)
        return [row["reason"] for row in rows]


@pytest.fixture
async def portal(namespace: Namespace, store: Store) -> AsyncIterator[Portal]:
    namespace.provision([DOSSIER])
    address = namespace.platform.addresses.kafka
    async with AIOKafkaProducer(bootstrap_servers=address) as producer:
        portal = Portal(namespace, store, producer)
        await portal.live.prepare()
        await portal.prepare()
        yield portal


def moving(dossier: str, *versions: int) -> list[DossierChanged]:
    """A dossier that gets a piece more in each version."""
    return [
        a_state(dossier, version, [a_piece(f"{dossier}-p{rank}") for rank in range(1, version + 1)])
        for version in versions
    ]


async def publish_some(portal: Portal) -> None:
    for rank in range(1, 9):
        await portal.publish(*moving(f"d{rank}", *range(1, 1 + rank % 4 + 1)))


async def test_what_is_dropped_is_rebuilt_with_its_indexes_and_each_state_written_once(
    portal: Portal,
) -> None:
    await publish_some(portal)
    before = await portal.dump()
    indexes = await portal.store.collection("pieces").index_information()
    await portal.drop()

    assert await portal.rebuild()

    assert await portal.dump() == before
    assert {len(before["dossiers"]), len(before["pieces"])} == {8, 20}
    assert (await portal.store.collection("pieces").index_information()).keys() == indexes.keys()
    newest = [(f"d{rank}", rank % 4 + 1) for rank in range(1, 9)]
    assert sorted(portal.handled) == newest
    assert portal.said[-1] == "dossiers: 8 of 8 states are rebuilt"


async def test_what_is_damaged_is_replaced_and_what_no_record_tells_of_removed(
    portal: Portal,
) -> None:
    await publish_some(portal)
    before = await portal.dump()
    dossiers, pieces = (portal.store.collection(name) for name in ("dossiers", "pieces"))
    await pieces.update_one({"_id": "d3-p1"}, {"$set": {"number": "changed"}})
    await pieces.delete_one({"_id": "d3-p2"})
    await pieces.insert_one({"_id": "d3-p9", "dossier_id": "d3", "version": 4})
    await pieces.insert_one({"_id": "x-p1", "dossier_id": "x", "version": 1})
    await pieces.insert_one({"_id": "nobody's"})
    await dossiers.insert_one({"_id": "x", "version": 3})
    await dossiers.update_one({"_id": "d5"}, {"$set": {"version": 900}})
    await dossiers.update_one({"_id": "d6"}, {"$unset": {"version": 1}})
    await dossiers.update_one({"_id": "d7"}, {"$set": {"version": 1}})

    assert await portal.rebuild(remove_untold=True)

    assert await portal.dump() == before
    assert (
        "dossiers: 4 documents removed, of which no record tells, or in no such version"
        in portal.said
    )


async def test_what_no_record_tells_of_is_kept_and_named_unless_it_is_to_be_removed(
    portal: Portal,
) -> None:
    await publish_some(portal)
    dossiers, pieces = (portal.store.collection(name) for name in ("dossiers", "pieces"))
    await dossiers.insert_one({"_id": "x", "version": 3})
    await pieces.insert_one({"_id": "y-p1", "dossier_id": "y", "version": 1})
    await dossiers.update_one({"_id": "d5"}, {"$set": {"version": 9}})
    await pieces.delete_one({"_id": "d3-p2"})

    assert not await portal.rebuild()

    assert portal.said[-2] == "dossiers: 7 of 8 states are rebuilt"
    assert portal.said[-1] == (
        "dossiers: NOT told by the topic, or in no such version, and kept: d5, x, y; where the "
        "topic has lost no record, run it again with --remove-untold"
    )
    versions = await portal.versions()
    assert (versions["x"], versions["d5"]) == (3, 9)
    kept = {piece["_id"] for piece in (await portal.dump())["pieces"]}
    assert {"y-p1", "d3-p2", "d5-p1", "d5-p2"} <= kept


async def test_what_a_tombstone_deleted_is_removed_and_what_follows_it_is_told_anew(
    portal: Portal,
) -> None:
    await publish_some(portal)
    await portal.publish_bytes(b"{", "d4")
    for dossier in ("d2", "d3", "d4"):
        await portal.delete(dossier, is_seen=False)
    topic = portal.namespace.prefix + DOSSIER.name
    (anew,) = moving("d3", 1)
    await portal.producer.send_and_wait(topic, encode(build_event(anew)), key=b"d3")

    assert await portal.rebuild()

    assert await portal.versions() == {"d1": 2, "d3": 1, "d5": 2, "d6": 3, "d7": 4, "d8": 1}
    pieces = {piece["_id"] for piece in (await portal.dump())["pieces"]}
    assert {name for name in pieces if name[:2] in {"d2", "d3", "d4"}} == {"d3-p1"}


async def test_what_a_tombstone_deleted_is_named_when_an_unreadable_record_follows_it(
    portal: Portal,
) -> None:
    await publish_some(portal)
    await portal.delete("d2", is_seen=False)
    await portal.publish_bytes(b"{", "d2")

    assert not await portal.rebuild()

    assert "d2" in await portal.versions()
    (line,) = (line for line in portal.said if "NOT told by the topic" in line)
    assert " and kept: d2;" in line

    assert await portal.rebuild(remove_untold=True)

    assert "d2" not in await portal.versions()


async def test_a_topic_of_tombstones_alone_empties_the_read_model(portal: Portal) -> None:
    await portal.store.collection("dossiers").insert_one({"_id": "d1", "version": 3})
    await portal.delete("d1", is_seen=False)

    assert await portal.rebuild()

    assert await portal.versions() == {}


async def test_what_a_tombstone_deletes_meanwhile_stays_deleted(portal: Portal) -> None:
    class Interrupted(Rebuild):
        async def _write(self, reader: TopicReader) -> None:
            await portal.delete("d3")
            await portal.delete("d4")
            await portal.publish(*moving("d4", 2))
            await super()._write(reader)

    await publish_some(portal)

    assert await portal.rebuild(kind=Interrupted)

    versions = await portal.versions()
    assert "d3" not in versions
    assert versions["d4"] == 2
    assert "d3-p1" not in {piece["_id"] for piece in (await portal.dump())["pieces"]}


async def test_a_newer_state_stays_when_an_older_one_is_written_again(portal: Portal) -> None:
    handler = replace_not_newer(portal.config()).handler
    older, newer = moving("d1", 2, 3)
    await portal.publish(newer)
    before = await portal.dump()

    await portal.store.transaction(lambda transaction: handler(transaction, [build_event(older)]))

    assert await portal.dump() == before


async def test_states_that_come_meanwhile_are_kept(portal: Portal) -> None:
    await publish_some(portal)
    # Not dropped: SecantusDB stands still when indexes are made beside open transactions.
    for name in ("dossiers", "pieces"):
        await portal.store.collection(name).delete_many({})

    async def move() -> None:
        for version in range(5, 9):
            for rank in range(1, 9):
                await portal.publish(*moving(f"d{rank}", version))
            await portal.publish(*moving(f"e{version}", 1))

    moved = asyncio.create_task(move())
    done = await portal.rebuild()
    await moved

    assert done
    expected = {f"d{rank}": 8 for rank in range(1, 9)} | {f"e{v}": 1 for v in range(5, 9)}
    assert await portal.versions() == expected
    pieces = (await portal.dump())["pieces"]
    assert len(pieces) == 8 * 8 + 4
    assert {piece["version"] for piece in pieces} == {1, 8}


async def test_a_state_that_was_ignored_for_a_false_version_is_written(portal: Portal) -> None:
    class Interrupted(Rebuild):
        async def _judge_untold(self, stored: dict[str, dict[str | None, int]]) -> None:
            await portal.publish(*moving("d1", 2))
            await super()._judge_untold(stored)

    await portal.publish(*moving("d1", 1))
    await portal.store.collection("dossiers").update_one({"_id": "d1"}, {"$set": {"version": 90}})

    assert await portal.rebuild(kind=Interrupted, remove_untold=True)

    assert await portal.versions() == {"d1": 2}


async def test_a_handler_that_writes_an_older_version_is_named(portal: Portal) -> None:
    async def age(transaction: Transaction, events: Sequence[Event[DossierChanged]]) -> None:
        await project_dossiers(
            transaction,
            [replace_version(event, 2) if event.dossierid == "d3" else event for event in events],
        )

    await publish_some(portal)
    await portal.drop()

    assert not await portal.rebuild(age)

    assert portal.said[-2] == "dossiers: 7 of 8 states are rebuilt"
    assert portal.said[-1].startswith("dossiers: NOT as the topic tells: d3;")


async def test_a_handler_that_leaves_pieces_behind_is_named(portal: Portal) -> None:
    async def leave(transaction: Transaction, events: Sequence[Event[DossierChanged]]) -> None:
        await project_dossiers(transaction, events)
        await transaction.collection("pieces").update_one(
            {"_id": "d2-p1"}, {"$set": {"version": 1}}, session=transaction.session
        )

    await publish_some(portal)

    assert not await portal.rebuild(leave)

    assert portal.said[-1].startswith("dossiers: NOT as the topic tells: d2;")


def replace_version(event: Event[DossierChanged], version: int) -> Event[DossierChanged]:
    return event.model_copy(update={"data": event.data.model_copy(update={"version": version})})


async def test_a_version_that_jumps_is_believed_only_when_an_operator_replayed_it(
    portal: Portal,
) -> None:
    await portal.publish(*moving("d1", 1), a_state("d1", 900), *moving("d1", 2))
    await portal.publish(*moving("d2", 1), a_state("d2", 500))
    inbox = portal.store.collection("inbox")
    replayed = {"state": "dead", "stream": "d2"}
    assert (await inbox.update_one(replayed, {"$set": {"state": "replay"}})).modified_count == 1
    await portal.live.sweep()
    assert await portal.versions() == {"d1": 2, "d2": 500}
    dead = await portal.dead()
    await portal.drop()

    assert await portal.rebuild()

    assert await portal.versions() == {"d1": 2, "d2": 500}
    assert await portal.dead() == dead
    assert "dossiers: 1 records left out: see the dead letters" in portal.said


@pytest.mark.parametrize("is_discarded", [False, True])
async def test_what_is_stored_of_a_version_that_is_held_is_kept(
    portal: Portal, is_discarded: bool
) -> None:
    await portal.publish(*moving("d2", 1))
    # Its record was compacted away when a false version came on its key.
    topic = portal.namespace.prefix + DOSSIER.name
    value = encode(build_event(moving("d1", 5)[0]))
    await portal.live.process([Record(topic, "d1", value, {}, f"{topic}/0/-1")])
    await portal.publish(a_state("d1", 900))
    if is_discarded:
        inbox = portal.store.collection("inbox")
        await inbox.update_one({"state": "dead"}, {"$set": {"state": "discard"}})
        await portal.live.sweep()
    before, dead = await portal.dump(), await portal.dead()

    assert await portal.rebuild(remove_untold=True)

    assert await portal.dump() == before
    assert await portal.dead() == dead


async def test_a_version_that_was_discarded_is_not_the_first_of_a_state_that_fails(
    portal: Portal,
) -> None:
    async def fail(transaction: Transaction, events: Sequence[Event[DossierChanged]]) -> None:
        if any((event.data.dossier_id, event.data.version) == ("d1", 1) for event in events):
            raise ValueError("a fault of the handler")
        await project_dossiers(transaction, events)

    await portal.publish(*moving("d1", 1), a_state("d1", 900), *moving("d2", 1))
    inbox = portal.store.collection("inbox")
    await inbox.update_one({"state": "dead"}, {"$set": {"state": "discard"}})
    await portal.live.sweep()
    await portal.drop()

    assert not await portal.rebuild(fail)

    assert await portal.versions() == {"d2": 1}


async def test_what_is_stored_of_a_record_that_cannot_be_read_is_kept(portal: Portal) -> None:
    await portal.publish(*moving("d1", 1))
    await portal.publish_bytes(b"{", "d2")
    await portal.store.collection("dossiers").insert_one({"_id": "d2", "version": 4})

    assert await portal.rebuild()

    assert await portal.versions() == {"d1": 1, "d2": 4}
    assert len(await portal.dead()) == 1


async def test_a_topic_without_a_state_changes_nothing(portal: Portal) -> None:
    assert await portal.rebuild()
    await portal.store.collection("dossiers").insert_one({"_id": "d1", "version": 4})

    assert not await portal.rebuild()

    assert await portal.versions() == {"d1": 4}


async def test_it_may_be_interrupted_anywhere_and_run_again(portal: Portal) -> None:
    await publish_some(portal)
    before = await portal.dump()
    await portal.drop()
    turns = iter(range(100))

    async def stop_early(transaction: Transaction, events: Sequence[Event[DossierChanged]]) -> None:
        if next(turns) == 1:
            raise asyncio.CancelledError
        await project_dossiers(transaction, events)

    with pytest.raises(asyncio.CancelledError):
        await portal.rebuild(stop_early)
    assert 0 < len(await portal.versions()) < 8

    assert await portal.rebuild()

    assert await portal.dump() == before


@pytest.mark.usefixtures("native_backbone")
async def test_the_end_of_a_topic_may_be_the_mark_of_a_transaction(portal: Portal) -> None:
    await portal.publish(*moving("d1", 1))
    await portal.drop()
    address = portal.namespace.platform.addresses.kafka
    name = portal.namespace.prefix
    value = encode(build_event(moving("d2", 1)[0]))
    async with (
        AIOKafkaProducer(bootstrap_servers=address, transactional_id=name) as producer,
        producer.transaction(),
    ):
        await producer.send_and_wait(name + DOSSIER.name, value, key=b"d2")

    assert await portal.rebuild()

    assert await portal.versions() == {"d1": 1, "d2": 1}
