"""Network of webhooks: DNS look-ups, judged addresses, bounded answers (a backend of httpcore)."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import httpcore

from services.notification.pushes.application.shares import FairShares
from services.notification.pushes.domain.targets import Target, TargetRules, is_allowed

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Resolver of names: all addresses of a name, none when it has none."""

_LOOKUP_S = 5
"""Timeout of a look-up, in seconds."""
_LOOKUPS = 256
"""Limit of names that are looked up at once, which structures share."""
_CONNECT_S = 4
"""Timeout of a connection to one address, in seconds."""
_ADDRESSES = 4
"""Addresses of a name that are tried."""
_ANSWER_LIMIT = 20 * 1024
"""Size limit of what is read in answer to a request, in bytes: its head, and 4 KB or more of its
body."""


class AttemptError(Exception):
    """An attempt that failed before or without an answer; `code` is that of an `Attempt`."""

    def __init__(self, code: str) -> None:
        """Take the code."""
        super().__init__(code)
        self.code = code


class ClosedError(AttemptError):
    """The other end closed the connection without an answer."""

    CODE = "closed"

    def __init__(self) -> None:
        """Say so."""
        super().__init__(self.CODE)


class Resolver:
    """Resolver (DNS): each look-up has a thread of its own.

    The event loop's threads are few, and a look-up occupies one for half a minute when the name
    server is down: a sick subscriber would delay the others. A name is looked up once at a time.
    """

    def __init__(self, limit: int = _LOOKUPS) -> None:
        """Start without look-ups; so many may be in progress."""
        self._lookups: dict[str, asyncio.Future[Sequence[str]]] = {}
        self._shares = FairShares(limit)

    async def __call__(self, host: str, structure: str = "") -> Sequence[str]:
        """Look a name up for a structure; an address is returned as it is."""
        lookup = self._lookups.get(host)
        if lookup is None:
            if not self._shares.take(structure):
                return ()
            lookup = self._start(host, structure)
        return await asyncio.shield(lookup)

    def _start(self, host: str, structure: str) -> asyncio.Future[Sequence[str]]:
        loop = asyncio.get_running_loop()
        lookup = self._lookups[host] = loop.create_future()

        def end(addresses: Sequence[str]) -> None:
            del self._lookups[host]
            self._shares.give_back(structure)
            lookup.set_result(addresses)

        def look_up() -> None:
            addresses = _look_up(host)
            # The loop may have ended meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(end, addresses)

        # A daemon: a service that stops does not wait for a name server.
        threading.Thread(target=look_up, name=f"look-up of {host}", daemon=True).start()
        return lookup


def _look_up(host: str) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return [str(each[4][0]) for each in found]


class JudgedNetwork(httpcore.AsyncNetworkBackend):
    """Backend of httpcore for one target: connects to addresses that were judged, and no others."""

    def __init__(self, target: Target, rules: TargetRules, resolve: Resolve) -> None:
        """Judge by these rules the addresses that `resolve` finds."""
        self._target = target
        self._rules = rules
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers. Raises AttemptError.

        One forbidden address among those of a name refuses them all: whoever runs its name server
        wants us to reach it.
        """
        del timeout
        for address in (await self._find_addresses(host))[:_ADDRESSES]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _BoundedStream(
                    await self._network.connect_tcp(
                        address, port, _CONNECT_S, local_address, socket_options
                    )
                )
        raise AttemptError("connect")

    async def _find_addresses(self, host: str) -> Sequence[str]:
        try:
            async with asyncio.timeout(_LOOKUP_S):
                addresses = await self._resolve(host)
        except TimeoutError:
            addresses = ()
        if not addresses:
            raise AttemptError("name")
        if not all(is_allowed(ip_address(each), self._target, self._rules) for each in addresses):
            raise AttemptError("address")
        return addresses


class _BoundedStream(httpcore.AsyncNetworkStream):
    """Stream that refuses an answer over the size limit, informational answers included."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._left = _ANSWER_LIMIT

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if self._left == 0:
            raise AttemptError("answer")
        read = await self._stream.read(min(max_bytes, self._left), timeout)
        if not read:
            raise ClosedError
        self._left -= len(read)
        return read

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self._left = _ANSWER_LIMIT
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _BoundedStream(
                await self._stream.start_tls(ssl_context, server_hostname, timeout)
            )
        except httpcore.ConnectError:
            raise AttemptError("tls") from None
        except BaseException:
            # httpcore closes it after an error, not when the attempt is cancelled.
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        return self._stream.get_extra_info(info)
