"""The HTTP side of a service: its application, limits, health and metrics."""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.metrics import REQUESTS
from shared.runtime.problems import MEDIA_TYPE, Problem, install, respond, unavailable

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Readiness = Callable[[], Awaitable[Sequence[str]]]
"""Gives what is missing for the service to be ready, in French; empty when it is."""

_MEGABYTE = 1024 * 1024


def create_app(
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    readiness: Readiness,
    lifespan: Lifespan,
    trust_headers: bool,
    max_body_mb: int = 1,
) -> FastAPI:
    """Build a service's application. A request over `max_body_mb` is refused before it is read."""
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
    app.add_middleware(BodyLimit, max_bytes=max_body_mb * _MEGABYTE)
    app.add_middleware(Measure)
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


class Measure:
    """Times every request, by route and status."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note the time to its first byte."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unmatched")
                REQUESTS.labels(scope["method"], route, str(message["status"])).observe(
                    time.perf_counter() - started
                )
            await send(message)

        await self._app(scope, receive, noting)


class BodyLimit:
    """Refuses a request whose body is over `max_bytes`, announced or counted."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        """Wrap `app`."""
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._max_bytes:
            await self._refuse(scope, receive, send)
            return
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_bytes:
                raise HTTPException(413)
            return message

        await self._app(scope, limited, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit_mb = self._max_bytes // _MEGABYTE
        problem = Problem(413, "HTTP-413", f"L'envoi dépasse {limit_mb} Mo : rien n'a été gardé.")
        await respond(problem)(scope, receive, send)
