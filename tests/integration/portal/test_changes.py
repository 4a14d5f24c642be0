"""Pieces read forward by a mark: nothing is missed, and a hidden payment shows to nobody."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import Platform
from services.portal.adapters.documents import PIECES
from services.portal.adapters.dossier_projection import DOSSIERS, project_dossiers
from services.portal.adapters.marks import COLLECTION as MARKS
from services.portal.adapters.marks import build_feed
from services.portal.adapters.pieces import MongoPieces
from shared.contracts.common_v1 import PartyV1
from shared.contracts.routing_v1 import DossierChanged
from shared.runtime.messaging.projection import ProjectionConfig
from shared.runtime.messaging.rebuild import replace_not_newer
from shared.runtime.store.database import Store, Transaction
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.portal.world import World
from tests.kit.access import run_services
from tests.kit.states import (
    MOE,
    PAYER,
    TITULAIRE,
    a_paid_piece,
    a_piece,
    a_state,
    build_event,
)
from tests.kit.waiting import scale_timeout, wait_until

_SUPPLIER, _BUYER = Actor(Role.TITULAIRE, TITULAIRE), Actor(Role.MOE, MOE)
_DOSSIERS, _VERSIONS = 20, 6
_STATUSES = (Status.SUSPENDUE, Status.A_ASSOCIER_MOE)


@dataclass
class Reader:
    """A program that reads forward from its mark, and keeps the newest state of each piece."""

    world: World
    role: Role
    http: httpx.AsyncClient
    mark: int = 0
    limit: int = 500
    known: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    """Each piece that it was given, as often as it was."""

    async def read(self) -> None:
        """Read all there is now."""
        has_more = True
        while has_more:
            asked = {"after": self.mark, "limit": self.limit}
            headers = self.world.headers(self.role)
            answer = await self.http.get("/pieces/changes", params=asked, headers=headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            marks = [self.mark, *(piece["mark"] for piece in page["pieces"])]
            assert marks == sorted({*marks})
            assert page["mark"] == marks[-1]
            for piece in page["pieces"]:
                self.seen.append(self.world.short(piece))
                self.known[piece["piece_id"]] = {
                    name: value for name, value in piece.items() if name != "mark"
                }
            self.mark, has_more = page["mark"], page["has_more"]


async def until_read(reader: Reader, *expected: str) -> None:
    async def is_read() -> bool:
        await reader.read()
        return set(expected) <= {*reader.seen}

    await wait_until(is_read, f"{expected} are read")


async def test_a_reader_from_zero_sees_every_piece_once_at_rest(world: World) -> None:
    await world.tell(
        world.state("1", 1, world.piece("a"), world.piece("b")),
        world.state("2", 1, world.piece("c")),
    )
    await until_read(Reader(world, Role.MOE, world.http), "a", "b", "c")

    whole, paged = (
        Reader(world, Role.MOE, world.http),
        Reader(world, Role.MOE, world.http, limit=1),
    )
    for reader in (whole, paged):
        await reader.read()

    assert sorted(whole.seen) == ["a", "b", "c"]
    assert paged.seen == whole.seen
    found = await world.page(Role.MOE)
    assert whole.known == {piece["piece_id"]: piece for piece in found["pieces"]}


async def test_a_changed_piece_comes_again_and_no_other_of_its_dossier(world: World) -> None:
    await world.tell(world.state("1", 1, world.piece("a"), world.piece("b")))
    reader = Reader(world, Role.MOE, world.http)
    await until_read(reader, "a", "b")
    reader.seen.clear()

    changed = world.piece("a", status=Status.SUSPENDUE)
    await world.tell(world.state("1", 2, changed, world.piece("b")))
    await until_read(reader, "a")

    assert reader.seen == ["a"]
    assert reader.known[f"{world.id}-a"]["status"] == "SUSPENDUE"


async def test_who_joins_a_dossier_reads_its_pieces_and_who_leaves_reads_no_more(
    world: World,
) -> None:
    without = world.parties.model_copy(update={"moe": PartyV1(structure=f"ancien-{world.id}")})
    await world.tell(world.state("1", 1, world.piece("a"), parties=without))
    others = Reader(world, Role.MOA, world.http)
    await until_read(others, "a")
    late = Reader(world, Role.MOE, world.http, mark=others.mark)
    await late.read()
    assert late.seen == []

    await world.tell(world.state("1", 2, world.piece("a")))
    await until_read(late, "a")

    await world.tell(
        world.state("1", 3, world.piece("a", status=Status.SUSPENDUE), parties=without)
    )
    others.seen.clear()
    await until_read(others, "a")
    await late.read()
    assert late.seen == ["a"]


async def test_a_payment_that_is_not_reported_shows_by_no_mark(world: World) -> None:
    hidden = {"payment_not_reported": True, "closed": True}
    piece = world.piece("a", status=Status.MANDATEE, status_at=a_paid_piece().reported_at)
    awaited = world.build_awaited(Role.SERVICE_FINANCIER, "a")
    await world.tell(world.state("1", 1, piece, awaited=awaited, payment_not_reported=True))
    supplier, payer = [
        Reader(world, role, world.http) for role in (Role.TITULAIRE, Role.SERVICE_FINANCIER)
    ]
    for reader in (supplier, payer):
        await until_read(reader, "a")
        reader.seen.clear()
    before = supplier.mark

    paid = a_paid_piece(f"{world.id}-a", depositor=piece.depositor)
    await world.tell(world.state("1", 2, paid, **hidden))
    await until_read(payer, "a")
    await supplier.read()

    assert payer.known[f"{world.id}-a"]["status"] == "MISE_EN_PAIEMENT"
    assert (supplier.seen, supplier.mark) == ([], before)
    assert supplier.known[f"{world.id}-a"]["status"] == "MANDATEE"
    # Nor to a reader from the beginning, by where the piece then is.
    again = Reader(world, Role.TITULAIRE, world.http)
    await again.read()
    assert (again.seen, again.mark) == (["a"], before)


async def test_a_piece_is_read_once_it_has_its_mark(store: Store) -> None:
    pieces = await prepare(store)
    await project(store, a_state("d", 1, [a_piece("p"), a_piece("q")]))
    assert await pieces.list_changes(_BUYER, 0, 10) == []

    await number(store)

    assert await list_marks(pieces, _BUYER) == [("p", 1), ("q", 2)]
    assert await list_marks(pieces, _SUPPLIER) == [("p", 1), ("q", 2)]


async def test_a_rebuild_gives_every_piece_a_new_mark(store: Store) -> None:
    pieces = await prepare(store)
    state = a_state("d", 1, [a_piece("p"), a_piece("q")])
    await project(store, state)
    await number(store)
    parts = {PIECES.collection: "dossier_id", MARKS: "dossier_id"}
    config = ProjectionConfig(project_dossiers, DOSSIERS, parts=parts)

    async def rebuild(transaction: Transaction) -> None:
        await replace_not_newer(config).handler(transaction, [build_event(state)])

    await store.transaction(rebuild)
    await number(store)

    assert await list_marks(pieces, _BUYER) == [("p", 3), ("q", 4)]
    assert [piece.piece.id for piece in await pieces.list_changes(_BUYER, 2, 10)] == ["p", "q"]


async def test_a_viewer_of_one_service_reads_the_pieces_of_that_service(store: Store) -> None:
    pieces = await prepare(store)
    await project(store, a_state("d", 1, [a_piece("p")]))
    await number(store)

    of_service = {
        service: await list_marks(pieces, Actor(Role.SERVICE_FINANCIER, PAYER, service))
        for service in ("TRAVAUX", "VOIRIE")
    }

    assert of_service == {"TRAVAUX": [("p", 1)], "VOIRIE": []}


async def prepare(store: Store) -> MongoPieces:
    pieces = MongoPieces(store)
    await pieces.prepare()
    await build_feed(store).prepare()
    return pieces


async def project(store: Store, *states: DossierChanged) -> None:
    async def work(transaction: Transaction) -> None:
        await project_dossiers(transaction, [build_event(state) for state in states])

    await store.transaction(work)


async def number(store: Store) -> None:
    """Give a mark to all that has none, as the service does from its start on."""
    while await build_feed(store).number_some():
        pass


async def list_marks(pieces: MongoPieces, viewer: Actor) -> Sequence[tuple[str, int]]:
    return [(each.piece.id, each.mark) for each in await pieces.list_changes(viewer, 0, 10)]


@pytest.fixture(scope="module")
def replicas() -> Iterator[Platform]:
    with run_services("services.portal", replicas=3) as running:
        yield running


@pytest.fixture
async def clients(replicas: Platform) -> AsyncIterator[Sequence[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"{root}/portal/v1", timeout=scale_timeout(30))
            )
            for root in replicas.addresses.replicas["portal"]
        ]


async def test_readers_miss_nothing_while_three_replicas_project(
    replicas: Platform, clients: Sequence[httpx.AsyncClient]
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=replicas.addresses.kafka, acks="all") as producer:
        world = World(producer, clients[0])
        readers = [
            Reader(world, role, http, limit=limit)
            for http, limit in zip(clients, (500, 7, 100), strict=True)
            for role in (Role.MOE, Role.TITULAIRE)
        ]
        for version in range(1, _VERSIONS + 1):
            status = _STATUSES[version % 2]
            told = [
                world.send(
                    world.state(
                        str(n),
                        version,
                        *(
                            world.piece(f"{n}-{rank}", status=status, marche=f"M-{version}")
                            for rank in range(3)
                        ),
                    )
                )
                for n in range(_DOSSIERS)
            ]
            await asyncio.gather(*told)
            # The next version comes while replicas still project this one.
            await until_seen(readers, f"M-{version}")
        await world.until_known()

        expected = {role: await list_all(world, role) for role in (Role.MOE, Role.TITULAIRE)}
        assert len(expected[Role.MOE]) == 3 * _DOSSIERS
        assert {piece["marche"] for piece in expected[Role.MOE].values()} == {f"M-{_VERSIONS}"}

        async def have_all() -> bool:
            for reader in readers:
                await reader.read()
            return all(reader.known == expected[reader.role] for reader in readers)

        await wait_until(have_all, "each reader knows every piece as it is", 90)
        given = [len(reader.seen) for reader in readers]
        print(f"{3 * _DOSSIERS} pieces in {_VERSIONS} versions; given to readers: {given}")
        assert all(3 * _DOSSIERS <= each <= 3 * _DOSSIERS * _VERSIONS for each in given)


async def until_seen(readers: Sequence[Reader], marche: str) -> None:
    """Read as each reader, until one has been given a piece of a version."""

    async def is_seen() -> bool:
        await asyncio.gather(*(reader.read() for reader in readers))
        return any(
            piece["marche"] == marche for reader in readers for piece in reader.known.values()
        )

    # SecantusDB at times stands for tens of seconds while three replicas write.
    await wait_until(is_seen, f"a piece of {marche} is read", 90)


async def list_all(world: World, role: Role) -> Mapping[str, Mapping[str, Any]]:
    """Read every page of a search."""
    found: dict[str, Mapping[str, Any]] = {}
    asked: dict[str, Any] = {"limit": 200}
    while True:
        page = await world.page(role, **asked)
        found |= {piece["piece_id"]: piece for piece in page["pieces"]}
        if page["next"] is None:
            return found
        asked["after"] = page["next"]
