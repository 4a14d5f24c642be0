"""Scene of `make authz`: a running platform, its people with their tokens, and what they act on."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from deploy.local.demo.structures import Structure
from tests.authz.callers import CallerKind
from tests.authz.expectations import Endpoint, Expectation
from tests.authz.matrix import Reply
from tests.authz.people import Tokens
from tests.authz.structures import OTHER, build_choice
from tests.kit.waiting import scale_timeout

Json = dict[str, Any]
T = TypeVar("T")
_WAIT_S, _POLL_S = 30.0, 0.05
_SWITCHING = 101


class PreparationError(Exception):
    """What a request needs could not be prepared."""


@dataclass(frozen=True, slots=True)
class Request:
    """Request to an endpoint: values of its path, and what it holds."""

    path: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of httpx: `json`, `data`, `files`, `params`."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who has just registered."""

    user_id: str
    do: Callable[..., Awaitable[Json]]
    """Sends a request of this person, as `Scene.do` does."""


@dataclass(slots=True)
class Scene:
    """Clients of the services, and the tokens of the callers."""

    http: httpx.AsyncClient
    services: Mapping[str, str]
    """Base URL of the public routes of each service."""
    tokens: Tokens
    _kept: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    _numbers: count = field(default_factory=lambda: count(1))  # type: ignore[type-arg]

    def number(self) -> int:
        """Give a number that was not given before."""
        return int(next(self._numbers))

    async def once(self, name: str, make: Callable[[], Awaitable[T]]) -> T:
        """Give what was made under a name, made the first time: for what only readers use."""
        if name not in self._kept:

            async def run() -> T:
                return await make()

            self._kept[name] = asyncio.create_task(run())
        found: T = await self._kept[name]
        return found

    async def declare(self, structure: Structure, token: str) -> None:
        """Declare a structure by the token of who becomes its first main manager."""
        headers = {"Authorization": f"Bearer {token}"}
        path = f"organisation/structures/{structure.siret}"
        answer = await self._ask(headers, "PUT", path, json=structure.build_declaration())
        if not answer.is_success:
            raise PreparationError(describe(answer))

    async def build_headers(
        self, kind: CallerKind, role: str, row: Expectation | None = None
    ) -> dict[str, str]:
        """Build the headers of a caller: its token, and what it chooses."""
        token = await self.tokens.choose(kind, row)
        return build_choice(role) | ({"Authorization": f"Bearer {token}"} if token else {})

    async def send(self, row: Expectation, kind: CallerKind, request: Request) -> Reply:
        """Send the request of a row as a kind of caller, and read the status alone."""
        headers = await self.build_headers(kind, row.role, row)
        if kind is CallerKind.STRANGER and "X-Structure" in headers:
            headers["X-Structure"] = OTHER
        headers |= request.headers
        url = self._build_url(row.endpoint, request)
        if row.endpoint.method == "WS":
            return await _open_socket(url, headers)
        async with self.http.stream(
            row.endpoint.method, url, headers=headers, **request.content
        ) as answer:
            is_replay = answer.headers.get("Idempotency-Replayed") == "true"
            if answer.is_success and "event-stream" in answer.headers.get("Content-Type", ""):
                return Reply(answer.status_code)
            code = "" if answer.is_success else _read_code(await answer.aread())
            return Reply(answer.status_code, code, is_replay)

    async def ask(self, role: str, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401
        """Send a request of the preparation, as the main manager, or as the platform's desk.

        `path` begins with the service: `deposit/pieces`.
        """
        kind = CallerKind.DESK if role == "technique" else CallerKind.MAIN_MANAGER
        headers = await self.build_headers(kind, role)
        return await self._ask(headers, method, path, **content)

    async def ask_openly(self, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401
        """Send a request of the preparation without an account."""
        return await self._ask({}, method, path, **content)

    async def do(self, role: str, method: str, path: str, **content: Any) -> Json:  # noqa: ANN401
        """Send a request of the preparation, as `ask`; repeat it while it is too early.

        Raises PreparationError when it is refused.
        """
        return await wait_for(lambda: self.ask(role, method, path, **content), is_done)

    async def do_as_reader(self, method: str, path: str, **content: Any) -> Json:  # noqa: ANN401
        """Send a request of the preparation as who only reads, as `do`."""
        headers = await self.build_headers(CallerKind.CONSULTATION, "")
        return await wait_for(lambda: self._ask(headers, method, path, **content), is_done)

    async def sign_up(self, email: str) -> Newcomer:
        """Register somebody."""

        async def do(method: str, path: str, **content: Any) -> Json:  # noqa: ANN401
            headers = {"Authorization": f"Bearer {self.tokens.sign(email)}"}
            return await wait_for(lambda: self._ask(headers, method, path, **content), is_done)

        account = await do("POST", "organisation/me", json={})
        return Newcomer(str(account["user_id"]), do)

    async def do_openly(self, method: str, path: str, **content: Any) -> Json:  # noqa: ANN401
        """Send a request of the preparation without an account, as `do`."""
        return await wait_for(lambda: self.ask_openly(method, path, **content), is_done)

    async def _ask(
        self,
        caller: dict[str, str],
        method: str,
        path: str,
        **content: Any,  # noqa: ANN401
    ) -> httpx.Response:
        service, _, rest = path.partition("/")
        headers = caller | content.pop("headers", {})
        url = f"{self.services[service]}/{rest}"
        return await self.http.request(method, url, headers=headers, **content)

    def build_socket_url(self, service: str, path: str) -> str:
        """Build the address of a WebSocket."""
        return self.services[service].replace("http", "ws", 1) + path

    def _build_url(self, endpoint: Endpoint, request: Request) -> str:
        path = endpoint.path.format_map(request.path)
        if endpoint.method == "WS":
            return self.build_socket_url(endpoint.service, path)
        return self.services[endpoint.service] + path


def is_done(answer: httpx.Response) -> bool:
    """Tell whether a request was carried out. Raises PreparationError for a final refusal."""
    if answer.is_success:
        return True
    if "Retry-After" in answer.headers or answer.status_code in _EARLY:
        return False
    raise PreparationError(describe(answer))


_EARLY = {403, 404, 409}
"""Also a right or a structure of which the service has not heard yet."""


async def wait_for(
    ask: Callable[[], Awaitable[httpx.Response]], is_enough: Callable[[httpx.Response], bool]
) -> Json:
    """Repeat a request until `is_enough` accepts its answer; return its JSON, if it has one."""
    deadline = time.monotonic() + scale_timeout(_WAIT_S)
    while not is_enough(answer := await ask()):
        if time.monotonic() > deadline:
            raise PreparationError(describe(answer))
        await asyncio.sleep(_POLL_S)
    is_json = "json" in answer.headers.get("Content-Type", "")
    found: Json = answer.json() if is_json else {}
    return found


def describe(answer: httpx.Response) -> str:
    """Describe an answer that was not expected."""
    asked = answer.request
    return f"{asked.method} {asked.url.path}: {answer.status_code} {answer.text[:600]}"


def _read_code(body: bytes) -> str:
    try:
        read = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(read, dict):
        return ""
    return str(read.get("code") or read.get("error") or "")


async def _open_socket(url: str, headers: Mapping[str, str]) -> Reply:
    try:
        async with connect(url, additional_headers=headers, proxy=None):
            return Reply(_SWITCHING)
    except InvalidStatus as refused:
        return Reply(refused.response.status_code, _read_code(bytes(refused.response.body or b"")))
