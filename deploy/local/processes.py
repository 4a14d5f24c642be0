"""Child process of the launcher: its log, and its end by SIGTERM or SIGKILL."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from deploy.local.watchdog import Watchdog

GRACE_S = 30
"""Grace period after SIGTERM, in seconds; then SIGKILL. As in compose and Kubernetes."""
_TAIL_LINES = 20


class Running(Protocol):
    """Running part of the platform: a process or a container."""

    @property
    def pid(self) -> int:
        """Process id."""

    def is_alive(self) -> bool:
        """Whether the process runs."""

    def describe_end(self) -> str:
        """Describe how the process ended. Call it once `is_alive` is False."""

    def ask_to_end(self) -> None:
        """Send SIGTERM and return at once."""

    def end(self) -> None:
        """Send SIGTERM and wait; send SIGKILL after the grace period."""

    def kill(self) -> None:
        """Send SIGKILL and wait until the process has ended."""


class Process:
    """Running program, in its own process group so that Ctrl-C does not reach it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        watchdog: Watchdog,
    ) -> None:
        """Start the program; its output goes to the end of the file `log`."""
        self._watchdog = watchdog
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                cwd=cwd,
                # The programs need PATH and HOME, which are no settings.
                env={**os.environ, **env},  # noqa: TID251
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        watchdog.watch(self.pid)

    @property
    def pid(self) -> int:
        """Process id of the program, which is that of its process group."""
        return self._popen.pid

    def is_alive(self) -> bool:
        """Whether the program runs."""
        return self._popen.poll() is None

    def describe_end(self) -> str:
        """Describe how the program ended: its exit status or signal.

        Call it once `is_alive` is False.
        """
        status = self._popen.returncode
        if status is not None and status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        return f"ended by itself with status {status}"

    def ask_to_end(self) -> None:
        """Send SIGTERM and return at once."""
        self._popen.terminate()

    def end(self) -> None:
        """Send SIGTERM to the program and wait; send SIGKILL after the grace period."""
        self.ask_to_end()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(GRACE_S)
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL to the process group and wait for the program, unless it has ended."""
        if self.is_alive():
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()
        self._watchdog.forget(self.pid)


def read_tail(log: Path) -> str:
    """Read the last 20 lines of a log, to show them in the message of a failure."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:]) or "    (it wrote nothing)"
