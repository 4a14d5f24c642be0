"""Finding the one message that fails in a batch that fails."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.runtime.logs import get_logger

T = TypeVar("T")

_ATTEMPTS = 3
_PAUSE_S = 0.1
_log = get_logger(__name__)


async def isolate(
    items: Sequence[T],
    take: Callable[[Sequence[T]], Awaitable[None]],
    bury: Callable[[T, str], Awaitable[None]],
) -> None:
    """Take `items` together, or in halves when that fails; bury the one that keeps failing alone.

    Order is kept. Faults of the world must be waited out inside `take`.
    """
    try:
        await take(items)
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a dead letter
        if len(items) > 1:
            middle = len(items) // 2
            await isolate(items[:middle], take, bury)
            await isolate(items[middle:], take, bury)
            return
        await _insist(items[0], error, take, bury)


async def _insist(
    item: T,
    error: Exception,
    take: Callable[[Sequence[T]], Awaitable[None]],
    bury: Callable[[T, str], Awaitable[None]],
) -> None:
    for attempt in range(2, _ATTEMPTS + 1):
        _log.warning("message.failed", error=repr(error), attempt=attempt - 1, exc_info=error)
        await asyncio.sleep(_PAUSE_S)
        try:
            await take([item])
        except Exception as again:  # noqa: BLE001 - see isolate
            error = again
        else:
            return
    await bury(item, repr(error))
