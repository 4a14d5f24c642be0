"""Workbooks (XLSX): written here, and read each by a process of its own with limits.

The library opens whatever is in the file: a few kilobytes may unpack to gigabytes, or keep it busy
for minutes. A process a file takes 0.4 s more than a pool of warm ones: a sheet is seldom imported.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from services.organisation.sheets.adapters.workbook_writer import write_workbook
from services.organisation.sheets.application.ports import ReadersBusyError
from services.organisation.sheets.domain import rules
from services.organisation.sheets.domain.form import Cell, FormTable, Table
from shared.runtime.logs import get_logger
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE

_PROGRAM = "services.organisation.sheets.adapters.workbook_process"
_ROOT = Path(__file__).parents[4]
_ANSWER_MAX_BYTES = 8 * MEGABYTE
_ENDING_S = 2.0
"""Timeout of the wait for the end of a killed process, in seconds."""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkbookLimits:
    """Limits of reading: processes at once; memory, CPU time and waiting time of a file."""

    processes: int = 2
    memory_mb: int = 160
    cpu_s: int = 5
    wall_s: float = 20
    turn_s: float = 12
    """Timeout of the wait for a turn, in seconds: then `ReadersBusyError`."""


@dataclass(frozen=True, slots=True)
class _Answer:
    tables: dict[str, list[list[str | bool | tuple[date] | None]]] | None = None
    violation: Violation | None = None


_ANSWERS = TypeAdapter(_Answer)


class XlsxWorkbooks:
    """Writes forms, and reads files so that a hostile one stops only its own reading."""

    def __init__(self, limits: WorkbookLimits = WorkbookLimits()) -> None:
        """Set the limits."""
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.processes)

    async def write(self, tables: Sequence[FormTable]) -> bytes:
        """Write the form of a sheet."""
        return await asyncio.to_thread(write_workbook, tables)

    async def read(self, content: bytes) -> dict[str, Table] | Violation:
        """Read the worksheets of a workbook by name, or the rule that it breaks.

        Raises ReadersBusyError when too many wait.
        """
        try:
            async with asyncio.timeout(self._limits.turn_s):
                await self._turns.acquire()
        except TimeoutError:
            raise ReadersBusyError from None
        try:
            answer = await self._ask(content)
        finally:
            self._turns.release()
        if answer.tables is None:
            return answer.violation or rules.TOO_HEAVY.build_violation("file")
        return {
            name: [[_read_cell(cell) for cell in row] for row in rows]
            for name, rows in answer.tables.items()
        }

    async def _ask(self, content: bytes) -> _Answer:
        """Give a file to a new process; the answer is empty when it ended or took too long."""
        process = await self._start()
        try:
            async with asyncio.timeout(self._limits.wall_s):
                _, answered = await asyncio.gather(_send(process, content), _receive(process))
                await process.wait()
            return _ANSWERS.validate_json(answered)
        except (TimeoutError, OSError, ValidationError) as error:
            # Not the error itself, which may hold what is in the file.
            _log.warning("workbook.not_read", end=type(error).__name__, size_bytes=len(content))
            return _Answer()
        finally:
            await _end(process)

    async def _start(self) -> Process:
        limits = map(str, (self._limits.memory_mb, self._limits.cpu_s))
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-B", "-m", _PROGRAM, *limits),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd=_ROOT,
            # The parser of the standard library, rather than a second one in C.
            env={"OPENPYXL_LXML": "False"},
            start_new_session=True,
        )


async def _send(process: Process, content: bytes) -> None:
    if process.stdin is not None:
        # A process that its limits ended takes no more; its answer tells.
        with suppress(OSError):
            process.stdin.write(content)
            await process.stdin.drain()
        process.stdin.close()


async def _receive(process: Process) -> bytes:
    if process.stdout is None:
        return b""
    answered = bytearray()
    while chunk := await process.stdout.read(64 * 1024):
        answered += chunk
        if len(answered) > _ANSWER_MAX_BYTES:
            raise OSError("an answer that is too long")
    return bytes(answered)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDING_S):
                await process.wait()


def _read_cell(cell: str | bool | tuple[date] | None) -> Cell:
    return cell[0] if isinstance(cell, tuple) else cell
