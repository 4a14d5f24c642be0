"""HTTP application of a service: middlewares, routes, health (liveness, readiness), metrics."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contracts.public_paths import build_public_prefix
from shared.rights.needs import Need
from shared.rights.table import Route
from shared.runtime.ids import new_id
from shared.runtime.logs import bind_ids
from shared.runtime.metrics import REQUESTS
from shared.runtime.tracing.spans import RootSpan, SpanKind, open_root
from shared.runtime.tracing.traceparent import HEADER, parse_traceparent
from shared.runtime.web.access import Access, AccessMiddleware, AccessPorts
from shared.runtime.web.access_description import describe_access
from shared.runtime.web.body_limits import BodyLimit, BodyLimits, BodyPaths, UploadLimit
from shared.runtime.web.caller_limits import CallerLimitMiddleware, CallerLimits
from shared.runtime.web.docs_page import create_docs_router
from shared.runtime.web.limits_route import ListLimits, create_limits_router
from shared.runtime.web.middlewares import HeadMiddleware, OriginMiddleware
from shared.runtime.web.paths import PathPrefixes, find_route_label
from shared.runtime.web.problems import (
    MEDIA_TYPE,
    build_unavailable,
    handle_unforeseen,
    install_handlers,
    respond,
)
from shared.runtime.web.request_limit import RequestLimit
from shared.runtime.web.route_needs import RouteNeeds
from shared.runtime.web.websockets import serve_websocket

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Readiness = Callable[[], Awaitable[Sequence[str]]]
"""Returns what the service lacks to be ready, in French; empty when it is ready."""

_OPERATIONS = ("/health", "/metrics")
"""Paths for operators, at the root of the service; the gateway does not publish them."""
_STOPPING = build_unavailable(
    "HTTP-STOP-01",
    "Le service s'arrête avant d'avoir répondu : la demande a pu aboutir. La répéter dans quelques "
    "instants, avec la même clé d'idempotence.",
)


def create_app(
    service: str,
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    readiness: Readiness,
    is_started: Callable[[], bool],
    lifespan: Lifespan,
    access: AccessPorts,
    rights: Mapping[Route, Need],
    body_limits: BodyLimits,
    requests_each: int,
    caller_limits: CallerLimits,
    limits: Sequence[ListLimits] = (),
    uploads: Mapping[str, int] = MappingProxyType({}),
    allowed_origins: Sequence[str] = (),
    proxies: Sequence[str] = (),
) -> FastAPI:
    """Build the HTTP application of a service; its routers serve under its public prefix.

    Args:
        service: its name, the first segment of every public path. `uploads` names what comes after
            the prefix.
        access: what access control asks.
        rights: what each route needs; one that names nothing is refused.
        body_limits: timeouts, lowest rate and quotas of bodies.
        requests_each: limit of requests in progress of one client address behind a proxy.
        caller_limits: limit of requests of one caller in a window.
        limits: list more limits of the service that a caller reads by `GET /limits`.
        uploads: size limit of a form, in MB, by prefix of the paths that take files. Elsewhere
            the limit of a body is small.
        allowed_origins: origins whose pages may open a WebSocket, besides the host itself.
        proxies: addresses or networks of the proxies, as in `RuntimeSettings`.

    Raises RightsMismatchError unless each route has one row in `rights`, and each row a route.
    """
    prefix = build_public_prefix(service)
    docs_url, openapi_url = f"{prefix}/docs", f"{prefix}/openapi.json"
    exempt = PathPrefixes(*_OPERATIONS, docs_url, openapi_url)
    app = FastAPI(
        title=title,
        description=description,
        version="1",
        docs_url=None,
        openapi_url=openapi_url,
        redoc_url=None,
        # Starlette would redirect to the host named by the request, which the client chooses.
        redirect_slashes=False,
        lifespan=lifespan,
        # The operation ids of OpenAPI, and the names of its forms, do not follow the paths.
        generate_unique_id_function=lambda route: route.name,
        responses={
            "default": {
                "description": "Problem details (RFC 9457)",
                "content": {MEDIA_TYPE: {"schema": {"type": "object"}}},
            }
        },
    )
    app.state.prefix = prefix
    install_handlers(app)
    routers = [*routers, create_limits_router(caller_limits, limits)]
    routes = RouteNeeds(prefix, routers, rights)
    forms = {PathPrefixes(prefix + path): mb for path, mb in uploads.items()}
    paths = BodyPaths(routes.is_public, forms)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(UploadLimit, paths=paths, limits=body_limits)
    app.add_middleware(CallerLimitMiddleware, limits=caller_limits, exempt=exempt)
    app.add_middleware(AccessMiddleware, access=Access(access), routes=routes, exempt=exempt)
    app.add_middleware(OriginMiddleware, allowed=allowed_origins)
    app.add_middleware(StartupMiddleware, is_open=is_started, exempt=exempt)
    app.add_middleware(BodyLimit, paths=paths, limits=body_limits)
    app.add_middleware(RequestLimit, each=requests_each, proxies=proxies)
    app.add_middleware(RequestMiddleware)
    for router in routers:
        app.include_router(router, prefix=prefix)
    app.include_router(_create_operations_router(readiness))
    app.include_router(create_docs_router(docs_url, openapi_url=openapi_url, title=title))
    describe_access(app, prefix, rights)
    return app


def _create_operations_router(readiness: Readiness) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live", summary="The process answers.")
    async def check_liveness() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/health/ready", summary="The service can do its work now.")
    async def check_readiness() -> dict[str, str]:
        missing = await readiness()
        if missing:
            raise build_unavailable(
                "HTTP-READY-01", "Pas encore prêt : " + ", ".join(missing) + "."
            )
        return {"status": "ready"}

    @router.get(
        "/metrics",
        summary="Figures, in the format of Prometheus.",
        response_class=PlainTextResponse,
    )
    async def export_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


class RequestMiddleware:
    """Logs, metrics and errors of every request: correlation id, duration, 500 of last resort."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and measure the time to its first byte, or serve a WebSocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        client = parse_traceparent(Headers(scope=scope).get(HEADER))
        with bind_ids(correlation_id=client.trace_id if client else new_id()):
            if scope["type"] == "http":
                with open_root(scope["method"], SpanKind.SERVER, client) as root:
                    await self._answer(scope, receive, send, root)
            else:
                await serve_websocket(self._app, scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, root: RootSpan | None
    ) -> None:
        started = time.perf_counter()
        has_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                method, route, status = scope["method"], find_route_label(scope), message["status"]
                REQUESTS.labels(method, route, str(status)).observe(time.perf_counter() - started)
                if root is not None:
                    prefix = scope["app"].state.prefix
                    root.describe_request(method, f"{prefix}{route}", status)
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except asyncio.CancelledError:
            # The server stops and waits no longer; it would answer 500.
            if not has_begun:
                await respond(_STOPPING)(scope, receive, send_noted)
            raise
        except Exception as error:
            if has_begun:
                raise
            await respond(handle_unforeseen(error))(scope, receive, send_noted)


class StartupMiddleware:
    """Answers 503 until the service has started and has read its projections.

    Health, metrics and the OpenAPI description are served before.
    """

    def __init__(self, app: ASGIApp, is_open: Callable[[], bool], exempt: PathPrefixes) -> None:
        """Wrap `app`; the paths of `exempt` are answered at any time."""
        self._app = app
        self._is_open = is_open
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 503."""
        is_served = scope["type"] == "lifespan" or self._is_open()
        if is_served or self._exempt.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        problem = build_unavailable("HTTP-READY-01", "Le service démarre et lit ses annuaires.")
        await respond(problem)(scope, receive, send)
