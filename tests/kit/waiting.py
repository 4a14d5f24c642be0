"""Waiting for something to become true, instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Callable

_LOOK_S = 0.02


async def wait_until(look: Callable[[], object], what: str, limit_s: float = 15) -> None:
    """Call `look` until what it gives, or what awaiting that gives, is true.

    Fails with `what` and the last thing seen. An exception of `look` counts as "not yet".
    """
    deadline = time.monotonic() + limit_s
    while True:
        try:
            seen = look()
            if inspect.isawaitable(seen):
                seen = await seen
            if seen:
                return
        except Exception as error:  # noqa: BLE001 - what is not up yet may raise anything
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {limit_s} s, last seen: {seen!r}")
        await asyncio.sleep(_LOOK_S)
