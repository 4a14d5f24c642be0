"""Ends the launcher's processes when the launcher dies without a word.

A process of its own, told `+pid` and `-pid` through a pipe that closes with the launcher, however
it dies. The kernel's parent-death signal was weighed: it exists on Linux alone, follows the thread
that started the process rather than the launcher, and needs code between fork and exec, which is
not safe in a program with threads.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


class Watchdog:
    """The launcher's end of the pipe."""

    def __init__(self) -> None:
        """Start watching. It has its own session: Ctrl-C is for the launcher alone."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """End the process group `pid` when the launcher dies."""
        self._tell(f"+{pid}")

    def forget(self, pid: int) -> None:
        """Leave `pid` alone: it has ended, and the number may come to mean another process."""
        self._tell(f"-{pid}")

    def close(self) -> None:
        """Stop watching, ending whatever is still watched."""
        self._process.communicate()

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


def main() -> None:
    """Listen until the launcher is gone, then kill what it left."""
    watched: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line.startswith("+"):
            watched.add(pid)
        else:
            watched.discard(pid)
    for pid in watched:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
