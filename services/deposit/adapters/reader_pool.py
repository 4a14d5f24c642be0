"""Pool of reader processes with limits: untrusted files are read outside the service.

The PDF library has no limit against some decompression bombs: it takes 1.3 GB to read an array of
numbers of 18 MB, and 2.2 GB and 19 s for 32 KB of nested compression, during which no other thread
of its process may run. Small XML files are read in a thread of the service, so that they never wait
behind a bomb.
"""

import asyncio
import resource
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Counter
from pydantic import TypeAdapter, ValidationError

from services.deposit.adapters.einvoice.xml_reader import read_xml
from services.deposit.adapters.reader_frames import ANSWER_MAX_BYTES, LENGTH, build_frame
from services.deposit.application.fair_semaphore import FairSemaphore
from services.deposit.application.ports import SaturatedError
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.unreadable import TOO_HEAVY, Unreadable
from shared.runtime.backoff import retry_forever
from shared.runtime.logs import get_logger
from shared.vocabulary.attachments import has_pdf_header
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE

LIGHT_BYTES = 64 * 1024
"""Size up to which a file that is no PDF is read in the service itself."""
_PROGRAM = "services.deposit.adapters.reader_process"
_ROOT = Path(__file__).parents[3]
_WARM_S = 30.0
"""Timeout of the start of a reader, in seconds."""
_ENDING_S = 2.0
"""Timeout of the wait for the end of a killed reader, in seconds."""
_READ = Counter(
    "aiguillage_files_read_apart_total",
    "Files given to a reader process: answered, ended by its limits or late; or turned away",
    ["end"],
)
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """Limits of the pool: number of readers; memory, CPU time and waiting time of a file."""

    readers: int
    memory_mb: int
    cpu_s: int
    wall_s: float
    """Wall-clock timeout of a file, in seconds: a busy machine may give less CPU time."""
    wait_s: float
    """Timeout of the wait for a turn, then for a reader, in seconds: then `SaturatedError`."""
    files: int = 200
    """Number of files that a reader reads before a new one replaces it."""
    kept_mb: int = 160
    """Memory that a reader may hold between two files; a new one holds 40 MB."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """Answer of a reader: one of these fields, or none when the file ended the reader.

    A `fault` is an error of our own code.
    """

    invoice: Invoice | None = None
    violation: Violation | None = None
    fault: str | None = None


_ANSWERS = TypeAdapter(_Answer)


class _NotTakenError(Exception):
    """The reader had ended before it took the file, so this file is not the cause."""


class ReaderPool:
    """Reads e-invoices in a few processes, so that a hostile file stops only its own reading."""

    def __init__(self, bounds: ReaderLimits, program: str = _PROGRAM) -> None:
        """Prepare a pool; `prepare` starts its readers, `run` replaces those that end."""
        self._bounds = bounds
        self._program = program
        self._files: dict[Process, int] = {}
        """Number of files given to each reader."""
        self._idle: asyncio.Queue[Process] = asyncio.Queue()
        self._semaphore = FairSemaphore(bounds.readers, bounds.wait_s)
        self._has_ended = asyncio.Event()

    @property
    def pids(self) -> frozenset[int]:
        """Process ids of the readers, busy or idle."""
        return frozenset(reader.pid for reader in self._files)

    async def prepare(self) -> None:
        """Start the missing readers, and wait until they have started."""
        missing = self._bounds.readers - len(self._files)
        await asyncio.gather(*(self._start() for _ in range(missing)))

    async def run(self) -> None:
        """Replace the readers that end, until cancelled; then end them all."""
        try:
            while True:
                await self._has_ended.wait()
                self._has_ended.clear()
                await retry_forever("readers", self.prepare)
        finally:
            for reader in tuple(self._files):
                await self._end(reader)

    async def read(self, content: bytes, name: str, sender: str = "") -> Invoice:
        """Read an e-invoice.

        Raises `Unreadable`, `SaturatedError` when too many wait, and RuntimeError for a fault of
        our own code.
        """
        if len(content) <= LIGHT_BYTES and not has_pdf_header(content):
            return await asyncio.to_thread(read_xml, content, name)
        answer = await self._ask(content, name, sender)
        if answer.fault:
            raise RuntimeError(answer.fault)
        if answer.invoice is None:
            raise Unreadable(answer.violation or TOO_HEAVY.build_violation("file", name=name[:100]))
        return answer.invoice

    async def _ask(self, content: bytes, name: str, sender: str) -> _Answer:
        """Send a file to a reader; the answer is empty when the reader ended or took too long.

        Retries once with another reader when the first one had ended before it took the file: the
        event loop may not know yet that an idle process is dead. A file that ends its reader after
        it was taken is refused without a retry.
        """
        try:
            end, answer = await self._ask_once(content, name, sender)
        except _NotTakenError:
            _log.warning("reader.lost")
            try:
                end, answer = await self._ask_once(content, name, sender)
            except _NotTakenError:
                end, answer = "ended", _Answer()
        _READ.labels(end).inc()
        if end != "answered":
            _log.warning("file.not_read", end=end, size_bytes=len(content))
        return answer

    async def _ask_once(self, content: bytes, name: str, sender: str) -> tuple[str, _Answer]:
        try:
            async with self._acquire_reader(sender) as reader, asyncio.timeout(self._bounds.wall_s):
                answered = await _exchange(reader, name.encode(errors="replace"), content)
                return "answered", _ANSWERS.validate_json(answered)
        except TimeoutError:
            return "late", _Answer()
        except (OSError, EOFError, ValidationError):
            return "ended", _Answer()

    @asynccontextmanager
    async def _acquire_reader(self, sender: str) -> AsyncIterator[Process]:
        """Acquire a reader for the block, in fair turn; an exception in the block ends the reader.

        Raises SaturatedError when no reader is free in time.
        """
        async with AsyncExitStack() as turn:
            try:
                await turn.enter_async_context(self._semaphore.acquire(sender))
                async with asyncio.timeout(self._bounds.wait_s):
                    reader = await self._take_idle()
            except (TimeoutError, SaturatedError):
                _READ.labels("turned_away").inc()
                raise SaturatedError from None
            async with self._lend(reader):
                yield reader

    @asynccontextmanager
    async def _lend(self, reader: Process) -> AsyncIterator[None]:
        self._files[reader] += 1
        try:
            yield
        except BaseException:
            await self._end(reader)
            raise
        if (
            self._files[reader] < self._bounds.files
            and _read_memory_mb(reader) < self._bounds.kept_mb
        ):
            self._idle.put_nowait(reader)
        else:
            await self._end(reader)

    async def _take_idle(self) -> Process:
        while (reader := await self._idle.get()).returncode is not None:
            await self._end(reader)
        return reader

    async def _start(self) -> None:
        bounds = self._bounds
        arguments = map(str, (bounds.memory_mb, bounds.cpu_s, bounds.files))
        reader = await asyncio.create_subprocess_exec(
            *(sys.executable, "-B", "-m", self._program, *arguments),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd=_ROOT,
            env={},
            # A session of its own: Ctrl-C in a terminal reaches the service alone, which ends its
            # readers.
            start_new_session=True,
        )
        self._files[reader] = 0
        try:
            async with asyncio.timeout(_WARM_S):
                await _receive(reader)
        except BaseException:
            await self._end(reader)
            raise
        self._idle.put_nowait(reader)

    async def _end(self, reader: Process) -> None:
        self._files.pop(reader, None)
        self._has_ended.set()
        if reader.returncode is None:
            with suppress(ProcessLookupError):
                reader.kill()
            # Its pipe may stay open, for example in a child process: the wait has a timeout.
            with suppress(TimeoutError):
                async with asyncio.timeout(_ENDING_S):
                    await _drain(reader)
                    await reader.wait()


async def _exchange(reader: Process, *frames: bytes) -> bytes:
    """Send a file; receive its acknowledgement, then the answer.

    Raises `_NotTakenError` when the reader ends before the acknowledgement.
    """
    writer, _ = _get_pipes(reader)
    try:
        for each in frames:
            writer.write(build_frame(each))
        await writer.drain()
        await _receive(reader)
    except (OSError, EOFError) as error:
        raise _NotTakenError from error
    return await _receive(reader)


async def _receive(reader: Process) -> bytes:
    _, answers = _get_pipes(reader)
    (size,) = LENGTH.unpack(await answers.readexactly(LENGTH.size))
    if size > ANSWER_MAX_BYTES:
        raise EOFError
    return await answers.readexactly(size)


async def _drain(reader: Process) -> None:
    """Read what a killed reader has left in its pipe, without which `wait` does not return."""
    _, answers = _get_pipes(reader)
    # RuntimeError: another task still reads the pipe, and reads it to the end.
    with suppress(RuntimeError, OSError):
        while await answers.read(ANSWER_MAX_BYTES):
            pass


def _get_pipes(reader: Process) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    if reader.stdin is None or reader.stdout is None:
        raise EOFError
    return reader.stdin, reader.stdout


def _read_memory_mb(reader: Process) -> int:
    """Read the resident memory of a reader, in MB; 0 where the kernel does not give it."""
    try:
        pages = int(Path(f"/proc/{reader.pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * resource.getpagesize() // MEGABYTE
