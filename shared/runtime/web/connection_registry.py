"""Registry of open connections. It limits how many are open: in all, per address, and waiting.

Over a limit, a new connection replaces the oldest one that waits for the head of a request. So a
client that sends its request at once is served, however many connections are idle.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Protocol

from shared.runtime.metrics import CONNECTIONS, CONNECTIONS_CUT
from shared.runtime.web.addresses import group_address, is_within
from shared.runtime.web.problems import RETRY_AFTER_S, Problem

_CHECKED_EVERY_S = 0.5
"""Interval between two checks of the timeouts of all connections, in seconds."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Connection limits and timeouts of one server process, from `RuntimeSettings`."""

    in_all: int
    each: int
    """Limit of connections of one network address; a proxy has no such limit."""
    waiting: int
    """Limit of connections that wait for a request, or for the end of its head."""
    head_s: float
    """Timeout of the head of a request, in seconds."""
    answer_s: float
    """Timeout of a slow reader, in seconds: below `slowest_kb_s` for this time, its connection is
    closed."""
    slowest_kb_s: float
    proxies: tuple[str, ...]


class Connection(Protocol):
    """Methods of an HTTP connection that the registry calls."""

    transport: asyncio.Transport

    def cut(self, reason: str) -> None:
        """Close the connection because a limit is reached."""

    def check_timeouts(self, now: float) -> None:
        """Close the connection when a timeout has passed."""


class ConnectionRegistry:
    """Registry of the open connections of a server. It checks their timeouts twice a second."""

    def __init__(self, limits: ConnectionLimits) -> None:
        """Start without any connection."""
        self.limits = limits
        self._proxies = [ip_network(each) for each in limits.proxies]
        self._open: dict[asyncio.BaseTransport, str] = {}
        self._of_address: Counter[str] = Counter()
        self._waiting: dict[Connection, str] = {}
        self._http: set[Connection] = set()
        self._is_scheduled = False
        self._due = 0.0

    def admit(self, connection: Connection, host: str) -> Problem | None:
        """Admit a connection. Over a limit, close the oldest waiting one, or return a problem."""
        address = "" if is_within(host, self._proxies) else group_address(host)
        self._open[connection.transport] = address
        self._of_address[address] += 1
        self._http.add(connection)
        CONNECTIONS.inc()
        self._check_later()
        is_over_each = bool(address) and self._of_address[address] > self.limits.each
        if is_over_each and not self._cut_oldest(address):
            CONNECTIONS_CUT.labels("address").inc()
            return _build_problem(429, "Trop de connexions sont ouvertes depuis cette adresse.")
        if len(self._open) > self.limits.in_all and not self._cut_oldest():
            CONNECTIONS_CUT.labels("full").inc()
            return _build_problem(503, "Trop de connexions sont ouvertes.")
        return None

    def start_waiting(self, connection: Connection) -> None:
        """Note that a connection now waits for the head of a request."""
        self._waiting.pop(connection, None)
        address = self._open.get(connection.transport)
        if address is None:
            return
        if len(self._waiting) >= self.limits.waiting:
            self._cut_oldest()
        self._waiting[connection] = address

    def stop_waiting(self, connection: Connection) -> None:
        """Note that a connection has received the head of its request."""
        self._waiting.pop(connection, None)

    def upgrade(self, connection: Connection) -> None:
        """Note that a connection has become a WebSocket; it still counts for the limits."""
        self._http.discard(connection)
        self._waiting.pop(connection, None)

    def forget(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection that is closed."""
        address = self._open.pop(transport, None)
        if address is None:
            return
        CONNECTIONS.dec()
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    def forget_http(self, connection: Connection) -> None:
        """Forget an HTTP connection that is closed."""
        self.upgrade(connection)
        self.forget(connection.transport)

    def _cut_oldest(self, address: str | None = None) -> bool:
        waiting = (each for each, of in self._waiting.items() if address in (None, of))
        oldest = next(waiting, None)
        if oldest is not None:
            del self._waiting[oldest]
            oldest.cut("crowded")
        return oldest is not None

    def _check_later(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            loop = asyncio.get_running_loop()
            self._due = loop.time() + _CHECKED_EVERY_S
            loop.call_at(self._due, self._check)

    def _check(self) -> None:
        self._is_scheduled = False
        now = asyncio.get_running_loop().time()
        if now - self._due < _CHECKED_EVERY_S:
            for each in list(self._http):
                each.check_timeouts(now)
        # When this process was busy, skip the check: data of clients may still wait to be read.
        if self._http:
            self._check_later()


def _build_problem(status: int, detail: str) -> Problem:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return Problem(status, f"HTTP-{status}", detail, headers=headers)
