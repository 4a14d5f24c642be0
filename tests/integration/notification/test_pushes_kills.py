"""Three replicas killed twenty times by SIGKILL, while statuses are pushed and read by the mark.

Each subscriber is told everything, in the order of each dossier; what was on its way when a replica
died is told again, and counted. A reader by the mark misses nothing, and reads nothing twice.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import cycle, islice

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import Platform
from services.notification.subscriptions.application.book import Done
from services.notification.subscriptions.domain.subscription import Channel, State, Terms
from shared.contracts.common_v1 import PartiesV1, PartyV1
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.notification.dossiers import Dossier
from tests.integration.notification.subscribers import (
    PUSH_KEY,
    Subscribers,
    build_asker,
    open_subscribers,
)
from tests.kit.access import get_access, run_services
from tests.kit.waiting import scale_timeout, wait_until
from tests.kit.webhook_receiver import WebhookReceiver
from tests.parcours.clients import Retries

KILLS = 20
REPLICAS = ("notification", "notification-2", "notification-3")
DOSSIERS = 4
STRUCTURE = "moa-of-kills"
PATHS = ("/accept/1", "/accept/2", "/accept/3", "/fail/3/4", "/slow/0.2/5")
"""Receivers: one fails three times, one is slow."""
PAUSE_S = 0.25
"""Between two statuses, in seconds."""
PARTY = PartyV1(structure=STRUCTURE)
PARTIES = PartiesV1(titulaire=PartyV1(structure="t"), moa=PARTY, service_financier=PARTY)


@asynccontextmanager
async def run_replicas() -> AsyncIterator[tuple[Platform, AIOKafkaProducer, Subscribers]]:
    env = {
        "AIGUILLAGE_PUSH_KEYS": PUSH_KEY,
        "AIGUILLAGE_PUSH_LOOPBACK": "true",
        # What a dead replica was sending waits for the end of its lease, which this makes short.
        "AIGUILLAGE_PUSH_TIMEOUT_S": str(scale_timeout(1, 5)),
    }
    with run_services("services.notification", env=env, replicas=len(REPLICAS)) as platform:
        kafka = platform.addresses.kafka
        async with (
            AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer,
            open_subscribers(platform) as subscribers,
        ):
            yield platform, producer, subscribers


async def tell_until(dossiers: Sequence[Dossier], is_over: asyncio.Event) -> None:
    for dossier in cycle(dossiers):
        if is_over.is_set():
            return
        await dossier.tell(Status.A_ASSOCIER_MOE, parties=PARTIES)
        await asyncio.sleep(PAUSE_S)


class Reader:
    """Reader by the mark: goes on from the mark of its last answer, whichever replica answers."""

    def __init__(self, platform: Platform) -> None:
        self._client = httpx.AsyncClient(
            base_url=platform.addresses.services["notification"],
            timeout=scale_timeout(60),
            transport=Retries(platform, "notification"),
        )
        self.mark = 0
        self.read: defaultdict[str, list[int]] = defaultdict(list)

    async def read_on(self) -> bool:
        """Read a page; return whether it is the last one for now."""
        headers = get_access().headers(STRUCTURE, Role.MOA)
        answer = await self._client.get("/statuses", params={"after": self.mark}, headers=headers)
        page = answer.raise_for_status().json()
        for each in page["statuses"]:
            assert self.mark < each["mark"] <= page["mark"]
            self.mark = each["mark"]
            self.read[each["dossier_id"]].append(each["sequence"])
        return not page["has_more"]

    async def read_until(self, is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            await self.read_on()
            await asyncio.sleep(PAUSE_S)


async def kill_replicas(platform: Platform) -> None:
    for name in islice(cycle(REPLICAS), KILLS):
        await asyncio.to_thread(platform.wait_until_ready, name)
        await asyncio.to_thread(platform.kill, name)
        await asyncio.to_thread(platform.spawn, name)


def list_told(receiver: WebhookReceiver, path: str) -> Mapping[str, list[int]]:
    told: defaultdict[str, list[int]] = defaultdict(list)
    for each in receiver.list_requests(path):
        about = json.loads(each.body)["data"]
        told[about["dossier_id"]].append(about["sequence"])
    return told


async def test_nothing_is_lost_nor_out_of_order_when_replicas_are_killed(
    receiver: WebhookReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    async with run_replicas() as (platform, producer, subscribers):
        get_access().headers(STRUCTURE, Role.MOA)  # puts the rights of its user
        asker, subscriptions = build_asker(Actor(Role.MOA, STRUCTURE)), []
        for path in PATHS:
            terms = Terms(receiver.build_url(path), contact="qui@exemple.fr")
            done = await subscribers.book.create(asker, Channel.WEBHOOK, terms)
            assert isinstance(done, Done)
            subscriptions.append(done.subscription)
        dossiers = [Dossier(producer) for _ in range(DOSSIERS)]
        is_over, reader = asyncio.Event(), Reader(platform)
        async with asyncio.TaskGroup() as group:
            group.create_task(tell_until(dossiers, is_over))
            group.create_task(reader.read_until(is_over))
            await kill_replicas(platform)
            is_over.set()
        expected = {each.id: list(range(1, each.rank + 1)) for each in dossiers}

        async def has_read() -> bool:
            return await reader.read_on() and reader.read == expected

        await wait_until(has_read, "the reader has read all", 60)

        async def is_told() -> bool:
            waiting = await subscribers.store.collection("deliveries").count_documents(
                {"state": "waiting"}
            )
            return not waiting

        await wait_until(is_told, "nothing waits", 90)
        states = [(await subscribers.read(each)).state for each in subscriptions]

    assert states == [State.ACTIVE] * len(PATHS)
    repeats = {}
    for path in PATHS:
        told = list_told(receiver, path)
        first_arrivals = {each: list(dict.fromkeys(ranks)) for each, ranks in told.items()}
        assert first_arrivals == expected, path
        repeats[path] = sum(map(len, told.values())) - sum(map(len, expected.values()))
    with capsys.disabled():
        print(
            f"\n{KILLS} kills of {len(REPLICAS)} replicas: {sum(map(len, expected.values()))} "
            f"statuses, {len(PATHS)} subscribers; repeats {repeats}"
        )
