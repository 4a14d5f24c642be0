"""Rate limit, counting: requests of each caller in the current window. Pure: the time is given.

Windows are fixed and begin at multiples of their length, so that replicas have the same ones by
their own clocks. A caller may thus use up two limits around the moment at which a window ends.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nlargest

CALLERS_LIMIT = 50_000
"""Limit of known callers counted in one window, and of addresses beside them, some 15 MB each.

Those beyond it are let in uncounted: to refuse them would let whoever has many addresses keep
everybody out. Addresses take no place of a known caller, whose limit holds however many come.
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a caller has used of its limit in the current window."""

    limit: int
    used: int
    window_s: int
    ends_at: int
    """End of the window, in seconds since 1970."""
    left_s: int
    """Seconds until then, at least one."""
    is_over: bool = False
    """Whether the request was refused by the limit; then it was not counted."""

    @property
    def remaining(self) -> int:
        """Requests that the caller may still make in the window."""
        return max(0, self.limit - self.used)


@dataclass(slots=True)
class _Count:
    own: int = 0
    """Requests that this process let in."""
    shared: int = 0
    """As many of them as the other replicas can know."""
    others: int = 0
    """Requests that the other replicas let in, as last read."""


class CallerCounts:
    """Counts of requests by caller, of one window: the counts of the one before are dropped."""

    def __init__(self, window_s: int) -> None:
        """Count in windows of so many seconds."""
        self._window_s = window_s
        self._window = 0
        self._counts: dict[str, _Count] = {}
        self._addresses = 0
        """How many of them are of addresses."""

    def find_window(self, now_s: float) -> int:
        """Find the start of the window of a moment, in seconds since 1970."""
        return int(now_s // self._window_s) * self._window_s

    def take(
        self, caller: str, limit: int, now_s: float, *, is_address: bool = False
    ) -> Usage | None:
        """Count one request of a caller, unless it is over the limit; None beyond CALLERS_LIMIT."""
        self._turn(now_s)
        count = self._counts.get(caller)
        if count is None:
            held = self._addresses if is_address else len(self._counts) - self._addresses
            if held >= CALLERS_LIMIT:
                return None
            self._addresses += is_address
            count = self._counts[caller] = _Count()
        is_over = count.own + count.others >= limit
        if not is_over:
            count.own += 1
        return self._build_usage(count, limit, now_s, is_over=is_over)

    def read(self, caller: str, limit: int, now_s: float) -> Usage:
        """Read what a caller has used, without counting a request."""
        self._turn(now_s)
        return self._build_usage(self._counts.get(caller, _Count()), limit, now_s, is_over=False)

    def list_changed(self, now_s: float, most: int) -> Mapping[str, int]:
        """List what this process counted of callers since it was shared; the most active first."""
        self._turn(now_s)
        changed = ((each, c.own) for each, c in self._counts.items() if c.own != c.shared)
        return dict(nlargest(most, changed, key=lambda item: item[1]))

    def note_shared(
        self, window: int, shared: Mapping[str, int], others: Mapping[str, int]
    ) -> None:
        """Note what was shared, and what the other replicas counted; nothing of a past window."""
        for caller, own in shared.items() if window == self._window else ():
            count = self._counts[caller]
            count.shared, count.others = own, others.get(caller, 0)

    def note_others(self, window: int, caller: str, others: int) -> None:
        """Note what the other replicas counted of a caller; nothing of a past window."""
        if window == self._window and (count := self._counts.get(caller)):
            count.others = others

    def _turn(self, now_s: float) -> None:
        if (window := self.find_window(now_s)) != self._window:
            self._window, self._counts, self._addresses = window, {}, 0

    def _build_usage(self, count: _Count, limit: int, now_s: float, *, is_over: bool) -> Usage:
        ends_at = self._window + self._window_s
        left_s = max(1, math.ceil(ends_at - now_s))
        used = count.own + count.others
        return Usage(limit, used, self._window_s, ends_at, left_s, is_over)
