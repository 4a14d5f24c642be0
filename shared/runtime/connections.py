"""Connection limits of the HTTP server: how many there are, and the timeouts and size of a head.

uvicorn waits for ever for the rest of a request's head, which may be of any size, and for a client
that does not read its answer. A connection that waits for a head gives its place to a new one when
there are too many: whoever speaks at once gets through, however many only hold a connection.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from shared.runtime.addresses import counted
from shared.runtime.metrics import CONNECTIONS, CONNECTIONS_CUT
from shared.runtime.problems import RETRY_AFTER_S, Problem, respond

_HEAD_BYTES = 32 * 1024
_HEAD_LINES = 100
_PIPELINED = 16
"""Requests that may wait behind one that is being answered."""
_LOOK_S = 0.5
_LINGER_S = 10.0
"""For so long the rest of a body is read and thrown away once its request was answered: a client
that is cut before it has sent all may never read the answer."""
_KILOBYTE = 1024
_DRAINED_BYTES = 48 * _KILOBYTE
"""What has left when the transport resumes: from its high-water mark to its low one."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of one server process."""

    in_all: int = 3000
    each: int = 1000
    """Of one network address, but of the proxies."""
    waiting: int = 500
    """Of these, how many may wait for a request, or for the end of its head."""
    head_s: float = 10
    answer_s: float = 30
    """In so long a client reads at `slowest_kb_s`, or is cut."""
    slowest_kb_s: float = 8
    proxies: tuple[str, ...] = ()


class LimitedConfig(uvicorn.Config):
    """How an application is served, with limits on its connections."""

    def __init__(self, app: Any, limits: ConnectionLimits, **settings: Any) -> None:  # noqa: ANN401
        """Say how to serve `app`; `settings` are uvicorn's own."""
        super().__init__(app, http=LimitedHttp, ws=LimitedSocket, **settings)
        self.connections = Connections(limits)


class Connections:
    """Registry of the open connections of a server. It looks at all of them twice a second."""

    def __init__(self, limits: ConnectionLimits) -> None:
        """Open none."""
        self.limits = limits
        self._proxies = [ip_network(each) for each in limits.proxies]
        self._open: dict[asyncio.BaseTransport, str] = {}
        self._of_address: Counter[str] = Counter()
        self._waiting: dict[LimitedHttp, str] = {}
        self._http: set[LimitedHttp] = set()
        self._is_looking = False
        self._due = 0.0

    def admit(self, connection: "LimitedHttp", host: str) -> Problem | None:
        """Take a connection in, in the place of one that only waits if need be; or say why not."""
        address = "" if self._is_proxy(host) else counted(host)
        self._open[connection.transport] = address
        self._of_address[address] += 1
        self._http.add(connection)
        CONNECTIONS.inc()
        self._look_later()
        is_over_each = bool(address) and self._of_address[address] > self.limits.each
        if is_over_each and not self._cut_oldest(address):
            CONNECTIONS_CUT.labels("address").inc()
            return _too_many(429, "Trop de connexions sont ouvertes depuis cette adresse.")
        if len(self._open) > self.limits.in_all and not self._cut_oldest():
            CONNECTIONS_CUT.labels("full").inc()
            return _too_many(503, "Trop de connexions sont ouvertes.")
        return None

    def wait(self, connection: "LimitedHttp") -> None:
        """Note that a connection waits for a head, from now on."""
        self._waiting.pop(connection, None)
        address = self._open.get(connection.transport)
        if address is None:
            return
        if len(self._waiting) >= self.limits.waiting:
            self._cut_oldest()
        self._waiting[connection] = address

    def busy(self, connection: "LimitedHttp") -> None:
        """Note that a connection has its head."""
        self._waiting.pop(connection, None)

    def upgrade(self, connection: "LimitedHttp") -> None:
        """Leave a connection to its WebSocket. It still counts."""
        self._http.discard(connection)
        self._waiting.pop(connection, None)

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection that is closed."""
        address = self._open.pop(transport, None)
        if address is None:
            return
        CONNECTIONS.dec()
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    def lose(self, connection: "LimitedHttp") -> None:
        """Forget an HTTP connection that is closed."""
        self.upgrade(connection)
        self.leave(connection.transport)

    def _is_proxy(self, host: str) -> bool:
        with suppress(ValueError):
            address = ip_address(host)
            return any(address in network for network in self._proxies)
        return False

    def _cut_oldest(self, address: str | None = None) -> bool:
        waiting = (each for each, of in self._waiting.items() if address in (None, of))
        oldest = next(waiting, None)
        if oldest is not None:
            del self._waiting[oldest]
            oldest.cut("crowded")
        return oldest is not None

    def _look_later(self) -> None:
        if not self._is_looking:
            self._is_looking = True
            loop = asyncio.get_running_loop()
            self._due = loop.time() + _LOOK_S
            loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._is_looking = False
        now = asyncio.get_running_loop().time()
        if now - self._due < _LOOK_S:
            for each in list(self._http):
                each.look(now)
        # Else this process was busy: what clients have sent may still wait to be read.
        if self._http:
            self._look_later()


def _too_many(status: int, detail: str) -> Problem:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return Problem(status, f"HTTP-{status}", detail, headers=headers)


class LimitedHttp(HttpToolsProtocol):
    """uvicorn's HTTP connection, with limits."""

    config: LimitedConfig

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - uvicorn's own
        """Begin like uvicorn's."""
        super().__init__(*args, **settings)
        self._registry = self.config.connections
        self._limits = self._registry.limits
        self._waits_since: float | None = None
        self._lingers_since: float | None = None
        self._has_body = False
        self._head_bytes = self._head_lines = 0
        self._problem: Problem | None = None
        self._answer = _Answer()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if problem := self._registry.admit(self, self.client[0] if self.client else ""):
            self._refuse(problem)
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._registry.lose(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        while data and not self.transport.is_closing():
            if not self._is_waiting():
                super().data_received(data)
                return
            room = _HEAD_BYTES - self._head_bytes
            head, data = data[:room], data[room:]
            super().data_received(head)
            if self._is_waiting():
                self._head_bytes += len(head)
                if self._head_bytes >= _HEAD_BYTES:
                    self._cut("head size", _too_large())
            elif self.transport.get_protocol() is not self:
                return

    def _is_waiting(self) -> bool:
        return self._waits_since is not None

    def on_message_begin(self) -> None:
        self._wait()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_lines += 1
        if self._head_lines > _HEAD_LINES:
            self._problem = _too_large()
            raise ValueError("too many headers")
        if not self._has_body:
            # Else it is a trailer, behind a body: no head is changed by what comes after it.
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._waits_since, self._has_body = None, True
        self._registry.busy(self)
        super().on_headers_complete()
        if len(self.pipeline) > _PIPELINED:
            raise ValueError("too many requests in a row")

    def on_message_complete(self) -> None:
        self._has_body, self._lingers_since = False, None
        super().on_message_complete()
        if self.cycle and self.cycle.response_complete and not self.pipeline:
            self._wait()

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self._has_body and is_last:
            self._lingers_since = self.loop.time()
        elif is_last and self._waits_since is None:
            self._wait()

    def handle_websocket_upgrade(self) -> None:
        self._registry.upgrade(self)
        super().handle_websocket_upgrade()

    def resume_writing(self) -> None:
        self._answer.resumed += 1
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - in English
        """Answer what is no HTTP, or too much of it."""
        self._cut(
            "head size" if self._problem else "malformed",
            self._problem or Problem(400, "HTTP-400", "La requête n'est pas du HTTP lisible."),
        )

    def look(self, now: float) -> None:
        """Cut a connection that has taken too long."""
        limits = self._limits
        if self._answer.is_unread(now, self.transport.get_write_buffer_size(), limits):
            CONNECTIONS_CUT.labels("answer unread").inc()
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self._waits_since is not None and now - self._waits_since > limits.head_s:
            self.cut("head late")
        elif self._lingers_since is not None and now - self._lingers_since > _LINGER_S:
            CONNECTIONS_CUT.labels("body unread").inc()
            self.transport.close()

    def cut(self, reason: str) -> None:
        """Close a connection that waits: in silence when nothing was asked."""
        problem = Problem(408, "HTTP-408", "La requête n'est pas arrivée à temps.")
        self._cut(reason, problem if self._head_bytes else None)

    def _cut(self, reason: str, problem: Problem | None) -> None:
        CONNECTIONS_CUT.labels(reason).inc()
        self._refuse(problem)

    def _refuse(self, problem: Problem | None) -> None:
        """Close, with an answer where none is on its way."""
        if problem and (self.cycle is None or self.cycle.response_complete):
            answer = respond(problem)
            headers = [*self.server_state.default_headers, *answer.raw_headers]
            lines = [b"%b: %b\r\n" % header for header in (*headers, (b"connection", b"close"))]
            status = STATUS_LINE[HTTPStatus(problem.status)]
            self.transport.write(b"".join([status, *lines, b"\r\n", bytes(answer.body)]))
        self.transport.close()

    def _wait(self) -> None:
        self._waits_since = self.loop.time()
        self._head_bytes = self._head_lines = 0
        self._registry.wait(self)


def _too_large() -> Problem:
    said = f"{_HEAD_BYTES // _KILOBYTE} Ko et {_HEAD_LINES} lignes"
    return Problem(431, "HTTP-431", f"Les en-têtes dépassent {said} : rien n'a été lu.")


class _Answer:
    """How fast a client reads what waits for it in the transport."""

    def __init__(self) -> None:
        self.resumed = 0
        self._since: float | None = None
        self._then = (0, 0)

    def is_unread(self, now: float, waiting: int, limits: ConnectionLimits) -> bool:
        """Tell whether too little of `waiting` bytes has left within the time for it."""
        if not waiting:
            self._since = None
        elif self._since is None:
            self._since, self._then = now, (self.resumed, waiting)
        elif now - self._since > limits.answer_s:
            resumed, before = self._then
            left = (self.resumed - resumed) * _DRAINED_BYTES + before - waiting
            self._since = None
            return left < limits.slowest_kb_s * _KILOBYTE * limits.answer_s
        return False


class LimitedSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which leaves the registry when it ends."""

    config: LimitedConfig

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.config.connections.leave(self.transport)
