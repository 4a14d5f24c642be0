"""Lock on the folder of a platform: a pid file with `flock`, which the kernel releases.

The lock tells whether a launcher runs, not the pid in the file: an old pid may belong to another
process now.
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
"""Timeout of the wait for the lock of a killed launcher, in seconds.

Its watchdog keeps the lock until all its processes have ended.
"""
_STOP_LIMIT_S = 90.0
"""Timeout of a launcher's end after SIGTERM, and again after SIGKILL, in seconds."""


class FolderLock:
    """Exclusive lock on a folder. The watchdog inherits it, and releases it last."""

    def __init__(self, folder: Path) -> None:
        """Take the lock and write the pid of this process.

        Raises LaunchError when another launcher has it: at once while that one runs, else after
        15 s.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / _FILE).open("a+")
        deadline = time.monotonic() + _WATCHDOG_LIMIT_S
        while not _try_lock(self._file):
            holder = _read_pid(self._file)
            if (holder and _is_running(holder)) or time.monotonic() > deadline:
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
        """Return the file descriptor of the lock, which a process can inherit."""
        return self._file.fileno()

    def release(self) -> None:
        """Release the lock."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()


def stop_launcher(folder: Path) -> bool:
    """Stop the launcher of a folder and wait for its processes; False when none runs.

    The launcher gets SIGTERM, and after 90 s SIGKILL: its watchdog then ends its processes. Raises
    LaunchError when that takes over 90 s as well.
    """
    if not (folder / _FILE).exists():
        return False
    with (folder / _FILE).open() as file:
        for request in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _STOP_LIMIT_S
            signalled = 0
            while time.monotonic() < deadline:
                if _try_lock(file):
                    return bool(signalled) or request is signal.SIGKILL
                holder = _read_pid(file)
                # Send it once: the launcher ignores a second SIGTERM.
                if holder and holder != signalled:
                    signalled = holder
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


def _read_pid(file: IO[str]) -> int:
    """Read the pid of the holder; 0 when the holder has not written it yet."""
    file.seek(0)
    return int(file.read() or 0)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
