"""What a fuzz run counts: inputs, faults, peak memory, the slowest input."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

SLOW_S = 5.0
"""Longest time that an input may take, in seconds."""
SAVED = Path(__file__).parents[2] / ".run" / "fuzz"


class Sort(StrEnum):
    """Sorts of faults."""

    EXCEPTION = "an exception"
    SERVER_ERROR = "a 5xx"
    SLOW = "an input over 5 s"
    MEMORY = "a process over its memory"
    UNLIKE = "a file not read alike twice"
    STILL = "a group that stands still"
    UNDESCRIBED = "an answer that is not as described"
    UNHEALTHY = "a platform that does not recover"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and the input that shows it."""

    sort: Sort
    name: str
    detail: str
    content: bytes = b""


@dataclass(slots=True)
class Tally:
    """The figures of one part of a run."""

    part: str
    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    peak_mb: float = 0
    slowest_ms: float = 0
    slowest: str = "none"

    def time(self, name: str, taken_ms: float) -> None:
        """Note how long an input took."""
        if taken_ms > self.slowest_ms:
            self.slowest_ms, self.slowest = taken_ms, name

    def describe(self) -> str:
        """Give the figures in one line."""
        return (
            f"{self.part}: {self.inputs} inputs, {len(self.faults)} faults, "
            f"peak {self.peak_mb:.0f} MB, slowest {self.slowest_ms:.0f} ms ({self.slowest})"
        )


def total(tallies: Sequence[Tally]) -> Tally:
    """Add the parts up."""
    slowest = max(tallies, key=lambda each: each.slowest_ms)
    return Tally(
        "fuzz",
        inputs=sum(each.inputs for each in tallies),
        faults=[fault for each in tallies for fault in each.faults],
        peak_mb=max(each.peak_mb for each in tallies),
        slowest_ms=slowest.slowest_ms,
        slowest=slowest.slowest,
    )


def save(fault: Fault, part: str, seed: int) -> Path:
    """Keep the input of a fault beside what it did, so that it can be replayed."""
    SAVED.mkdir(parents=True, exist_ok=True)
    stem = "".join(each if each.isalnum() else "-" for each in fault.name)[:80]
    path = SAVED / f"{part}-{seed}-{stem}"
    path.write_bytes(fault.content)
    said = {"part": part, "seed": seed, "input": fault.name}
    said |= {"sort": fault.sort, "detail": fault.detail}
    path.with_name(path.name + ".json").write_text(json.dumps(said, indent=2), encoding="utf-8")
    return path
