"""Reads untrusted files: most in a thread, a heavy PDF in a process of its own.

The PDF library cannot be told to stop at every bomb: an array of numbers of 18 MB takes it 1.3 GB.
Such a file ends its reader, not the service. A process costs half a second, which a light file,
whose bomb is light too, is spared.
"""

import asyncio
import pickle
import resource
import sys

from services.deposit.adapters.einvoice.reading import read_einvoice
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.unreadable import TOO_HEAVY, Unreadable
from shared.vocabulary.rules import Violation

_MEGABYTE = 1024 * 1024
_LIGHT_BYTES = 2 * _MEGABYTE
_PATIENCE_S = 30.0


class ReadingRoom:
    """Where e-invoices are read."""

    def __init__(self, memory_mb: int) -> None:
        """Give the reader of a heavy file `memory_mb`."""
        self._memory_mb = memory_mb

    async def read(self, content: bytes, name: str) -> Invoice:
        """Read an e-invoice, or raise `Unreadable`."""
        if len(content) <= _LIGHT_BYTES or b"%PDF-" not in content[:1024]:
            return await asyncio.to_thread(read_einvoice, content, name)
        result = await self._read_apart(content, name)
        if isinstance(result, Invoice):
            return result
        raise Unreadable(result or TOO_HEAVY.broken("file", name=name))

    async def _read_apart(self, content: bytes, name: str) -> Invoice | Violation | None:
        """Read in another process; None when it was ended before it could say anything."""
        reader = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            str(self._memory_mb * _MEGABYTE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            said, _ = await asyncio.wait_for(
                reader.communicate(pickle.dumps((content, name))), _PATIENCE_S
            )
        except TimeoutError:
            said = b""
        finally:
            if reader.returncode is None:
                reader.kill()
                await reader.wait()
        if reader.returncode or not said:
            return None
        result: Invoice | Violation = pickle.loads(said)  # noqa: S301 - our own process wrote it
        return result


def main() -> None:
    """Read the file on standard input, and say on standard output what it holds or breaks."""
    memory_bytes = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    content, name = pickle.load(sys.stdin.buffer)  # noqa: S301 - the service wrote it
    result: Invoice | Violation
    try:
        result = read_einvoice(content, name)
    except Unreadable as error:
        result = error.violation
    sys.stdout.buffer.write(pickle.dumps(result))


if __name__ == "__main__":
    main()
