"""Watchdog process: when the launcher dies, kills its processes and removes its folder.

It reads `+pid` and `-pid` from a pipe that closes with the launcher, however that dies. The parent-
death signal of the kernel is no alternative: it exists on Linux only, follows the thread that
started the process instead of the launcher, and needs code between fork and exec, which is not safe
in a program with threads.
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
    """Client of the watchdog process: the launcher's end of the pipe."""

    def __init__(self, scratch: Path | None = None, inherits: Sequence[int] = ()) -> None:
        """Start the watchdog, in its own session: Ctrl-C reaches the launcher only.

        `scratch` is a folder to remove at the end. The file descriptors in `inherits`, a lock among
        them, stay open until all processes have ended.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__), *([scratch] if scratch else [])],
            stdin=subprocess.PIPE,
            pass_fds=inherits,
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """End the process group `pid` when the launcher dies."""
        self._write(f"+{pid}")

    def forget(self, pid: int) -> None:
        """Stop watching `pid`: the process has ended, and another one may get its pid."""
        self._write(f"-{pid}")

    def close(self) -> None:
        """Let the watchdog kill what it watches and remove the folder; wait until it has ended."""
        self._process.communicate()

    def _write(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


def main() -> None:
    """Read the pipe until the launcher ends, then kill the processes that it left."""
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
    """Wait at most 1 s until a killed process is gone: it may stay a zombie that nobody reaps."""
    for _ in range(_END_TRIES):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(_PAUSE_S)


def _remove(folder: Path) -> None:
    """Remove a folder; retry for 5 s while a process that was just killed still writes there."""
    for _ in range(_REMOVAL_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()
