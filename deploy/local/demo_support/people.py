"""HTTP and WebSocket clients of people: issuers of tickets and agents of desks."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deploy.local.demo.actor import Answer, Unexpected, expect
from deploy.local.demo.structures import Structure
from deploy.local.sign_in import SignIn, User
from shared.vocabulary.roles import Role
from shared.vocabulary.tickets import Desk

_TIMEOUT_S = 30.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Person:
    """HTTP client of a person, for one service."""

    http: httpx.AsyncClient
    headers: Mapping[str, str]

    def build_url(self, link: str) -> str:
        """Build the URL of a link that an answer holds."""
        return str(self.http.base_url.join(link))

    async def send(self, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Send a request and return the answer, whatever it is."""
        return await self.http.request(method, path, headers=dict(self.headers), **content)

    async def ask(self, method: str, path: str, status: int = 200, **content: Any) -> Answer:  # noqa: ANN401
        """Send a request; return the JSON. Raises Unexpected when the answer has another status."""
        return expect(await self.send(method, path, **content), status)

    @asynccontextmanager
    async def open_socket(self, path: str) -> AsyncIterator["Socket"]:
        """Open a WebSocket, within the block."""
        url = str(self.http.base_url).replace("http", "ws", 1).rstrip("/") + path
        async with connect(url, additional_headers=self.headers, proxy=None) as connection:
            yield Socket(connection)


@dataclass(frozen=True, slots=True)
class Socket:
    """WebSocket with JSON frames."""

    connection: ClientConnection

    async def send(self, **frame: object) -> None:
        """Send a frame as JSON."""
        await self.connection.send(json.dumps(frame))

    async def receive(self, *kinds: str) -> Answer:
        """Wait for the next frame of one of `kinds`. Raises Unexpected after 30 s."""
        seen: list[str] = []
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                while True:
                    frame: Answer = json.loads(await self.connection.recv())
                    if frame["type"] in kinds:
                        return frame
                    seen.append(frame["type"])
        except (TimeoutError, ConnectionClosed) as error:
            raise Unexpected(f"no frame {' or '.join(kinds)}, but {seen}: {error!r}") from error


def build_member(sign_in: SignIn, http: httpx.AsyncClient, of: Structure, role: Role) -> Person:
    """Build the client of the main manager of a structure, in a role."""
    return Person(http, sign_in.build_headers(of.user, of.siret, role))


def build_agent(
    sign_in: SignIn, http: httpx.AsyncClient, desk: Desk, user: User, of: Structure | None = None
) -> Person:
    """Build the client of an agent of a desk; `of` is the structure of a business desk."""
    return Person(http, sign_in.build_desk_headers(user, desk, of.siret if of else None))


async def wait_for_answer(
    ask: Callable[[], Awaitable[httpx.Response]], ok: Callable[[httpx.Response], bool]
) -> Answer:
    """Repeat a request until `ok` accepts its answer. Raises Unexpected after 30 s."""
    deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
    while not ok(answer := await ask()):
        if asyncio.get_running_loop().time() > deadline:
            raise Unexpected(f"{answer.request.method} {answer.request.url.path}: {answer.text}")
        await asyncio.sleep(_POLL_S)
    found: Answer = answer.json()
    return found
