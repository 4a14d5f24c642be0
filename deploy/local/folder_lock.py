"""Lock on the folder of a platform: a pid file, held by `flock`, which the kernel releases.

The lock and not the number says whether a launcher runs: a number that was left in the file may
mean another process by now.
"""

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from deploy.errors import LaunchError

_FILE = "launcher.pid"
_POLL_S = 0.1
_WATCHDOG_LIMIT_S = 15.0
"""After a launcher was killed, its watchdog holds the lock until it has ended the processes."""
_STOP_LIMIT_S = 90.0


class FolderLock:
    """An exclusive lock on a folder. The watchdog inherits it, and so holds it longest."""

    def __init__(self, folder: Path) -> None:
        """Take the lock and write down this process. Raises LaunchError while another has it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / _FILE).open("a+")
        deadline = time.monotonic() + _WATCHDOG_LIMIT_S
        while not _try_lock(self._file):
            holder = _pid(self._file)
            if (holder and _runs(holder)) or time.monotonic() > deadline:
                self._file.close()
                raise LaunchError(
                    f"a platform runs in {folder} already (process {holder}): end it by "
                    "`make down`, or name another folder by RUN_DIR"
                )
            time.sleep(_POLL_S)
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def fileno(self) -> int:
        """Give the descriptor that holds the lock, for a process to inherit."""
        return self._file.fileno()

    def release(self) -> None:
        """Let others take it."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()


def stop_launcher(folder: Path) -> bool:
    """Stop the launcher that holds a folder's lock, and wait for all it started; False: none does.

    Sends SIGTERM, and SIGKILL to one that does not listen: its watchdog then ends the rest.
    """
    if not (folder / _FILE).exists():
        return False
    with (folder / _FILE).open() as file:
        for request in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _STOP_LIMIT_S
            told = 0
            while time.monotonic() < deadline:
                if _try_lock(file):
                    return bool(told) or request is signal.SIGKILL
                holder = _pid(file)
                # Once only: a second SIGTERM says no more than the first.
                if holder and holder != told:
                    told = holder
                    with suppress(ProcessLookupError):
                        os.kill(holder, request)
                time.sleep(_POLL_S)
    raise LaunchError(f"what runs in {folder} does not end")


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid(file: IO[str]) -> int:
    """Read who holds it; 0 between taking the lock and writing it down."""
    file.seek(0)
    return int(file.read() or 0)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
