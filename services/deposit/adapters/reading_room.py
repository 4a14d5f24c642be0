"""Reads untrusted files in processes of their own, whose memory is bounded.

The PDF library cannot be told to stop at every bomb: an array of numbers of 18 MB takes it 1.3 GB.
Such a file ends its reader, not the service.
"""

import asyncio
import multiprocessing
import os
import resource
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from services.deposit.adapters.einvoice.reading import read_einvoice
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.unreadable import TOO_HEAVY, Unreadable
from shared.vocabulary.rules import Violation

_READERS = 2
_ATTEMPTS = 2
"""A file next to a bomb loses its reader too, and deserves another."""
_MEGABYTE = 1024 * 1024


class ReadingRoom:
    """A few reader processes, replaced when one dies."""

    def __init__(self, memory_mb: int) -> None:
        """Prepare readers of `memory_mb` each; none starts before the first file."""
        self._memory_mb = memory_mb
        self._pool = self._open()

    async def read(self, content: bytes, name: str) -> Invoice:
        """Read an e-invoice, or raise `Unreadable`."""
        for _ in range(_ATTEMPTS):
            pool = self._pool
            try:
                result = await asyncio.get_running_loop().run_in_executor(
                    pool, _read, content, name
                )
            except BrokenProcessPool:
                if self._pool is pool:
                    self._pool = self._open()
                continue
            if isinstance(result, Violation):
                raise Unreadable(result)
            return result
        raise Unreadable(TOO_HEAVY.broken("file", name=name))

    def pids(self) -> list[int]:
        """Name the readers that run."""
        return list(self._pool._processes)  # noqa: SLF001 - the pool does not tell otherwise

    def _open(self) -> ProcessPoolExecutor:
        # Spawned, not forked: a fork would copy the loop, the sockets and the threads.
        return ProcessPoolExecutor(
            _READERS,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_enter,
            initargs=(self._memory_mb * _MEGABYTE,),
        )


def _enter(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(content: bytes, name: str) -> Invoice | Violation:
    # A value, for an exception with arguments of its own does not survive the way back.
    try:
        return read_einvoice(content, name)
    except Unreadable as error:
        return error.violation
    except MemoryError:
        return TOO_HEAVY.broken("file", name=name)
