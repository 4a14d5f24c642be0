"""Fair semaphore: holders are served in turn, and no holder takes all the places.

A plain semaphore serves in the order of arrival: a holder that sends sixty slow files would block
all others.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.deposit.application.ports import SaturatedError


class FairSemaphore:
    """Semaphore shared by holders; a quarter of its places is kept for holders without a place."""

    def __init__(self, places: int, wait_s: float) -> None:
        """Begin with all places free; `wait_s` is the timeout of a wait, in seconds."""
        self._free = places
        self._reserved = -(-places // 4) if places > 1 else 0
        self._wait_s = wait_s
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """Waiting requests by holder; the holder served longest ago comes first."""

    @asynccontextmanager
    async def acquire(self, holder: str) -> AsyncIterator[None]:
        """Hold a place within the block. Raises SaturatedError when none comes free in time."""
        if self._has_place(holder):
            self._take(holder)
        else:
            await self._wait(holder)
        try:
            yield
        finally:
            self._release(holder)

    def _has_place(self, holder: str) -> bool:
        return self._free > (self._reserved if self._taken[holder] else 0)

    def _take(self, holder: str) -> None:
        self._free -= 1
        self._taken[holder] += 1

    def _release(self, holder: str) -> None:
        self._free += 1
        self._taken[holder] -= 1
        if not self._taken[holder]:
            del self._taken[holder]
        self._wake_next()

    async def _wait(self, holder: str) -> None:
        entered = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(holder, deque()).append(entered)
        try:
            async with asyncio.timeout(self._wait_s):
                await entered
        except BaseException as error:
            if entered.done() and not entered.cancelled():
                self._release(holder)
            else:
                self._forget(holder, entered)
            if isinstance(error, TimeoutError):
                raise SaturatedError from None
            raise

    def _forget(self, holder: str, entered: asyncio.Future[None]) -> None:
        line = self._waiting.get(holder, deque())
        # `_wake_next` may have removed it already: it drops requests that were cancelled.
        if entered in line:
            line.remove(entered)
            if not line:
                del self._waiting[holder]

    def _wake_next(self) -> None:
        """Give free places to those who wait: first to the holder with the fewest places.

        Among equals, the one served longest ago comes first.
        """
        while self._waiting:
            holder = min(self._waiting, key=self._taken.__getitem__)
            if not self._has_place(holder):
                return
            line = self._waiting.pop(holder)
            entered = line.popleft()
            if line:
                self._waiting[holder] = line
            if not entered.cancelled():
                entered.set_result(None)
                self._take(holder)
