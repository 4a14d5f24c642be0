"""ASGI middlewares of every service: authentication, and the origin of a WebSocket."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.web.caller import as_agent, as_caller, as_either
from shared.runtime.web.problems import Problem, respond

_NAMES = frozenset({"x-structure", "x-role", "x-desk", "x-agent"})
_PORTS = {"http": 80, "https": 443}
_ANOTHER_SITE = Problem(
    403, "HTTP-ORIGIN-01", "Cette connexion vient d'une page d'un autre site : elle est refusée."
)


class KnownOnly:
    """Authentication middleware: answers 401 before the body is read when the caller is unknown.

    The framework parses a body before it asks who calls: routes ask again, and this one keeps
    strangers from having bodies parsed. Where strangers may come, a name that is given must hold.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        unasked: Sequence[str],
        open_paths: Sequence[str],
        desk_paths: Sequence[str],
    ) -> None:
        """Wrap `app`.

        Args:
            unasked: beginnings of the paths where nobody is asked anything.
            open_paths: of those where strangers may come.
            desk_paths: of those that are for the desks alone; all others are for structures.
        """
        self._app = app
        self._unasked = tuple(unasked)
        self._open = tuple(open_paths)
        self._desks = tuple(desk_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] != "lifespan" and not scope["path"].startswith(self._unasked):
            try:
                self._ask(HTTPConnection(scope))
            except Problem as problem:
                # A WebSocket is refused by an answer over HTTP as well: it is not open yet.
                await respond(problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _ask(self, connection: HTTPConnection) -> None:
        path = connection.scope["path"]
        if path.startswith(self._desks):
            as_agent(connection)
        elif not path.startswith(self._open):
            as_caller(connection)
        elif not _NAMES.isdisjoint(connection.headers.keys()):
            as_either(connection)


class OwnPages:
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
