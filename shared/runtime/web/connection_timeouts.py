"""Connection timeouts of the HTTP server: a head that is slow or large, an answer not read.

uvicorn waits for ever for the rest of a request's head, whatever its size, and for a client that
does not read its answer. `connection_registry.py` limits the number of connections.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from shared.runtime.metrics import CONNECTIONS_CUT
from shared.runtime.web.connection_registry import ConnectionLimits, ConnectionRegistry
from shared.runtime.web.problems import Problem, respond

_HEAD_BYTES = 32 * 1024
_HEAD_LINES = 100
"""Size limits of the head of a request."""
_PIPELINED = 16
"""Limit of pipelined requests that wait behind the one being answered."""
_LINGER_S = 10.0
"""Timeout, in seconds, of the rest of a body, read and dropped after its request was answered: a
client that is cut before it has sent everything may never read the answer."""
_KILOBYTE = 1024
_DRAINED_BYTES = 48 * _KILOBYTE
"""Bytes sent when the transport resumes: the distance from its high-water mark to its low one."""


class LimitedConfig(uvicorn.Config):
    """Configuration of uvicorn, with limits of connections."""

    def __init__(self, app: Any, limits: ConnectionLimits, **settings: Any) -> None:  # noqa: ANN401
        """Configure the server of `app`; `settings` are uvicorn's own."""
        super().__init__(app, http=LimitedHttp, ws=LimitedSocket, **settings)
        self.connections = ConnectionRegistry(limits)


class LimitedHttp(HttpToolsProtocol):
    """HTTP connection of uvicorn, with timeouts and size limits."""

    config: LimitedConfig

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - uvicorn's own
        """Prepare the connection as uvicorn does."""
        super().__init__(*args, **settings)
        self._registry = self.config.connections
        self._limits = self._registry.limits
        self._waits_since: float | None = None
        self._lingers_since: float | None = None
        self._has_body = False
        self._head_bytes = self._head_lines = 0
        self._problem: Problem | None = None
        self._ignores_upgrade = False
        self._read_rate = _ReadRate()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        if problem := self._registry.admit(self, self.client[0] if self.client else ""):
            self._refuse(problem)
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._registry.forget_http(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        while data and not self.transport.is_closing():
            if not self._is_waiting():
                self._parse(data)
                return
            room = _HEAD_BYTES - self._head_bytes
            head, data = data[:room], data[room:]
            self._parse(head)
            if self._is_waiting():
                self._head_bytes += len(head)
                if self._head_bytes >= _HEAD_BYTES:
                    self._cut("head size", _build_too_large())
            elif self.transport.get_protocol() is not self:
                return

    def _parse(self, data: bytes) -> None:
        """Parse like uvicorn, but ignore any upgrade except to a WebSocket (RFC 9110).

        The parser would end such a message at its head, and read its body as another request.
        """
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.send_400_response(str(error))
        except httptools.HttpParserUpgrade as upgrade:
            if not self._ignores_upgrade:
                self.handle_websocket_upgrade()
                return
            self._ignores_upgrade = False
            if self.parser.get_method() == b"CONNECT":
                self.send_400_response("no tunnel")
                return
            head, rest = self._write_head_without_upgrade(), data[upgrade.args[0] :]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self._parse(head + rest)

    def _write_head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        return b"".join([*lines, b"\r\n"])

    def _opens_websocket(self) -> bool:
        """Tell whether a head opens a WebSocket: a GET without a body (RFC 6455, 4.1).

        False while an earlier request of the same connection is being answered.
        """
        is_answering = self.cycle is not None and not self.cycle.response_complete
        has_body = any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        )
        is_bare_get = self.parser.get_method() == b"GET" and not has_body
        return self._should_upgrade() and is_bare_get and not is_answering

    def _is_waiting(self) -> bool:
        return self._waits_since is not None

    def on_message_begin(self) -> None:
        self._wait()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_lines += 1
        if self._head_lines > _HEAD_LINES:
            self._problem = _build_too_large()
            raise ValueError("too many headers")
        if not self._has_body:
            # A header after a body is a trailer, which must not change the head.
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and not self._opens_websocket():
            self._ignores_upgrade = True
            return
        self._waits_since, self._has_body = None, True
        self._registry.stop_waiting(self)
        super().on_headers_complete()
        if len(self.pipeline) > _PIPELINED:
            raise ValueError("too many requests in a row")

    def on_message_complete(self) -> None:
        if self._ignores_upgrade:
            return
        self._has_body, self._lingers_since = False, None
        super().on_message_complete()
        if self.parser.should_upgrade():
            return
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
        self._read_rate.resumed += 1
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - in English
        """Answer 400 to what is not HTTP, or 431 to a head that is too large."""
        self._cut(
            "head size" if self._problem else "malformed",
            self._problem or Problem(400, "HTTP-400", "La requête n'est pas du HTTP lisible."),
        )

    def check_timeouts(self, now: float) -> None:
        """Close the connection when a timeout has passed."""
        limits = self._limits
        if self._read_rate.check_unread(now, self.transport.get_write_buffer_size(), limits):
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
        """Close a connection that waits, with a 408 when part of a head has come."""
        problem = Problem(408, "HTTP-408", "La requête n'est pas arrivée à temps.")
        self._cut(reason, problem if self._head_bytes else None)

    def _cut(self, reason: str, problem: Problem | None) -> None:
        CONNECTIONS_CUT.labels(reason).inc()
        self._refuse(problem)

    def _refuse(self, problem: Problem | None) -> None:
        """Close the connection, with an answer when no other one is being sent."""
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
        self._registry.start_waiting(self)


def _build_too_large() -> Problem:
    limits = f"{_HEAD_BYTES // _KILOBYTE} Ko et {_HEAD_LINES} lignes"
    return Problem(431, "HTTP-431", f"Les en-têtes dépassent {limits} : rien n'a été lu.")


class _ReadRate:
    """Rate at which a client reads the bytes that wait in the transport."""

    def __init__(self) -> None:
        self.resumed = 0
        self._since: float | None = None
        self._then = (0, 0)

    def check_unread(self, now: float, waiting: int, limits: ConnectionLimits) -> bool:
        """Measure the rate at `now`, when `waiting` bytes remain.

        True when the client has read too slowly during `answer_s`; the measure then starts again.
        """
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
    """WebSocket of uvicorn, which leaves the registry when it ends."""

    config: LimitedConfig

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.config.connections.forget(self.transport)
