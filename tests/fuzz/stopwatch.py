"""Stopwatch of an input: CPU time of the processes at work, and elapsed time."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from tests.fuzz.faults import SLOW_S
from tests.kit.waiting import scale_timeout

_TICKS = os.sysconf("SC_CLK_TCK")


class Stopwatch:
    """Measures an input from its own creation on.

    The limit holds for the CPU time of the processes as it is. For the elapsed time it is scaled,
    as other processes may load the machine.
    """

    def __init__(self, pids: Iterable[int] = (), limit_s: float = SLOW_S) -> None:
        self._pids = tuple(pids)
        self._limit_s = limit_s
        self._begun = time.monotonic()
        self._cpu_begun = self._cpu_s()

    @property
    def taken_s(self) -> float:
        """Elapsed time, in seconds."""
        return time.monotonic() - self._begun

    def is_over(self) -> bool:
        """Whether the CPU time or the elapsed time is over its limit."""
        taken_s = self.taken_s
        if taken_s <= self._limit_s:
            return False
        return self._cpu_s() - self._cpu_begun > self._limit_s or taken_s > scale_timeout(
            self._limit_s
        )

    def _cpu_s(self) -> float:
        return sum(map(measure_cpu_s, self._pids))


def measure_cpu_s(pid: int) -> float:
    """Measure the CPU time of a process and its children, ended ones too, in seconds; 0 if gone."""
    process = Path(f"/proc/{pid}")
    try:
        # The name of the process, in parentheses, may hold blanks.
        fields = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        children = (process / "task" / str(pid) / "children").read_text(encoding="utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(
        measure_cpu_s(int(each)) for each in children
    )
