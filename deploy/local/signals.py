"""Signal handling: SIGINT, SIGTERM and SIGHUP end a launcher and the processes it started."""

import signal
import sys
from types import FrameType

_REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals of Ctrl-C, of `kill`, and of a terminal that closes."""


def exit_on_signals(status: int = 0) -> None:
    """Turn SIGINT, SIGTERM and SIGHUP into an exit with `status`, so that everything is closed.

    Later signals are ignored, because the cleaning up has begun. A signal that is ignored at the
    start, as with `nohup` and background jobs, stays ignored.
    """

    def leave(_signal: int, _frame: FrameType | None) -> None:
        for request in _REQUESTS:
            signal.signal(request, signal.SIG_IGN)
        sys.exit(status)

    for request in _REQUESTS:
        if signal.getsignal(request) is not signal.SIG_IGN:
            signal.signal(request, leave)
