"""Waiting out a fault of the world."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.runtime.errors import is_transient
from shared.runtime.logs import get_logger
from shared.runtime.metrics import WAITS

T = TypeVar("T")
_FIRST_S = 0.05
_LONGEST_S = 5.0
_log = get_logger(__name__)


async def wait_out(where: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Call `attempt` until it passes or fails by something that waiting cannot cure.

    Delays double from 50 ms to 5 s, with jitter so that replicas do not return together.
    """
    delay_s = _FIRST_S
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_transient(error):
                raise
            WAITS.labels(where).inc()
            _log.warning("world.waited", where=where, error=repr(error), delay_s=delay_s)
        await asyncio.sleep(delay_s * random.uniform(0.5, 1))  # noqa: S311 - jitter
        delay_s = min(delay_s * 2, _LONGEST_S)
