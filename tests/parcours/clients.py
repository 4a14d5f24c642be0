"""HTTP clients with retries: spread over the replicas of a service, though some may stop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count

import httpx

from deploy.local.platform import Platform
from tests.kit.waiting import scale_timeout

_PAUSE_S = 0.1


class Retries(httpx.AsyncHTTPTransport):
    """Transport with retries: while a replica is away or answers 503, it asks the next one."""

    def __init__(
        self, platform: Platform, service: str, avoided: Collection[str] = frozenset()
    ) -> None:
        """Spread requests over the replicas that a service has at the time of each.

        No request goes to those whose base URL is in `avoided` at that time.
        """
        super().__init__()
        self._platform = platform
        self._service = service
        self._avoided = avoided
        self._turn = count()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request until a replica answers other than 503. The caller sets a timeout."""
        while True:
            roots = self._platform.addresses.replicas[self._service]
            replicas = [root for root in roots if root not in self._avoided]
            root = httpx.URL(replicas[next(self._turn) % len(replicas)])
            request.url = request.url.copy_with(host=root.host, port=root.port)
            # An act may have been carried out: it has an idempotency key.
            with suppress(httpx.TransportError):
                response = await super().handle_async_request(request)
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return response
                await response.aclose()
            await asyncio.sleep(_PAUSE_S)


BuildTransport = Callable[[Platform, str], Retries]
"""Function that builds the transport to a service."""


@asynccontextmanager
async def open_clients(
    platform: Platform, transport: BuildTransport = Retries
) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Open a client for the public routes of each service, by name, within the block."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=url, timeout=scale_timeout(30), transport=transport(platform, name)
                )
            )
            for name, url in platform.addresses.services.items()
        }
