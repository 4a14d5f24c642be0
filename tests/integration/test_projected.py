"""What projections do not believe: a version that jumps, a piece that another dossier has."""

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest

from services.deposit.adapters import dossier_projection as deposit
from services.notification.statuses.adapters.mongo import MongoStatuses
from services.notification.statuses.entrypoints.events import keep_statuses
from services.portal.adapters import dossier_projection as portal
from services.routing.adapters.dossiers import MongoDossierChange, MongoDossiers
from services.routing.application.router import Router
from services.routing.domain.decision import MessageError
from services.routing.entrypoints import consumers as routing
from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.envelope import Event, encode
from shared.contracts.organisation_v1 import StructureChanged
from shared.contracts.routing_v1 import DossierChanged, StatusChanged
from shared.contracts.topics import DOSSIER, STRUCTURE
from shared.runtime.messaging.directory import Directory, keep_structures, project_structures
from shared.runtime.messaging.parsing import Record
from shared.runtime.messaging.projection import ElsewhereError, Projection, ProjectionConfig
from shared.runtime.store.database import Store, Transaction
from shared.runtime.store.feed import Feed
from tests.kit.events import NOW
from tests.kit.golden import read_golden
from tests.kit.states import a_piece, a_state, build_event

_PROJECTED = {
    "structures": (STRUCTURE, ProjectionConfig(project_structures, "structures")),
    "deposit": (DOSSIER, ProjectionConfig(deposit.project_dossiers, "dossiers")),
    "portal": (
        DOSSIER,
        ProjectionConfig(portal.project_dossiers, "dossiers", parts={"pieces": "dossier_id"}),
    ),
    "routing": (
        STRUCTURE,
        ProjectionConfig(routing.project_structures(MongoDossiers), "structures"),
    ),
}


class Desk:
    """A projection, and what it knows."""

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.topic, projecting = _PROJECTED[name]
        self.collection = projecting.collection
        self.projection = Projection(store, self.topic, projecting, lambda: NOW)
        self._told = 0

    async def tell(self, *versions: int, entity: str = "e1") -> None:
        batch = [self._record(entity, version) for version in versions]
        await self.projection.process(batch)

    def _record(self, entity: str, version: int) -> Record:
        event: Event[Any]
        if self.topic is STRUCTURE:
            event = read_golden(StructureChanged, entity, structure=entity, version=version)
        else:
            event = build_event(a_state(entity, version))
        self._told += 1
        position = f"{self.topic.name}/0/{self._told}"
        return Record(self.topic.name, entity, encode(event), {}, position)

    async def delete(self, entity: str = "e1") -> None:
        await self.projection.process([self.a_tombstone(entity)])

    def a_tombstone(self, entity: str = "e1") -> Record:
        self._told += 1
        position = f"{self.topic.name}/0/{self._told}"
        return Record(self.topic.name, entity, b"", {}, position, is_null=True)

    async def known(self, entity: str = "e1") -> int | None:
        row = await self.store.collection(self.collection).find_one({"_id": entity})
        return row["version"] if row else None

    async def held(self) -> list[Any]:
        found = self.store.collection("inbox").find({"state": "dead"})
        return await found.to_list(None)

    async def ask(self, entry: str, state: str) -> None:
        await self.store.collection("inbox").update_one({"_id": entry}, {"$set": {"state": state}})
        await self.projection.sweep()


@pytest.fixture(params=_PROJECTED)
async def desk(store: Store, request: pytest.FixtureRequest) -> Desk:
    desk = Desk(store, request.param)
    await desk.projection.prepare()
    return desk


async def test_a_version_that_jumps_is_held_and_the_real_ones_are_believed(desk: Desk) -> None:
    await desk.tell(5)
    await desk.tell(900_000, 6)
    await desk.tell(106, 107, 207, 308)

    assert await desk.known() == 207
    reasons = [entry["reason"] for entry in await desk.held()]
    assert ["version 900000 of e1" in reasons[0], "version 308 of e1" in reasons[1]] == [True] * 2


async def test_a_version_that_no_service_gives_is_a_dead_letter(desk: Desk) -> None:
    event = json.loads(desk._record("e1", 1).value)  # noqa: SLF001
    event["data"]["version"] = 10**12
    body = json.dumps(event).encode()

    await desk.projection.process([Record(desk.topic.name, "e1", body, {}, "t/0/1")])

    assert await desk.known() is None
    (dead,) = await desk.held()
    assert "a version is from 1 to 1000000" in dead["reason"]


async def test_other_bytes_at_the_same_offset_of_a_topic_made_again_are_kept(desk: Desk) -> None:
    for value in (b"{", b"[", b"{", b"["):
        await desk.projection.process([Record(desk.topic.name, "e1", value, {}, "t/0/1")])

    assert sorted(entry["value"] for entry in await desk.held()) == [b"[", b"{"]


async def test_on_a_first_sight_any_version_may_come_as_compaction_leaves_the_last(
    desk: Desk,
) -> None:
    await desk.tell(4_000)
    await desk.tell(4_001, 3_999)

    assert await desk.known() == 4_001
    assert await desk.held() == []


async def test_a_jump_that_an_operator_replays_is_believed(desk: Desk) -> None:
    await desk.tell(1, 500)
    (entry,) = await desk.held()

    await desk.ask(entry["_id"], "replay")

    assert (await desk.known(), await desk.held()) == (500, [])
    await desk.tell(501)
    assert await desk.known() == 501


async def test_a_tombstone_removes_its_entity_and_a_later_state_tells_it_anew(desk: Desk) -> None:
    await desk.tell(5)
    await desk.tell(3, entity="e2")

    await desk.delete()
    assert (await desk.known(), await desk.known("e2")) == (None, 3)
    assert await desk.held() == []

    await desk.tell(1)
    assert await desk.known() == 1


async def test_of_one_batch_what_follows_the_tombstone_counts(desk: Desk) -> None:
    before, after = desk._record("e1", 5), desk._record("e2", 5)  # noqa: SLF001
    tombstones = [desk.a_tombstone("e1"), desk.a_tombstone("e2")]
    anew = desk._record("e2", 2)  # noqa: SLF001
    batch = [before, after, *tombstones, anew]

    for _ in range(2):  # delivered twice
        await desk.projection.process(batch)

    assert (await desk.known(), await desk.known("e2")) == (None, 2)
    assert await desk.held() == []


async def test_a_tombstone_discards_what_is_held_of_before_and_nothing_of_after(
    desk: Desk,
) -> None:
    await desk.tell(1, 500)
    tombstone = desk.a_tombstone()
    assert len(await desk.held()) == 1

    await desk.projection.process([tombstone])
    assert (await desk.known(), await desk.held()) == (None, [])

    await desk.tell(1, 700)
    await desk.projection.process([tombstone])
    (entry,) = await desk.held()
    assert "version 700" in entry["reason"]


async def test_a_tombstone_takes_its_dossier_from_the_portal_and_no_piece_from_deposit(
    store: Store,
) -> None:
    desks = {name: Desk(store, name) for name in ("portal", "deposit")}
    for desk in desks.values():
        await desk.projection.prepare()
    await desks["portal"].projection.process(
        [
            Record(DOSSIER.name, each.data.dossier_id, encode(each), {}, f"t/0/{rank}")
            for rank, each in enumerate((*states("p1", "d1"), *states("p2", "d2")))
        ]
    )
    await desks["portal"].delete("d1")
    pieces = store.collection("pieces")
    assert [row["_id"] async for row in pieces.find()] == ["p2"]

    # Of record, in the database of deposit.
    await pieces.insert_one({"_id": "p1", "dossier_id": "d1"})
    await desks["deposit"].delete("d1")
    assert await pieces.count_documents({"_id": "p1"}) == 1


async def test_the_directory_gives_a_structure_as_it_was_last_told(store: Store) -> None:
    codes = [{"code": code, "name": code} for code in ("A.B", "$where", "TRAVAUX")]
    first, second = (
        read_golden(StructureChanged, "s1", structure="s1", version=version, services=codes)
        for version in (1, 2)
    )

    newer = [
        await store.transaction(partial(keep_structures, events=[each])) for each in (second, first)
    ]

    assert newer == [{"s1"}, set()]
    assert await Directory(store).find(["s1", "s2"]) == {"s1": second.data.to_domain()}
    assert await Directory(store).find_names(["s1", "s2"]) == {"s1": second.data.name}


Told = Callable[..., Awaitable[None]]


async def refused(store: Store, handle: Told, *batches: Sequence[Event[Any]]) -> bool:
    """Tell whether the last batch is refused."""
    *first, last = (partial(handle, events=batch) for batch in batches)
    for each in first:
        await store.transaction(each)
    try:
        await store.transaction(last)
    except (ElsewhereError, MessageError):
        return True
    return False


def states(piece: str, *dossiers: str) -> list[Event[DossierChanged]]:
    return [build_event(a_state(each, 1, [a_piece(piece)])) for each in dossiers]


async def test_the_portal_shows_a_piece_to_the_parties_of_one_dossier(store: Store) -> None:
    first, second = states("p1", "d1", "d2")

    assert await refused(store, portal.project_dossiers, [first], [second])
    assert await refused(store, portal.project_dossiers, states("p2", "d3", "d4"))
    assert not await refused(store, portal.project_dossiers, [first], states("p5", "d5"))
    pieces = await store.collection("pieces").find({"_id": "p1"}).to_list(None)
    assert [piece["dossier_id"] for piece in pieces] == ["d1"]


async def test_deposit_knows_whose_its_pieces_are(store: Store) -> None:
    await store.collection("pieces").insert_one({"_id": "p1", "dossier_id": "d1"})

    assert await refused(store, deposit.project_dossiers, states("p1", "d2"))
    assert not await refused(store, deposit.project_dossiers, states("p1", "d1"))


async def test_no_piece_has_the_statuses_of_two_dossiers(store: Store) -> None:
    handle = keep_statuses(MongoStatuses(store, Feed(store, "statuses")).keep)
    first, second, third = (
        read_golden(StatusChanged, entity, dossier_id=entity, piece_id=piece)
        for entity, piece in (("d1", "p1"), ("d2", "p1"), ("d3", "p3"))
    )

    assert await refused(store, handle, [first], [second])
    assert not await refused(store, handle, [third])


async def test_routing_opens_no_second_dossier_by_the_same_piece(store: Store) -> None:
    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        await Router(MongoDossierChange(transaction), NOW, True).take_pieces(events)

    def opener(dossier: str, piece: str) -> Event[PieceDeposited]:
        changes = {"dossier_id": dossier, "piece_id": piece, "directory": {}}
        return read_golden(PieceDeposited, dossier, **changes)

    assert await refused(store, handle, [opener("d1", "p1")], [opener("d2", "p1")])
    assert await refused(store, handle, [opener("d3", "p3"), opener("d4", "p3")])
    assert not await refused(store, handle, [opener("d5", "p5")])
