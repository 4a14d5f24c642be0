"""Limit of requests in progress of one client address, WebSockets and streams included.

Behind a proxy all connections come from the proxy, to which the limit of connections of one address
does not apply. The address counted here is the client's, given by a trusted proxy.
"""

from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_network

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.metrics import CONNECTIONS_CUT
from shared.runtime.web.addresses import read_client
from shared.runtime.web.problems import RETRY_AFTER_S, Problem, respond


class RequestLimit:
    """Limit of requests in progress: answers 429 when one address has too many."""

    def __init__(self, app: ASGIApp, *, each: int, proxies: Sequence[str]) -> None:
        """Wrap `app`. Requests of a proxy that names no client are not counted."""
        self._app = app
        self._each = each
        self._proxies = [ip_network(proxy) for proxy in proxies]
        self._of_address: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429."""
        address = ""
        if scope["type"] != "lifespan":
            address = read_client(HTTPConnection(scope), self._proxies)
        if not address:
            await self._app(scope, receive, send)
            return
        if self._of_address[address] >= self._each:
            CONNECTIONS_CUT.labels("address").inc()
            await respond(_build_too_many())(scope, receive, send)
            return
        self._of_address[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]


def _build_too_many() -> Problem:
    # The body is not read, so the connection cannot serve another request.
    headers = {"Retry-After": str(RETRY_AFTER_S), "Connection": "close"}
    sentence = "Trop de requêtes sont en cours depuis cette adresse."
    return Problem(429, "HTTP-429", sentence, headers=headers)
