"""HTTP server of a service: its configuration, limits and graceful shutdown."""

from collections.abc import Callable
from socket import socket

import uvicorn
from fastapi import FastAPI

from shared.runtime.settings import RuntimeSettings
from shared.runtime.web.body_limits import BodyLimits
from shared.runtime.web.connection_registry import ConnectionLimits
from shared.runtime.web.connection_timeouts import LimitedConfig

_FRAME_MAX_BYTES = 64 * 1024
"""Size limit of a WebSocket message; the default of the server is 16 MB."""
STOP_S = 5
"""Grace period of requests in progress at stop, in seconds."""
_KEEP_ALIVE_S = 8
"""Timeout of an idle connection, longer than the 5 s of httpx, by which services ask one another:
a request on a connection that its server is closing is lost, and the default of uvicorn is 5 s."""


def build_server_config(app: FastAPI, settings: RuntimeSettings) -> uvicorn.Config:
    """Build the configuration of the HTTP server."""
    return LimitedConfig(
        app,
        _build_connection_limits(settings),
        host=settings.host,
        port=settings.port,
        # By default the server trusts these headers from any caller on its own machine.
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies.split(),
        log_config=None,
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        ws_max_size=_FRAME_MAX_BYTES,
    )


def _build_connection_limits(settings: RuntimeSettings) -> ConnectionLimits:
    return ConnectionLimits(
        in_all=settings.connections,
        each=settings.connections_each,
        waiting=settings.connections_waiting,
        head_s=settings.head_timeout_s,
        answer_s=settings.answer_timeout_s,
        slowest_kb_s=settings.slowest_kb_s,
        proxies=tuple(settings.proxies.split()),
    )


def build_body_limits(settings: RuntimeSettings) -> BodyLimits:
    """Build the limits of request bodies from settings."""
    return BodyLimits(
        timeout_s=settings.body_timeout_s,
        timeout_open_s=settings.body_timeout_open_s,
        grace_s=settings.body_grace_s,
        slowest_kb_s=settings.slowest_kb_s,
        uploads_mb=settings.uploads_mb,
        uploads_open_mb=settings.uploads_open_mb,
        upload_wait_s=settings.upload_wait_s,
    )


class Server(uvicorn.Server):
    """Server with graceful shutdown: it ends streams before it waits for open requests."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        """Call `end_streams` at shutdown, before the wait for open requests."""
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the streams, then shut down gracefully."""
        self._end_streams()
        await super().shutdown(sockets)
