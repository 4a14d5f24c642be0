"""WebSocket metrics and errors: counts frames, closes with a code when an application fails."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from shared.runtime.metrics import SOCKET_CLOSES, SOCKET_FRAMES, SOCKETS
from shared.runtime.web.paths import find_route_label
from shared.runtime.web.problems import handle_unforeseen, respond

_FAILED, _TRY_AGAIN = 1011, 1013
"""Closing codes of a WebSocket that was open (RFC 6455, IANA)."""
_LEAVING: Mapping[int, str] = {
    1000: "left",
    1001: "left",
    1005: "left",
    1009: "too large",
    1012: "stopped",
}
"""Reason of each close code in metrics; any other code, which a client may choose, is "lost"."""


class _MonitoredSocket:
    """WebSocket that counts its frames and the reason of its end."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_open = False
        self.has_begun = False
        self.has_ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive":
            SOCKET_FRAMES.labels(self._route, "in").inc()
        elif message["type"] == "websocket.disconnect":
            self._close(_LEAVING.get(message.get("code", 1006), "lost"))
        return message

    async def send(self, message: Message) -> None:
        self.has_begun = True
        match message["type"]:
            case "websocket.accept":
                self._is_open = True
                SOCKETS.labels(self._route).inc()
            case "websocket.send":
                SOCKET_FRAMES.labels(self._route, "out").inc()
            case "websocket.http.response.start":
                self.has_ended = True
                SOCKET_CLOSES.labels(self._route, f"refused {message['status']}").inc()
            case "websocket.close":
                self.has_ended = True
                self._close(f"closed {message.get('code', 1000)}")
        await self._send(message)

    def end(self) -> None:
        """Count a WebSocket that nobody closed: its application ended."""
        self._close("lost")

    def _close(self, reason: str) -> None:
        if self._is_open:
            self._is_open = False
            SOCKETS.labels(self._route).dec()
            SOCKET_CLOSES.labels(self._route, reason).inc()

    @property
    def _route(self) -> str:
        return find_route_label(self._scope)


async def serve_websocket(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a WebSocket. An error is answered over HTTP before it is open, and closes it after."""
    socket = _MonitoredSocket(scope, receive, send)
    try:
        await app(scope, socket.receive, socket.send)
    except WebSocketDisconnect:
        return
    except Exception as error:  # noqa: BLE001 - it is logged, and answered or closed
        problem = handle_unforeseen(error)
        if not socket.has_begun:
            await respond(problem)(scope, socket.receive, socket.send)
        elif not socket.has_ended:
            is_passing = problem.status == HTTPStatus.SERVICE_UNAVAILABLE
            code = _TRY_AGAIN if is_passing else _FAILED
            await socket.send({"type": "websocket.close", "code": code, "reason": problem.code})
    finally:
        socket.end()
