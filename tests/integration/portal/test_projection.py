"""The read model: the latest state of each dossier, whatever came when, and from nothing."""

import asyncio
import os
import signal
from typing import Any

from aiokafka import AIOKafkaConsumer
from pymongo import AsyncMongoClient

from deploy.local import Platform
from services.portal.adapters.documents import PIECES
from services.portal.adapters.dossier_projection import DOSSIERS, project_dossiers
from services.portal.adapters.pieces import MongoPieces
from services.portal.domain.criteria import Criteria
from shared.contracts.routing_v1 import DossierChanged
from shared.contracts.topics import DOSSIER, STRUCTURE
from shared.runtime.messaging.principals import PRINCIPALS
from shared.runtime.store.database import Store, Transaction
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.portal.world import World
from tests.kit.states import MOE, a_piece, a_state, build_event
from tests.kit.waiting import wait_until

GROUP = "portal.projections"


async def test_an_older_version_changes_nothing_and_a_newer_one_everything(world: World) -> None:
    first = world.state("1", 1, world.piece("a"), world.piece("gone"))
    second = world.state("1", 2, world.piece("a", status=Status.SUSPENDUE), world.piece("b"))
    await world.tell(second, first, second)

    assert set(await world.search(Role.MOE)) == {"a", "b"}
    assert await world.search(Role.MOE, status="SUSPENDUE") == ["a"]

    await world.tell(world.state("1", 3, world.piece("b")))

    assert await world.search(Role.MOE) == ["b"]


async def test_a_structure_that_leaves_a_dossier_sees_it_no_more(world: World) -> None:
    await world.tell(world.state("1", 1, world.piece("a")))
    assert await world.search(Role.MOE) == ["a"]
    parties = world.parties.model_copy(update={"moe": None})

    await world.tell(world.state("1", 2, world.piece("a"), parties=parties))

    assert await world.search(Role.MOE) == []
    assert await world.search(Role.MOA) == ["a"]


async def test_the_versions_of_a_batch_leave_the_latest(store: Store) -> None:
    pieces = MongoPieces(store)
    await pieces.prepare()
    versions = [
        a_state("d", 2, [a_piece("p", status=Status.SUSPENDUE), a_piece("new")]),
        a_state("d", 1, [a_piece("p"), a_piece("gone")]),
        a_state("other", 1, [a_piece("elsewhere")]),
    ]

    await project(store, *versions[1:])
    await project(store, *versions)

    found = await pieces.search(Actor(Role.MOE, MOE), Criteria(), None, 10)
    assert {piece.id: piece.whole.status for piece in found} == {
        "p": Status.SUSPENDUE,
        "new": Status.A_ASSOCIER_MOE,
        "elsewhere": Status.A_ASSOCIER_MOE,
    }
    kept = {row["_id"]: row["version"] async for row in store.collection(DOSSIERS).find()}
    assert kept == {"d": 2, "other": 1}


async def project(store: Store, *states: DossierChanged) -> None:
    async def work(transaction: Transaction) -> None:
        await project_dossiers(transaction, [build_event(state) for state in states])

    await store.transaction(work)


async def test_the_topics_alone_rebuild_everything(portal: Platform, world: World) -> None:
    await world.name(Role.MOE, 1, "Atelier du Pont")
    await world.tell(
        world.state("1", 1, world.piece("a")),
        world.state("1", 2, world.piece("a", status=Status.SUSPENDUE)),
        world.state("2", 1, world.piece("b"), awaited=world.build_awaited(Role.MOE, "b")),
    )
    before = await shown(world)
    assert len(before[0]["pieces"]) == 2

    try:
        await lose_everything(portal)
    finally:
        await asyncio.to_thread(portal.restart, "portal")

    async def is_rebuilt() -> bool:
        return await shown(world) == before

    # Where the broker's end offsets are wrong the service is ready once nothing has come for long.
    await wait_until(is_rebuilt, "all is there again", 30)


async def shown(world: World) -> list[dict[str, Any]]:
    return [await world.page(Role.MOE), await world.get("/dashboard", Role.MOE)]


async def lose_everything(portal: Platform) -> None:
    """Stop the service, drop its collections, and let its group read again from the beginning.

    The rights of users stay: the kit of the tests puts them there, not a topic.
    """
    os.kill(portal.get_pid("portal"), signal.SIGTERM)
    await wait_until(lambda: not portal.is_alive("portal"), "the portal has stopped")
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(portal.addresses.mongo)
    async with client:
        database = client["portal"]
        assert await database[PIECES.collection].count_documents({}) > 0
        for name in {*await database.list_collection_names()} - {PRINCIPALS.collection}:
            await database.drop_collection(name)
    reader = AIOKafkaConsumer(
        DOSSIER.name,
        STRUCTURE.name,
        bootstrap_servers=portal.addresses.kafka,
        group_id=GROUP,
        enable_auto_commit=False,
    )
    async with reader:
        await wait_until(reader.assignment, "the group is joined in the portal's place", 30)
        await reader.commit(dict.fromkeys(reader.assignment(), 0))
