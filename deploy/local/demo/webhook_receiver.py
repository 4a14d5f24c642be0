"""Webhook receiver of the demo: a server on loopback that verifies what comes, as a partner's."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import uvicorn
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.ports import HOST
from shared.runtime.clock import Clock, build_clock

_PATH = "/aiguillage"


@dataclass(frozen=True, slots=True)
class Received:
    """Webhook that was received."""

    headers: Mapping[str, str]
    body: bytes
    at: float
    """When it came, in seconds since 1970."""
    secrets: tuple[str, ...]
    """Secrets by each of which it must verify."""
    fault: str | None = None
    """Why the Python library did not verify it; None when it did."""

    @property
    def message_id(self) -> str:
        """The header `webhook-id`: the same when a webhook is repeated."""
        return self.headers["webhook-id"]


@dataclass(slots=True)
class WebhookReceiver:
    """Receiver of webhooks, and what it has received so far."""

    url: str
    secrets: tuple[str, ...] = ()
    """Secrets by each of which a webhook must verify now."""
    received: list[Received] = field(default_factory=list)
    clock: Clock = field(default_factory=build_clock)

    async def receive(self, request: Request) -> Response:
        """Record a webhook; answer 401 when it does not verify."""
        body, headers = await request.body(), dict(request.headers)
        fault = _find_fault(headers, body, self.secrets)
        at = self.clock().timestamp()
        self.received.append(Received(headers, body, at, self.secrets, fault))
        return Response(status_code=401 if fault else 204)


def _find_fault(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> str | None:
    """Find why a webhook does not verify by each of these secrets, at the moment it comes."""
    try:
        for secret in secrets:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as error:
        return str(error)
    return None


class _Server(uvicorn.Server):
    """Server that leaves the signals to the demo."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def open_webhook_receiver() -> AsyncIterator[WebhookReceiver]:
    """Serve webhooks on loopback within the block, in the running event loop."""
    with socket.create_server((HOST, 0)) as listening:
        receiver = WebhookReceiver(f"http://{HOST}:{listening.getsockname()[1]}{_PATH}")
        app = Starlette(routes=[Route(_PATH, receiver.receive, methods=["POST"])])
        server = _Server(uvicorn.Config(app, access_log=False, log_level="warning"))
        # It listens already: what comes before the server is ready waits.
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield receiver
        finally:
            server.should_exit = True
            await task
