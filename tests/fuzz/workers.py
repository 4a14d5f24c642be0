"""Worker processes of bounded memory, in which files are read twice and timed."""

import multiprocessing
import resource
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from shared.vocabulary.sizes import MEGABYTE
from tests.fuzz.faults import SLOW_S, Sort
from tests.kit.process_memory import measure_peak_mb
from tests.kit.waiting import scale_timeout

_START_S = 180.0
_KILL_S = 2 * SLOW_S + 2
"""Timeout of a worker's answer, in seconds: two reads, and the answer."""
# Spawned: a fork of a process with threads may deadlock.
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Reading:
    """Result of reading a file, as text, and whether there is an invoice to judge."""

    said: str
    is_parsed: bool


Reader = Callable[[bytes, str], Reading]
"""Function that reads a file, by content and name; any exception is a fault."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of an input: the reading, or the sort of its fault."""

    reading: Reading | None
    taken_ms: float
    peak_mb: float
    sort: Sort | None = None
    detail: str = ""


class Worker:
    """Process that reads files. It is replaced when it has ended, hung or exceeded its memory."""

    def __init__(self, reader: Reader, memory_mb: int) -> None:
        """Configure the worker; the first input starts the process."""
        self._reader = reader
        self._memory_mb = memory_mb
        self._process: multiprocessing.process.BaseProcess | None = None

    def __enter__(self) -> Self:
        """Do nothing: the first input starts the process."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self._end()

    def read(self, content: bytes, name: str) -> Outcome:
        """Let the process read a file twice; return the outcome."""
        if self._process is None:
            self._start()
        began = time.monotonic()
        with suppress(BrokenPipeError):
            self._pipe.send((content, name))
        if not self._pipe.poll(scale_timeout(_KILL_S)):
            self._end()
            taken_ms = 1000 * (time.monotonic() - began)
            return Outcome(None, taken_ms, 0, Sort.SLOW, f"killed after {taken_ms / 1000:.0f} s")
        try:
            outcome: Outcome = self._pipe.recv()
        except EOFError:
            code = self._end()
            taken_ms = 1000 * (time.monotonic() - began)
            return Outcome(None, taken_ms, 0, Sort.EXCEPTION, f"the reader died with {code}")
        if outcome.sort is Sort.MEMORY:
            self._end()
        return outcome

    def _start(self) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        arguments = (theirs, self._reader, self._memory_mb)
        self._process = _SPAWN.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        if not self._pipe.poll(scale_timeout(_START_S)):
            raise TimeoutError("a worker did not start")
        self._pipe.recv()

    def _end(self) -> int | None:
        """End the process, and return its exit code; None when there is none."""
        if self._process is None:
            return None
        self._pipe.close()
        self._process.join(0.2)
        self._process.kill()
        self._process.join()
        code, self._process = self._process.exitcode, None
        return code


def _serve(pipe: Connection, reader: Reader, memory_mb: int) -> None:
    """Read inputs in the worker's process until the pipe is closed."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * MEGABYTE,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe.send("ready")
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            content, name = pipe.recv()
            pipe.send(_read_twice(reader, content, name, memory_mb))


def _read_twice(reader: Reader, content: bytes, name: str, memory_mb: int) -> Outcome:
    readings: list[Reading] = []
    slowest_ms = 0.0
    sort, detail = None, ""
    while sort is None and len(readings) < 2:
        # Measure CPU time, which the load of the machine does not change.
        began = time.process_time()
        try:
            readings.append(reader(content, name))
        except MemoryError:
            sort, detail = Sort.MEMORY, f"more than {memory_mb} MB asked for"
        except Exception:  # noqa: BLE001 - whatever comes is the fault that is looked for
            sort, detail = Sort.EXCEPTION, "".join(traceback.format_exc()[-1500:])
        slowest_ms = max(slowest_ms, 1000 * (time.process_time() - began))
        if sort is None and slowest_ms > 1000 * SLOW_S:
            sort, detail = Sort.SLOW, f"{slowest_ms:.0f} ms"
    taken_mb = measure_peak_mb()
    if sort is None and taken_mb > memory_mb:
        sort, detail = Sort.MEMORY, f"{taken_mb:.0f} MB"
    if sort is None and readings[0] != readings[1]:
        sort = Sort.UNLIKE
        detail = f"first {readings[0].said[:300]}, then {readings[1].said[:300]}"
    return Outcome(readings[0] if readings else None, slowest_ms, taken_mb, sort, detail)
