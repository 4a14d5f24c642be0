"""Watchdog process: kills what the launcher started, and removes its folder, when it dies.

It is told `+pid` and `-pid` through a pipe that closes with the launcher, however
it dies. The kernel's parent-death signal was weighed: it exists on Linux alone, follows the thread
that started the process rather than the launcher, and needs code between fork and exec, which is
not safe in a program with threads.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_REMOVAL_TRIES = 50
_END_TRIES = 10
_PAUSE_S = 0.1


class Watchdog:
    """The launcher's end of the pipe."""

    def __init__(self, scratch: Path | None = None, inherits: Sequence[int] = ()) -> None:
        """Start watching. It has its own session: Ctrl-C is for the launcher alone.

        `scratch` is a folder to remove at the end; descriptors that it `inherits`, a lock among
        them, stay open until it has ended everything.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__), *([scratch] if scratch else [])],
            stdin=subprocess.PIPE,
            pass_fds=inherits,
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """End the process group `pid` when the launcher dies."""
        self._tell(f"+{pid}")

    def forget(self, pid: int) -> None:
        """Leave `pid` alone: it has ended, and the number may come to mean another process."""
        self._tell(f"-{pid}")

    def close(self) -> None:
        """Stop watching, once whatever is still watched has ended and the folder is gone."""
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
    for pid in watched:
        _wait_for_end(pid)
    for scratch in sys.argv[1:]:
        _remove(Path(scratch))


def _wait_for_end(pid: int) -> None:
    """Wait until a killed process holds no file any more, or is a zombie that nobody reaps."""
    for _ in range(_END_TRIES):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(_PAUSE_S)


def _remove(folder: Path) -> None:
    """Try again while a process that was killed a moment ago still writes there."""
    for _ in range(_REMOVAL_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()
