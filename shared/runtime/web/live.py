"""Live views: who follows something is woken when the store has something new, and seats."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from pymongo.errors import PyMongoError

from shared.runtime.logs import get_logger
from shared.runtime.store.database import Document

if TYPE_CHECKING:
    from motor.motor_asyncio import AsyncIOMotorCollection as Collection

_POLL_S = 1.0
_log = get_logger(__name__)


class Bells:
    """Wakes those who follow something when there is news of it."""

    def __init__(self) -> None:
        """Hang no bell."""
        self._bells: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.is_closed = False

    @contextmanager
    def listen(self, *keys: str) -> Iterator[asyncio.Event]:
        """Give a bell that rings at news of one of `keys`, until the block is left."""
        bell = asyncio.Event()
        for key in keys:
            self._bells[key].add(bell)
        try:
            yield bell
        finally:
            for key in keys:
                self._bells[key].discard(bell)
                if not self._bells[key]:
                    del self._bells[key]

    @property
    def listeners(self) -> int:
        """How many bells hang."""
        return sum(len(bells) for bells in self._bells.values())

    def ring(self, key: str) -> None:
        """Wake who follows a key."""
        for bell in self._bells.get(key, ()):
            bell.set()

    def ring_all(self) -> None:
        """Wake everybody: something may have been missed."""
        for key in self._bells:
            self.ring(key)

    def close(self) -> None:
        """Send everybody home."""
        self.is_closed = True
        self.ring_all()


async def ring_inserts(
    collection: "Collection[Document]", bells: Bells, keys_of: Callable[[Document], Iterable[str]]
) -> None:
    """Ring for every document that any replica inserts, by its keys, until cancelled.

    The store's change stream tells; where there is none, or while it is broken, everybody is woken
    to look.
    """
    while True:
        try:
            await _ring_changes(collection, bells, keys_of)
        except PyMongoError as error:
            _log.warning("live.polled", error=repr(error))
        bells.ring_all()
        await asyncio.sleep(_POLL_S)


async def _ring_changes(
    collection: "Collection[Document]", bells: Bells, keys_of: Callable[[Document], Iterable[str]]
) -> None:
    inserts = [{"$match": {"operationType": "insert"}}]
    async with collection.watch(inserts) as changes:
        bells.ring_all()
        async for change in changes:
            for key in keys_of(change["fullDocument"]):
                bells.ring(key)


class Hall:
    """Where those who have come wait until they have said why: not for long, and not many at once.

    When it is full the one who has waited longest leaves. Whoever speaks at once passes through,
    however many come only to stand there.
    """

    def __init__(self, in_all: int, seconds: float) -> None:
        """Take in `in_all`, each for `seconds` at most."""
        self._in_all = in_all
        self._seconds = seconds
        self._waiting: dict[asyncio.Timeout, None] = {}

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Wait in the hall within the block. Raises TimeoutError in who has to leave."""
        async with asyncio.timeout(self._seconds) as patience:
            if len(self._waiting) >= self._in_all:
                self._send_away()
            self._waiting[patience] = None
            try:
                yield
            finally:
                self._waiting.pop(patience, None)

    def _send_away(self) -> None:
        oldest = next(iter(self._waiting))
        del self._waiting[oldest]
        if not oldest.expired():
            oldest.reschedule(asyncio.get_running_loop().time())


class Crowded(StrEnum):
    """Why nobody more may follow."""

    SERVICE = "service"
    HOLDER = "holder"


class Seats:
    """How many may follow at once: in all, and for one holder."""

    def __init__(self, in_all: int, each: int) -> None:
        """Set out the seats."""
        self._in_all = in_all
        self._each = each
        self._taken: Counter[str] = Counter()

    def take(self, holder: str) -> Callable[[], None] | Crowded:
        """Take a seat and give what leaves it, to be called once; or say why there is none."""
        if self._taken[holder] >= self._each:
            return Crowded.HOLDER
        if self._taken.total() >= self._in_all:
            return Crowded.SERVICE
        self._taken[holder] += 1
        return lambda: self._leave(holder)

    def _leave(self, holder: str) -> None:
        self._taken[holder] -= 1
        if not self._taken[holder]:
            del self._taken[holder]
