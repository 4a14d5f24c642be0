"""Slowness of an input: CPU time of the processes at work, and time on the clock."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from tests.fuzz.faults import SLOW_S
from tests.kit.waiting import scale_timeout

_TICKS = os.sysconf("SC_CLK_TCK")


class Stopwatch:
    """Measures an input from when it is made.

    On a loaded machine the time on the clock says little, so its limit is scaled; what the
    processes themselves have computed in that time has the limit as it is.
    """

    def __init__(self, pids: Iterable[int] = (), limit_s: float = SLOW_S) -> None:
        self._pids = tuple(pids)
        self._limit_s = limit_s
        self._begun = time.monotonic()
        self._cpu_begun = self._cpu_s()

    @property
    def taken_s(self) -> float:
        """Time on the clock until now."""
        return time.monotonic() - self._begun

    def is_over(self) -> bool:
        """Tell whether the input has taken too long."""
        taken_s = self.taken_s
        if taken_s <= self._limit_s:
            return False
        return self._cpu_s() - self._cpu_begun > self._limit_s or taken_s > scale_timeout(
            self._limit_s
        )

    def _cpu_s(self) -> float:
        return sum(map(cpu_s_of, self._pids))


def cpu_s_of(pid: int) -> float:
    """Give the CPU time of a process and of its children, those that have ended too; 0 if gone."""
    process = Path(f"/proc/{pid}")
    try:
        # The name, in parentheses, may hold blanks.
        fields = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        children = (process / "task" / str(pid) / "children").read_text(encoding="utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(cpu_s_of(int(each)) for each in children)
