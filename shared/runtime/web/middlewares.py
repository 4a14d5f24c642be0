"""ASGI middlewares of every service: authentication, and the origin of a WebSocket."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.web.caller import authenticate_request
from shared.runtime.web.paths import PathPrefixes
from shared.runtime.web.problems import Problem, respond
from shared.vocabulary.actors import Actor

Authenticator = Callable[[HTTPConnection], object]
"""Authenticates whoever calls, or raises a 401 problem."""
_CALLER = "aiguillage.caller"
"""Key of an ASGI scope: what the authenticator of a request gave."""

_PORTS = {"http": 80, "https": 443}
_ANOTHER_SITE = Problem(
    403, "HTTP-ORIGIN-01", "Cette connexion vient d'une page d'un autre site : elle est refusée."
)


class AuthenticationMiddleware:
    """Authentication middleware: answers 401 before the body is read when the caller is unknown.

    The framework parses a body before it authenticates the caller. Routes authenticate as well;
    this middleware spares the service from parsing bodies of strangers.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        exempt: PathPrefixes,
        authenticators: Mapping[PathPrefixes, Authenticator],
    ) -> None:
        """Wrap `app`.

        Args:
            exempt: the paths without any authentication.
            authenticators: what authenticates where; the first prefixes that match hold.
                Elsewhere a structure has to be named.
        """
        self._app = app
        self._exempt = exempt
        self._authenticators = dict(authenticators)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] != "lifespan" and not self._exempt.match(scope["path"]):
            try:
                caller = self._find_authenticator(scope["path"])(HTTPConnection(scope))
            except Problem as problem:
                # A WebSocket is refused by an answer over HTTP as well: it is not open yet.
                await respond(problem)(scope, receive, send)
                return
            scope[_CALLER] = caller
        await self._app(scope, receive, send)

    def _find_authenticator(self, path: str) -> Authenticator:
        found = (each for prefixes, each in self._authenticators.items() if prefixes.match(path))
        return next(found, authenticate_request)


def read_structure(scope: Scope) -> str | None:
    """Read the structure for which a request was authenticated; None for anybody else."""
    caller = scope.get(_CALLER)
    return caller.structure if isinstance(caller, Actor) else None


class OriginMiddleware:
    """Origin check of WebSockets: answers 403 to a page of another site (RFC 6455, 10.2).

    Browsers say by `Origin` which page it is, and no page can change that; programs say nothing.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        """Wrap `app`; `allowed` origins pass beside the pages of the host itself."""
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403."""
        if scope["type"] == "websocket":
            headers = Headers(scope=scope)
            origins = headers.getlist("origin")
            if not all(each in self._allowed or _is_of_host(each, headers) for each in origins):
                await respond(_ANOTHER_SITE)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_of_host(origin: str, headers: Headers) -> bool:
    try:
        page, host = urlsplit(origin), urlsplit(f"//{headers.get('host', '')}")
        usual = _PORTS.get(page.scheme)
        is_same = (page.hostname, page.port or usual) == (host.hostname, host.port or usual)
    except ValueError:
        return False
    return usual is not None and bool(page.hostname) and is_same
