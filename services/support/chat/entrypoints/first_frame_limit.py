"""First-frame limit of the chat: timeout and number of sockets without a first frame."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FirstFrameLimit:
    """Limits the connections without a first frame, in number and in time.

    Over the limit, the connection that has waited longest is closed: a client that sends its first
    frame at once is served, however many connections stay silent.
    """

    def __init__(self, in_all: int, seconds: float) -> None:
        """Allow `in_all` silent connections, each for `seconds` at most."""
        self._in_all = in_all
        self._seconds = seconds
        self._waiting: dict[asyncio.Timeout, None] = {}

    @asynccontextmanager
    async def count_silent(self) -> AsyncIterator[None]:
        """Count a connection as silent within the block.

        Raises TimeoutError after the timeout, and when the limit closes this connection.
        """
        async with asyncio.timeout(self._seconds) as timeout:
            if len(self._waiting) >= self._in_all:
                self._expire_oldest()
            self._waiting[timeout] = None
            try:
                yield
            finally:
                self._waiting.pop(timeout, None)

    def _expire_oldest(self) -> None:
        oldest = next(iter(self._waiting))
        del self._waiting[oldest]
        if not oldest.expired():
            oldest.reschedule(asyncio.get_running_loop().time())
