"""ASGI middlewares of every service: authentication, and origin check of WebSockets."""

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
"""Authenticates the caller, or raises a 401 problem."""
_CALLER = "aiguillage.caller"
"""Key of an ASGI scope: the caller that the authenticator has returned."""

_PORTS = {"http": 80, "https": 443}
_ANOTHER_SITE = Problem(
    403, "HTTP-ORIGIN-01", "Cette connexion vient d'une page d'un autre site : elle est refusée."
)


class AuthenticationMiddleware:
    """Authentication middleware: answers 401 before the body is read when the caller is unknown.

    Routes authenticate as well, but the framework parses the body before. This middleware keeps a
    service from parsing the bodies of unknown callers.
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
            exempt: paths without any authentication.
            authenticators: authenticator of each path prefix; the first match is used. On any
                other path the caller must be a structure.
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
                # A WebSocket is not open yet, so it is refused by an HTTP answer too.
                await respond(problem)(scope, receive, send)
                return
            scope[_CALLER] = caller
        await self._app(scope, receive, send)

    def _find_authenticator(self, path: str) -> Authenticator:
        found = (each for prefixes, each in self._authenticators.items() if prefixes.match(path))
        return next(found, authenticate_request)


def read_structure(scope: Scope) -> str | None:
    """Read the authenticated structure of a request; None for any other caller."""
    caller = scope.get(_CALLER)
    return caller.structure if isinstance(caller, Actor) else None


class OriginMiddleware:
    """Origin check of WebSockets: answers 403 to a page of another site (RFC 6455, 10.2).

    Browsers send the origin of the page in `Origin`, which no page can change; programs send none.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        """Wrap `app`; the `allowed` origins pass, and pages of the host itself."""
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
