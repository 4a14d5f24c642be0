"""Figures of a fuzz run: inputs, faults, peak memory, slowest input."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

SLOW_S = 5.0
"""Time limit of an input, in seconds."""
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
    """Fault, and the input that shows it."""

    sort: Sort
    name: str
    detail: str
    content: bytes = b""


@dataclass(slots=True)
class Tally:
    """Figures of one part of a run."""

    part: str
    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    peak_mb: float = 0
    slowest_ms: float = 0
    slowest: str = "none"

    def record_time(self, name: str, taken_ms: float) -> None:
        """Record the time that an input took; the slowest one is kept."""
        if taken_ms > self.slowest_ms:
            self.slowest_ms, self.slowest = taken_ms, name

    def describe(self) -> str:
        """Describe the figures in one line."""
        return (
            f"{self.part}: {self.inputs} inputs, {len(self.faults)} faults, "
            f"peak {self.peak_mb:.0f} MB, slowest {self.slowest_ms:.0f} ms ({self.slowest})"
        )


def sum_tallies(tallies: Sequence[Tally]) -> Tally:
    """Sum the figures of the parts, without their outcomes."""
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
    """Save the input of a fault, to replay it, and beside it a description in JSON."""
    SAVED.mkdir(parents=True, exist_ok=True)
    stem = "".join(each if each.isalnum() else "-" for each in fault.name)[:80]
    path = SAVED / f"{part}-{seed}-{stem}"
    path.write_bytes(fault.content)
    described = {"part": part, "seed": seed, "input": fault.name}
    described |= {"sort": fault.sort, "detail": fault.detail}
    path.with_name(path.name + ".json").write_text(
        json.dumps(described, indent=2), encoding="utf-8"
    )
    return path
