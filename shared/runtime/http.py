"""The HTTP side of a service: its application, limits, health and metrics."""

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.caller import refuse_strangers
from shared.runtime.ids import new_id
from shared.runtime.logs import bound
from shared.runtime.metrics import REQUESTS
from shared.runtime.problems import (
    MEDIA_TYPE,
    Problem,
    UnreadableError,
    install,
    respond,
    unavailable,
    unforeseen,
)
from shared.runtime.sockets import talk

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Readiness = Callable[[], Awaitable[Sequence[str]]]
"""Gives what is missing for the service to be ready, in French; empty when it is."""

_ALWAYS_OPEN = ("/health/", "/metrics", "/docs", "/openapi.json")
_MEGABYTE = 1024 * 1024
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def create_app(
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    readiness: Readiness,
    is_started: Callable[[], bool],
    lifespan: Lifespan,
    trust_headers: bool,
    max_body_mb: int = 1,
    open_paths: Sequence[str] = (),
    open_body_mb: int = 1,
) -> FastAPI:
    """Build a service's application. A request over `max_body_mb` is refused before it is read.

    Args:
        open_paths: beginnings of the paths that strangers may ask for.
        open_body_mb: the limit of what they send there.
    """
    app = FastAPI(
        title=title,
        description=description,
        version="1",
        lifespan=lifespan,
        responses={
            "default": {
                "description": "Problem details (RFC 9457)",
                "content": {MEDIA_TYPE: {"schema": {"type": "object"}}},
            }
        },
    )
    app.state.trust_headers = trust_headers
    install(app)
    app.add_middleware(KnownOnly, open_paths=open_paths)
    app.add_middleware(Gate, is_open=is_started)
    app.add_middleware(
        BodyLimit,
        max_bytes=max_body_mb * _MEGABYTE,
        open_paths=open_paths,
        open_max_bytes=min(open_body_mb, max_body_mb) * _MEGABYTE,
    )
    app.add_middleware(Surround)
    for router in routers:
        app.include_router(router)
    app.include_router(_operations(readiness))
    return app


def _operations(readiness: Readiness) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", summary="The process answers.")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/health/ready", summary="The service can do its work now.")
    async def ready() -> dict[str, str]:
        missing = await readiness()
        if missing:
            raise unavailable("HTTP-READY-01", "Pas encore prêt : " + ", ".join(missing) + ".")
        return {"status": "ready"}

    @router.get("/metrics", summary="Figures, in the format of Prometheus.")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


class Surround:
    """Surrounds every request: names it in the logs, times it, answers what no route foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note the time to its first byte; or a WebSocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        with bound(correlation_id=_correlation_id(scope)):
            if scope["type"] == "http":
                await self._answer(scope, receive, send)
            else:
                await talk(self._app, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                route = getattr(scope.get("route"), "path", "unmatched")
                REQUESTS.labels(scope["method"], route, str(message["status"])).observe(
                    time.perf_counter() - started
                )
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            if has_begun:
                raise
            await respond(unforeseen(error))(scope, receive, noting)


def _correlation_id(scope: Scope) -> str:
    """Take the trace that the request is part of (W3C Trace Context), or begin one."""
    parent = _TRACEPARENT.fullmatch(Headers(scope=scope).get("traceparent", ""))
    return parent[1] if parent else new_id()


class Gate:
    """Lets nobody in before the service has read its directories: it would answer by half of them.

    Who looks after the service, or reads its description, passes.
    """

    def __init__(self, app: ASGIApp, is_open: Callable[[], bool]) -> None:
        """Wrap `app`."""
        self._app = app
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or ask to come back."""
        is_served = scope["type"] == "lifespan" or self._is_open()
        if is_served or scope["path"].startswith(_ALWAYS_OPEN):
            await self._app(scope, receive, send)
            return
        problem = unavailable("HTTP-READY-01", "Le service démarre et lit ses annuaires.")
        await respond(problem)(scope, receive, send)


class KnownOnly:
    """Refuses who does not say for whom it acts, before anything of the body is read.

    Routes ask again who calls: this one keeps strangers from having bodies parsed.
    """

    def __init__(self, app: ASGIApp, open_paths: Sequence[str]) -> None:
        """Wrap `app`."""
        self._app = app
        self._open = (*_ALWAYS_OPEN, *open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        # A WebSocket is refused by an answer over HTTP as well: it is not open yet.
        if scope["type"] != "lifespan" and not scope["path"].startswith(self._open):
            try:
                refuse_strangers(HTTPConnection(scope))
            except Problem as problem:
                await respond(problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses a request whose body is over a limit, announced or counted.

    On open paths the limit is another: anybody sends there.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, open_paths: Sequence[str], open_max_bytes: int
    ) -> None:
        """Wrap `app`."""
        self._app = app
        self._max_bytes = max_bytes
        self._open = tuple(open_paths)
        self._open_max_bytes = open_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._open_max_bytes if scope["path"].startswith(self._open) else self._max_bytes
        sentence = f"L'envoi dépasse {limit // _MEGABYTE} Mo : rien n'a été gardé."
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > limit:
            await respond(Problem(413, "HTTP-413", sentence))(scope, receive, send)
            return
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                # FastAPI lets this one through while it reads a body, and no other.
                raise UnreadableError(413, sentence)
            return message

        await self._app(scope, limited, send)
