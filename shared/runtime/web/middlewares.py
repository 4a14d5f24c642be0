"""ASGI middlewares of every service: origin check of WebSockets, HEAD."""

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.web.problems import Problem, respond

_PORTS = {"http": 80, "https": 443}
_ANOTHER_SITE = Problem(
    403, "HTTP-ORIGIN-01", "Cette connexion vient d'une page d'un autre site : elle est refusée."
)


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


class _HeadersSent(Exception):  # noqa: N818 - it is no error
    """The headers of an answer to HEAD are sent: the application need not go on."""


class HeadMiddleware:
    """HEAD method (RFC 9110, 9.3.2): answers the status and the headers of GET, without a body.

    The application is stopped once it has sent its headers, so that neither a large file nor a live
    stream is sent to nobody.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`, which serves GET only."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, a HEAD as a GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # A copy: the server goes by the method of its own scope, and sends no body.
        as_get = {**scope, "method": "GET"}

        async def send_headers(message: Message) -> None:
            # The route that was found, for logs and metrics.
            scope.update(as_get, method="HEAD")
            await send(message)
            await send({"type": "http.response.body"})
            raise _HeadersSent

        with suppress(_HeadersSent):
            await self._app(as_get, receive, send_headers)
