"""Signal handling: SIGINT, SIGTERM and SIGHUP end a launcher, and with it what it started."""

import signal
import sys
from types import FrameType

_REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, `kill`, and a terminal that closes."""


def exit_on_signals(status: int = 0) -> None:
    """Turn SIGINT, SIGTERM and SIGHUP into an exit with `status`, which closes what is open.

    Further signals are ignored: the cleaning up has begun. One that is ignored at the start, as
    `nohup` and background jobs have it, stays so.
    """

    def leave(_signal: int, _frame: FrameType | None) -> None:
        for request in _REQUESTS:
            signal.signal(request, signal.SIG_IGN)
        sys.exit(status)

    for request in _REQUESTS:
        if signal.getsignal(request) is not signal.SIG_IGN:
            signal.signal(request, leave)
