"""A child process of the launcher: its log, its end by SIGTERM or SIGKILL."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from deploy.local.watchdog import Watchdog

GRACE_S = 10
_TAIL_LINES = 20


class Running(Protocol):
    """A part of the platform that was started."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def is_alive(self) -> bool:
        """Whether it still runs."""

    def describe_end(self) -> str:
        """Say how it ended, once it has."""

    def ask_to_end(self) -> None:
        """Send SIGTERM and return at once."""

    def end(self) -> None:
        """Send SIGTERM, wait, and kill what does not listen."""

    def kill(self) -> None:
        """Send SIGKILL and wait until it is gone."""


class Process:
    """A running program, in a process group of its own so that Ctrl-C does not reach it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        watchdog: Watchdog,
    ) -> None:
        """Start it. Its log grows over restarts."""
        self._watchdog = watchdog
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                cwd=cwd,
                # The programs need PATH and HOME, which no settings class has a business knowing.
                env={**os.environ, **env},  # noqa: TID251
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        watchdog.watch(self.pid)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._popen.poll() is None

    def describe_end(self) -> str:
        """Say how it ended, once it has."""
        status = self._popen.returncode
        if status is not None and status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        return f"ended by itself with status {status}"

    def ask_to_end(self) -> None:
        """Send SIGTERM and return at once."""
        self._popen.terminate()

    def end(self) -> None:
        """Send SIGTERM, wait, and kill what does not listen."""
        self.ask_to_end()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(GRACE_S)
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL to the whole group and wait until it is gone."""
        if self.is_alive():
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()
        self._watchdog.forget(self.pid)


def tail(log: Path) -> str:
    """Give the last lines of a log, as a failure shows them."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:]) or "    (it wrote nothing)"
