"""Routing, deposit and the broker die in the middle of 500 pieces, and none of them is lost."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.backends import Backend, choose
from deploy.local.demo.actor import NEEDED_SERVICES, Services
from deploy.local.demo.context import DemoContext, register_structures
from deploy.local.demo.pieces import cii, ubl
from deploy.local.demo.structures import ONE_SIRET, TWO_SIRETS, Site
from deploy.local.platform import Platform
from shared.contracts.envelope import Event
from shared.contracts.routing_v1 import PieceForwarded, StatusChanged
from shared.contracts.topics import ACTEUR, STATUT, Topic
from shared.runtime.clock import build_clock
from shared.vocabulary.roles import Purpose
from tests.kit.waiting import scaled

DOSSIERS = 167
PIECES_EACH = 3
AT_ONCE = 12
PATIENCE_S = 300

# On real broker and store where they were asked for, else on the real broker alone.
BACKEND = Backend.DOCKER if choose().backend is Backend.DOCKER else Backend.NATIVE
MISSING = BACKEND.find_missing()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=f"needs a real Kafka: {MISSING}")


class Stubborn(httpx.AsyncHTTPTransport):
    """Sends a request again while nobody answers or the answer is 503, as a careful client does."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while True:
            try:
                response = await super().handle_async_request(request)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return response
            await response.aclose()
            await asyncio.sleep(0.2)


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    platform = Platform(BACKEND, services=NEEDED_SERVICES)
    await asyncio.to_thread(platform.start)
    yield platform
    await asyncio.to_thread(platform.stop)


async def test_nothing_is_lost_when_processes_die(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    async with AsyncExitStack() as stack:
        services = Services(
            **{
                name: await stack.enter_async_context(
                    httpx.AsyncClient(base_url=url, timeout=scaled(30), transport=Stubborn())
                )
                for name, url in platform.addresses.services.items()
            }
        )
        scene = DemoContext(services, build_clock()().date())
        await register_structures(scene)
        async with asyncio.timeout(scaled(PATIENCE_S)), asyncio.TaskGroup() as group:
            group.create_task(_carry_all(scene))
            group.create_task(_kill_in_the_middle(platform, scene))
        accepted = set(scene.tally.pieces)
        seen = await _until_complete(platform, accepted)

    with capsys.disabled():
        print(f"\n{seen.describe(accepted)}")
    assert len(accepted) == DOSSIERS * PIECES_EACH
    assert seen.lost(accepted) == set()
    assert seen.duplicated() == []
    assert seen.out_of_order() == []


async def _carry_all(scene: DemoContext) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def carry(rank: int) -> None:
        site: Site = (ONE_SIRET, TWO_SIRETS)[rank % 2]
        async with places:
            answer = await scene.open("A4", site, (ubl, cii)[rank % 3 == 0])
            for _ in range(PIECES_EACH - 1):
                answer = await scene.follow(answer, site)

    await asyncio.gather(*(carry(rank) for rank in range(DOSSIERS)))


async def _kill_in_the_middle(platform: Platform, scene: DemoContext) -> None:
    for share, name in ((0.2, "routing"), (0.4, "deposit"), (0.6, "broker")):
        while len(scene.tally.pieces) < share * DOSSIERS * PIECES_EACH:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await asyncio.to_thread(platform.kill, name)
        await asyncio.to_thread(platform.restart, name)


class Seen:
    """What lies on the topics, read from their beginning."""

    def __init__(self) -> None:
        self.records = 0
        self.forwards: dict[str, PieceForwarded] = {}
        self.ranks: dict[str, list[int]] = defaultdict(list)
        self.statuses: Counter[tuple[str, str]] = Counter()
        self._ids: set[str] = set()

    def take(self, topic: str, value: bytes) -> None:
        self.records += 1
        if topic == STATUT.name:
            status = Event[StatusChanged].model_validate_json(value)
            if self._is_new(status.id):
                self.ranks[status.data.dossier_id].append(status.sequence or 0)
                self.statuses[status.data.piece_id, status.data.status] += 1
        else:
            forward = Event[PieceForwarded].model_validate_json(value)
            if self._is_new(forward.id):
                self.forwards[forward.id] = forward.data

    def _is_new(self, event_id: str) -> bool:
        is_new = event_id not in self._ids
        self._ids.add(event_id)
        return is_new

    def _for_action(self) -> Counter[str]:
        return Counter(
            forward.piece_id
            for forward in self.forwards.values()
            if forward.purpose is Purpose.ACTION
        )

    def lost(self, accepted: set[str]) -> set[str]:
        """Accepted pieces that reached nobody."""
        return accepted - set(self._for_action())

    def duplicated(self) -> list[Any]:
        """Effects that happened twice: two ids for one hop or one status."""
        hops: list[Any] = [piece for piece, times in self._for_action().items() if times > 1]
        return hops + [status for status, times in self.statuses.items() if times > 1]

    def out_of_order(self) -> list[str]:
        """Dossiers whose statuses, each at its first appearance, do not count 1, 2, 3…"""
        return [
            dossier
            for dossier, ranks in self.ranks.items()
            if ranks != list(range(1, len(ranks) + 1))
        ]

    def describe(self, accepted: set[str]) -> str:
        return (
            f"deaths: {len(accepted)} pieces, {len(self.lost(accepted))} lost, "
            f"{len(self.duplicated())} duplicated, {len(self.out_of_order())} out of order, "
            f"{self.records - len(self._ids)} redelivered of {self.records} records"
        )


async def _until_complete(platform: Platform, accepted: set[str]) -> Seen:
    seen = Seen()
    topics = [*ACTEUR.values(), STATUT]
    async with asyncio.timeout(scaled(60)):
        await _read(platform, topics, seen, lambda: not seen.lost(accepted))
    return seen


async def _read(
    platform: Platform, topics: list[Topic], seen: Seen, is_enough: Callable[[], bool]
) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=platform.addresses.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(
            [
                TopicPartition(topic.name, partition)
                for topic in topics
                for partition in range(topic.partitions)
            ]
        )
        is_quiet = False
        while not (is_quiet and is_enough()):
            batches = await consumer.getmany(timeout_ms=2000)
            is_quiet = not batches
            for partition, records in batches.items():
                for record in records:
                    seen.take(partition.topic, record.value)
    finally:
        await consumer.stop()
