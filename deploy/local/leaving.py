"""Ending a launcher on request, so that it takes what it started with it."""

import signal
import sys
from types import FrameType

_REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, `kill`, and a terminal that closes."""


def leave_when_told(status: int = 0) -> None:
    """Turn a request to end into an exit with `status`, which closes what is open.

    Further requests are ignored: the cleaning up has begun.
    """

    def leave(_signal: int, _frame: FrameType | None) -> None:
        for request in _REQUESTS:
            signal.signal(request, signal.SIG_IGN)
        sys.exit(status)

    for request in _REQUESTS:
        signal.signal(request, leave)
