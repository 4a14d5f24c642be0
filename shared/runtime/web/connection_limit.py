"""Limit of open streams and sockets: how many at once in total, and for one holder."""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum


class LimitReached(StrEnum):
    """Limit that refuses one more connection."""

    SERVICE = "service"
    HOLDER = "holder"


class ConnectionLimit:
    """Limit of open connections of a service, and of each holder."""

    def __init__(self, in_all: int, each: int) -> None:
        """Allow `in_all` connections in total, and `each` for one holder."""
        self._in_all = in_all
        self.each = each
        self._open: Counter[str] = Counter()

    def acquire(self, holder: str) -> Callable[[], None] | LimitReached:
        """Count one more connection; return the function to release it, or the limit reached.

        The function is to be called once.
        """
        if self._open[holder] >= self.each:
            return LimitReached.HOLDER
        if self._open.total() >= self._in_all:
            return LimitReached.SERVICE
        self._open[holder] += 1
        return lambda: self._release(holder)

    def count(self, holder: str) -> int:
        """Count the open connections of a holder."""
        return self._open.get(holder, 0)

    def _release(self, holder: str) -> None:
        self._open[holder] -= 1
        if not self._open[holder]:
            del self._open[holder]
