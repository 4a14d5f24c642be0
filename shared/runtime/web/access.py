"""Access control: verifies the token of each request and decides by the table of rights.

Answers 401, 403, 400 or 503 before the body is read. A WebSocket or a live stream ends when its
token expires, and when the right is revoked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.rights.decide import Denial, Reason, decide
from shared.rights.identity import compute_identity
from shared.rights.model import (
    Choice,
    Identity,
    KnownStructure,
    Principal,
    PrincipalKind,
    Requester,
)
from shared.rights.needs import Need, NeedKind
from shared.runtime.clock import Clock
from shared.runtime.errors import is_transient
from shared.runtime.logs import get_logger
from shared.runtime.metrics import ACCESS_REFUSED
from shared.runtime.tokens.faults import IssuerAwayError, TokenError
from shared.runtime.web.access_problems import (
    build_denied,
    build_desk_missing,
    build_issuer_away,
    build_malformed_token,
    build_refused_token,
    build_too_long,
)
from shared.runtime.web.caller import REQUESTER, build_choice_missing, build_unauthenticated
from shared.runtime.web.choices import read_choice, read_once
from shared.runtime.web.paths import PathPrefixes
from shared.runtime.web.problems import Problem, respond
from shared.runtime.web.route_needs import RouteNeed, RouteNeeds

AUTHORIZATION_LIMIT = 8192
"""Length limit of the header Authorization."""
RECHECK_S = 2.0
"""Interval at which the rights of an open WebSocket or live stream are judged again."""
_RECENT_S = 1.0
"""For so long what was read for such a judgement is used for others."""
_RECENT_LIMIT = 10_000
EXPIRED, REVOKED = 4401, 4403
"""Closing codes of a WebSocket: its token has expired, its caller's right was revoked."""
_LIVE = b"text/event-stream"
T = TypeVar("T")
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AccessPorts:
    """What access control asks: tokens, principals, structures and the time."""

    verify: Callable[[str], Awaitable[Identity]]
    """Verifies a token. Raises TokenError, IssuerAwayError."""
    find_principal: Callable[[str], Awaitable[Principal | None]]
    find_structure: Callable[[str], Awaitable[KnownStructure | None]]
    clock: Clock


class Access:
    """Judges requests: who the caller is, and whether it may use the route."""

    def __init__(self, ports: AccessPorts) -> None:
        """Use these ports."""
        self._ports = ports
        self._recent = replace(
            ports,
            find_principal=_remember(ports.find_principal),
            find_structure=_remember(ports.find_structure),
        )

    @property
    def clock(self) -> Clock:
        """Time by which tokens expire."""
        return self._ports.clock

    async def judge(
        self, headers: Headers, found: RouteNeed, *, is_recheck: bool = False
    ) -> Requester | None:
        """Judge a request; None for an anonymous caller of a public route.

        Raises a 401, 403, 400, 431 or 503 problem.
        """
        ports = self._recent if is_recheck else self._ports
        need = found.need
        token = _read_token(headers, is_public=need.is_public)
        if token is None and not need.is_public:
            raise build_unauthenticated()
        choice = _choose(read_choice(headers), found)
        if token is None:
            if _asks_for_more(need, choice):
                raise build_unauthenticated()
            return None
        identity = await _verify(ports, token)
        principal = await ports.find_principal(_compute_identity(identity))
        structure = (
            await ports.find_structure(choice.structure)
            if choice.structure is not None
            and principal is not None
            and choice.structure in principal.attachments
            else None
        )
        judged = decide(need, identity, principal, choice, structure, token=token)
        if isinstance(judged, Denial):
            if judged.reason is Reason.CHOICE_MISSING:
                is_desk = judged.right.kind is NeedKind.DESK
                raise build_desk_missing() if is_desk else build_choice_missing()
            raise build_denied(judged, identity.kind)
        return judged


class AccessMiddleware:
    """Access middleware: lets a request pass with its requester in the scope, or answers."""

    def __init__(
        self, app: ASGIApp, *, access: Access, routes: RouteNeeds, exempt: PathPrefixes
    ) -> None:
        """Wrap `app`; the paths of `exempt` need no authentication."""
        self._app = app
        self._access = access
        self._routes = routes
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer a problem."""
        if scope["type"] == "lifespan" or self._exempt.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers, found = Headers(scope=scope), self._routes.find(scope)
        try:
            requester = await self._access.judge(headers, found)
        except Problem as problem:
            ACCESS_REFUSED.labels(problem.code).inc()
            # A WebSocket is not open yet, so it is refused by an HTTP answer too.
            await respond(problem)(scope, receive, send)
            return
        scope[REQUESTER] = requester
        if requester is None:
            await self._app(scope, receive, send)
            return
        watched = _Watched(self._access, headers, found, requester.expires_at)
        if scope["type"] == "websocket":
            await _serve_socket(self._app, scope, receive, send, watched)
        else:
            await _serve_http(self._app, scope, receive, send, watched)


@dataclass(frozen=True, slots=True)
class _Watched:
    """Right of an open connection, judged again until it ends."""

    access: Access
    headers: Headers
    found: RouteNeed
    expires_at: datetime

    async def wait_for_end(self) -> int:
        """Wait until the token has expired or the right is revoked; return the closing code."""
        while True:
            left_s = (self.expires_at - self.access.clock()).total_seconds()
            if left_s <= 0:
                return EXPIRED
            await asyncio.sleep(min(RECHECK_S, left_s))
            try:
                await self.access.judge(self.headers, self.found, is_recheck=True)
            except Problem as problem:
                # An issuer that is away does not end what it has let in: the token's life does.
                if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
                    continue
                ACCESS_REFUSED.labels(problem.code).inc()
                return EXPIRED if problem.status == HTTPStatus.UNAUTHORIZED else REVOKED
            except Exception as error:  # noqa: BLE001 - unless it passes, nobody stays
                if not is_transient(error):
                    _log.exception("access.recheck_failed")
                    return REVOKED


class _Guard:
    """Ends a connection when its right does: stops the application within the block."""

    def __init__(self, watched: _Watched) -> None:
        self._watched = watched
        self._timeout = asyncio.timeout(None)
        self._task: asyncio.Task[None] | None = None
        self.code: int | None = None

    @property
    def timeout(self) -> asyncio.Timeout:
        return self._timeout

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="access")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        self.code = await self._watched.wait_for_end()
        if not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())


async def _serve_http(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, watched: _Watched
) -> None:
    """Serve a request; a live stream ends with its caller's right."""
    guard = _Guard(watched)

    async def send_noted(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_live(message):
            guard.start()
        await send(message)

    try:
        async with guard.timeout:
            await app(scope, receive, send_noted)
    except TimeoutError:
        if guard.code is None:
            raise
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        guard.stop()


async def _serve_socket(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, watched: _Watched
) -> None:
    """Serve a WebSocket; it is closed when its caller's right ends."""
    guard = _Guard(watched)
    is_open = False

    async def send_noted(message: Message) -> None:
        nonlocal is_open
        if message["type"] == "websocket.accept":
            is_open = True
        elif message["type"] == "websocket.close":
            is_open = False
        await send(message)

    guard.start()
    try:
        async with guard.timeout:
            await app(scope, receive, send_noted)
    except TimeoutError:
        if guard.code is None:
            raise
        if is_open:
            await send({"type": "websocket.close", "code": guard.code, "reason": ""})
    finally:
        guard.stop()


def _is_live(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(_LIVE)
        for name, value in message.get("headers", ())
    )


def _read_token(headers: Headers, *, is_public: bool) -> str | None:
    """Read the bearer token; None without one, and for another scheme on a public route."""
    values = headers.getlist("authorization")
    if any(len(each) > AUTHORIZATION_LIMIT for each in values):
        raise build_too_long()
    header = read_once(headers, "Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer":
        # A client of the token endpoint authenticates by Basic.
        if is_public:
            return None
        raise build_malformed_token()
    if not token or any(each.isspace() for each in token):
        raise build_malformed_token()
    return token


def _choose(choice: Choice, found: RouteNeed) -> Choice:
    """Take the structure of the path before that of the header, where the route is about it."""
    if found.structure is None or found.need.find(NeedKind.MEMBER):
        return choice
    return replace(choice, structure=found.structure)


def _asks_for_more(need: Need, choice: Choice) -> bool:
    """Tell whether an anonymous caller chooses what only a known one may have."""
    return bool(
        (choice.structure is not None and need.find(NeedKind.MEMBER))
        or (choice.desk is not None and need.find(NeedKind.DESK))
    )


async def _verify(ports: AccessPorts, token: str) -> Identity:
    try:
        return await ports.verify(token)
    except TokenError as error:
        raise build_refused_token(error.fault) from None
    except IssuerAwayError as error:
        raise build_issuer_away(error.retry_after_s) from None


def _compute_identity(identity: Identity) -> str:
    if identity.kind is PrincipalKind.MACHINE:
        return compute_identity(identity.kind, identity.client or identity.subject)
    return compute_identity(identity.kind, identity.email or "")


def _remember(find: Callable[[str], Awaitable[T]]) -> Callable[[str], Awaitable[T]]:
    """Remember for a moment what was found: many live streams have one caller."""
    known: dict[str, tuple[float, T]] = {}

    async def find_recent(key: str) -> T:
        now = asyncio.get_running_loop().time()
        at, value = known.get(key, (0.0, None))
        if value is not None and now - at < _RECENT_S:
            return value
        if len(known) >= _RECENT_LIMIT:
            known.clear()
        found = await find(key)
        known[key] = (now, found)
        return found

    return find_recent
