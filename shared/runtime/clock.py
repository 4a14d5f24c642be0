"""Clock of a service: the current time, which tests and the local launcher may move."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Gives the current time, aware, in UTC."""


def build_clock(offset_s: int = 0) -> Clock:
    """Build the clock of a process, `offset_s` seconds ahead of the machine's.

    The offset lets a local platform live through a delay of thirty days; only the launcher sets it.
    Milliseconds are the finest unit that the store keeps: a stamp reads back as it was written.
    """
    offset = timedelta(seconds=offset_s)

    def now() -> datetime:
        time = datetime.now(UTC) + offset  # noqa: TID251 - this is the clock port
        return time.replace(microsecond=time.microsecond // 1000 * 1000)

    return now
