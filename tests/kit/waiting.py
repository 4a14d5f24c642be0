"""Timeouts of tests, scaled to a slow or loaded machine, and polling for a condition."""

import asyncio
import inspect
import math
import os
import time
from collections.abc import Callable
from functools import cache

_POLL_S = 0.02
_MOST_TIMES = 10.0
_WORK, _TIMES = 200_000, 50
_WORK_S = 0.002
"""Duration of the measured work on the reference machine: timeouts are written for that machine."""


def scale_timeout(limit_s: float, most: float = math.inf) -> float:
    """Scale a timeout to this machine: up to ten times longer when it is slow or loaded.

    `most` caps the result. A test of a duration sets it below the duration that the fault takes.
    """
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return min(limit_s * min(max(1.0, measure_slowness(), load), _MOST_TIMES), most)


@cache
def measure_slowness() -> float:
    """Measure how slow this machine is: time a fixed piece of work, once a session.

    It uses the processor for a tenth of a second or more: `tests/conftest.py` calls it before any
    event loop runs.
    """
    begin = time.perf_counter()
    for _ in range(_TIMES):
        sum(range(_WORK))
    return (time.perf_counter() - begin) / _TIMES / _WORK_S


async def wait_until(
    look: Callable[[], object], what: str, limit_s: float = 15, *, most: float = math.inf
) -> None:
    """Poll `look`, a function or coroutine function, until it returns a true value.

    Fails after the timeout `limit_s`, scaled to the machine and at most `most`. The error shows
    `what` and the last value. `look` is called again when it raises.
    """
    limit_s = scale_timeout(limit_s, most)
    deadline = time.monotonic() + limit_s
    await asyncio.sleep(0)  # let the tasks that are ready run before the first look
    while True:
        try:
            seen = look()
            if inspect.isawaitable(seen):
                seen = await seen
            if seen:
                return
        except Exception as error:  # noqa: BLE001 - a service that is starting may raise anything
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {limit_s:.1f} s, last seen: {seen!r}")
        await asyncio.sleep(_POLL_S)
