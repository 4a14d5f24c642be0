"""WebSockets are let in, refused and closed like requests, without a server."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Query, WebSocket
from prometheus_client import REGISTRY
from starlette.types import Message

from shared.runtime.errors import TransientError
from shared.runtime.web.app import create_app
from shared.runtime.web.caller import Caller
from shared.runtime.web.request_validation import DescribedRoute
from tests.kit.fake_access import AUTHORIZATION, build_ports, build_rights
from tests.kit.web_limits import BODY_LIMITS, build_caller_limits

ME = {**AUTHORIZATION, "x-structure": "s", "x-role": "moe"}
PREFIX = "/essai/v1"


def a_router() -> APIRouter:
    router = APIRouter(route_class=DescribedRoute)

    @router.websocket("/known")
    async def known(
        socket: WebSocket,
        me: Caller,
        after: Annotated[int, Query()] = 0,
    ) -> None:
        await socket.accept()
        await socket.send_text(f"{me.structure} {after}")
        await socket.close()

    @router.websocket("/open/broken")
    async def broken(socket: WebSocket, *, early: bool = False, away: bool = False) -> None:
        if not early:
            await socket.accept()
        raise TransientError("later") if away else KeyError("secret")

    @router.websocket("/open/left")
    async def left(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()

    return router


@asynccontextmanager
async def no_lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


async def visited(
    path: str,
    headers: Mapping[str, str] = ME,
    *,
    query: str = "",
    is_started: bool = True,
    allowed_origins: Sequence[str] = (),
) -> Sequence[Message]:
    """Open a WebSocket and leave it; give all that the application sent."""

    async def readiness() -> Sequence[str]:
        return ()

    router = a_router()
    open_routes = [path for _, path in build_rights([router]) if path.startswith("/open/")]
    app = create_app(
        "essai",
        title="essai",
        description="",
        routers=[router],
        readiness=readiness,
        is_started=lambda: is_started,
        lifespan=no_lifespan,
        access=build_ports(),
        rights=build_rights([router], dict.fromkeys(open_routes, "public")),
        body_limits=BODY_LIMITS,
        requests_each=1000,
        caller_limits=build_caller_limits(),
        allowed_origins=allowed_origins,
    )
    sent: list[Message] = []
    received: Iterator[Message] = iter(
        [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1001}]
    )

    async def receive() -> Message:
        return next(received)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": PREFIX + path,
        "raw_path": (PREFIX + path).encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("essai", 80),
        "scheme": "ws",
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }
    await app(scope, receive, send)
    return sent


def refusal(sent: Sequence[Message]) -> tuple[int, dict[str, Any]]:
    """Read the answer that was given instead of an open WebSocket."""
    start, *rest = sent
    assert start["type"] == "websocket.http.response.start"
    body = b"".join(part["body"] for part in rest)
    return start["status"], json.loads(body)


async def test_a_caller_is_let_in() -> None:
    sent = await visited("/known", query="after=3")

    assert [message["type"] for message in sent] == [
        "websocket.accept",
        "websocket.send",
        "websocket.close",
    ]
    assert sent[1]["text"] == "s 3"


@pytest.mark.parametrize(
    "headers", [{}, {"x-structure": "s", "x-role": "moe"}, {"x-desk": "metier"}]
)
@pytest.mark.parametrize("path", ["/known", "/nowhere"])
async def test_a_stranger_is_refused_before_the_socket_opens(
    path: str, headers: dict[str, str]
) -> None:
    status, body = refusal(await visited(path, headers))

    assert status == 401
    assert body["code"] == "HTTP-JETON-01"


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        ("https://aide.example", True),
        ("https://aide.example:443", True),
        ("http://aide.example", True),
        ("https://portail.example", True),
        ("https://evil.example", False),
        ("https://aide.example.evil.example", False),
        ("https://aide.example:8443", False),
        ("https://portail.example:8443", False),
        ("https://evil.example@aide.example:x", False),
        ("null", False),
        ("", False),
        ("file://", False),
    ],
)
async def test_a_page_of_another_site_opens_no_socket(origin: str, *, is_let_in: bool) -> None:
    headers = {**ME, "host": "aide.example", "origin": origin}
    sent = await visited("/known", headers, allowed_origins=["https://portail.example"])

    if is_let_in:
        assert sent[0]["type"] == "websocket.accept"
    else:
        status, body = refusal(sent)
        assert (status, body["code"]) == (403, "HTTP-ORIGIN-01")


async def test_a_page_is_of_its_host_at_any_port() -> None:
    headers = {**ME, "host": "127.0.0.1:8006", "origin": "http://127.0.0.1:8006"}

    assert (await visited("/known", headers))[0]["type"] == "websocket.accept"


async def test_nobody_is_let_in_before_the_directories_are_read() -> None:
    status, body = refusal(await visited("/known", is_started=False))

    assert (status, body["code"]) == (503, "HTTP-READY-01")


async def test_a_handshake_that_is_wrong_in_form_is_refused_in_french_by_field() -> None:
    status, body = refusal(await visited("/known", query="after=x"))

    assert status == 422
    assert body["violations"][0]["field"] == "after"
    assert body["violations"][0]["message"] == "Un nombre entier est attendu."


@pytest.mark.parametrize(("query", "status"), [("early=1", 500), ("early=1&away=1", 503)])
async def test_a_fault_before_the_socket_opens_is_a_problem(query: str, status: int) -> None:
    found, body = refusal(await visited("/open/broken", {}, query=query))

    assert found == status
    assert "secret" not in json.dumps(body)


@pytest.mark.parametrize(("query", "code"), [("", 1011), ("away=1", 1013)])
async def test_a_fault_afterwards_closes_with_a_code(query: str, code: int) -> None:
    sent = await visited("/open/broken", {}, query=query)

    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[1]["code"] == code


async def test_who_leaves_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    sent = await visited("/open/left", {})

    assert [message["type"] for message in sent] == ["websocket.accept"]
    assert "request.failed" not in "".join(capsys.readouterr())


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"aiguillage_{name}", labels) or 0


@pytest.mark.parametrize(
    ("path", "headers", "query", "route", "reason", "frames"),
    [
        ("/known", ME, "", "/known", "closed 1000", 1),
        ("/known", {}, "", "unmatched", "refused 401", 0),
        ("/known", ME, "after=x", "/known", "refused 422", 0),
        ("/open/left", {}, "", "/open/left", "left", 0),
        ("/open/broken", {}, "", "/open/broken", "closed 1011", 0),
        ("/open/broken", {}, "early=1&away=1", "/open/broken", "refused 503", 0),
    ],
)
async def test_what_becomes_of_a_socket_is_counted_once(
    path: str, headers: dict[str, str], query: str, route: str, reason: str, frames: int
) -> None:
    def figures() -> tuple[float, float, float]:
        return (
            counted("socket_closes_total", route=route, reason=reason),
            counted("socket_frames_total", route=route, direction="out"),
            counted("sockets_open", route=route),
        )

    closes, sent, is_open = figures()
    await visited(path, headers, query=query)

    assert figures() == (closes + 1, sent + frames, is_open)
    assert is_open == 0
