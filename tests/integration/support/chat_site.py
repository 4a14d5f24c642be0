"""Clients of the live chat on a platform of its own: sockets, replicas, agents, clocks."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deploy.local import Platform, programs
from deploy.local.ports import find_free_port
from deploy.local.watchdog import Watchdog
from shared.runtime.clock import build_clock
from shared.vocabulary.dates import PARIS
from tests.integration.support.world import a_structure
from tests.kit.access import get_access, run_services
from tests.kit.waiting import scale_timeout

Json = dict[str, Any]

THE_DAY_BEFORE = datetime(2027, 7, 13, 10, tzinfo=PARIS)
"""A Tuesday; the next day is a public holiday, the Sunday after it the 18th."""
_LIVE_S, _MOST_S = 10, 14
"""Less than the 15 s after which a silent connection looks again by itself."""


def offset_to(moment: datetime) -> int:
    """Give the offset of a clock that says `moment` now."""
    return int((moment - build_clock()()).total_seconds())


@dataclass
class Socket:
    """A WebSocket as its client reads it."""

    connection: ClientConnection
    seen: list[Json] = field(default_factory=list)

    async def send(self, **frame: object) -> None:
        await self.connection.send(json.dumps(frame))

    async def next(self, kind: str) -> Json:
        """Wait for the next frame of a kind; what comes before is only noted."""
        async with asyncio.timeout(scale_timeout(_LIVE_S, _MOST_S)):
            while True:
                frame: Json = json.loads(await self.connection.recv())
                self.seen.append(frame)
                if frame["type"] == kind:
                    return frame

    async def closed(self) -> int | None:
        """Wait until the other side closes, and say with which code."""
        try:
            async with asyncio.timeout(scale_timeout(_LIVE_S, _MOST_S)):
                while True:
                    self.seen.append(json.loads(await self.connection.recv()))
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else None

    @property
    def lines(self) -> list[Json]:
        return [frame for frame in self.seen if frame["type"] == "ligne"]


async def is_ready(url: str) -> bool:
    async with httpx.AsyncClient(timeout=scale_timeout(2)) as client:
        return (await client.get(httpx.URL(url).join("/health/ready"))).status_code == 200


@contextmanager
def a_twin(platform: Platform, offset_s: int, **settings: int | str) -> Iterator[str]:
    """Start a second replica beside the service of a platform, and give its address."""
    real_kafka = str(platform.backend.has_real_kafka).lower()
    env = {
        "AIGUILLAGE_KAFKA": platform.addresses.kafka,
        "AIGUILLAGE_MONGO": platform.addresses.mongo,
        "AIGUILLAGE_IDEMPOTENT_PRODUCER": real_kafka,
        "AIGUILLAGE_END_OFFSETS_RELIABLE": real_kafka,
        **get_access().issuers_env(),
        "AIGUILLAGE_INSTANCE": "2",
        "AIGUILLAGE_CLOCK_OFFSET_S": str(offset_s),
        **{f"AIGUILLAGE_{name.upper()}": str(value) for name, value in settings.items()},
    }
    port, watchdog = find_free_port(), Watchdog()
    log = platform.get_log("twin")
    twin = programs.build_service("services.support", env).start(
        port, env={}, log=log, watchdog=watchdog
    )
    filled = get_access().filling(platform.addresses.mongo, ["support"])
    try:
        with filled:
            yield f"http://127.0.0.1:{port}/support/v1"
    finally:
        twin.end()
        watchdog.close()


@dataclass
class Site:
    """The service, and a second replica of it when asked."""

    platform: Platform
    http: httpx.AsyncClient

    @property
    def url(self) -> str:
        return self.platform.addresses.services["support"]

    @asynccontextmanager
    async def socket(
        self, path: str, headers: Mapping[str, str] | None = None, at: str | None = None
    ) -> AsyncIterator[Socket]:
        url = (at or self.url).replace("http", "ws") + path
        async with connect(url, additional_headers=headers, proxy=None) as connection:
            yield Socket(connection)

    @asynccontextmanager
    async def asking(
        self, headers: Mapping[str, str] | None = None, at: str | None = None, **wish: object
    ) -> AsyncIterator[tuple[Socket, Json]]:
        """Begin a chat; gives the socket and its session frame."""
        async with self.socket("/chats", headers, at) as socket:
            await socket.send(type="commencer", **wish)
            yield socket, await socket.next("session")

    async def take(self, agent: Mapping[str, str], at: str | None = None) -> str | None:
        answer = await self.http.post(f"{at or ''}/desk/chats/next", headers=agent)
        assert answer.status_code in {200, 204}, answer.text
        return answer.json()["chat_id"] if answer.content else None


@dataclass(frozen=True)
class Cast:
    """A business desk of a test's own, so that no other test waits in its queue."""

    structure: str

    @property
    def wish(self) -> Json:
        return {"sub_category": "M_REFUS", "recipient": self.structure}

    def agent(self, name: str) -> dict[str, str]:
        return get_access().desk_headers("metier", name, self.structure)


def technical(name: str) -> dict[str, str]:
    """Give the headers of an agent of the technical desk."""
    return get_access().desk_headers("technique", name)


def somebody() -> dict[str, str]:
    return get_access().headers(a_structure(), "titulaire")


@asynccontextmanager
async def a_site() -> AsyncIterator[Site]:
    """Start a platform whose clock says the day before a holiday."""
    offset = offset_to(THE_DAY_BEFORE)
    with run_services("services.support", clock_offset_s=offset) as platform:
        url = platform.addresses.services["support"]
        async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(30)) as http:
            yield Site(platform, http)
