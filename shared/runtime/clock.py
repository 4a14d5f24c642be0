"""Clock of a service: the current time, which tests and the local launcher can change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the current time in UTC, with its time zone."""


def build_clock(offset_s: int = 0) -> Clock:
    """Build the clock of a process, `offset_s` seconds ahead of the machine's clock.

    With the offset a local platform can pass a delay of thirty days; only the launcher sets it.
    Times are cut to milliseconds, as the store keeps them: a stamp is read back as it was written.
    """
    offset = timedelta(seconds=offset_s)

    def now() -> datetime:
        time = datetime.now(UTC) + offset  # noqa: TID251 - this is the clock port
        return time.replace(microsecond=time.microsecond // 1000 * 1000)

    return now
