"""Keeping what fails apart from what does not."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.runtime.errors import is_transient
from shared.runtime.logs import bound, get_logger
from shared.runtime.messaging.parsing import Incoming

T = TypeVar("T")
Take = Callable[[Sequence[Incoming]], Awaitable[None]]
Bury = Callable[[Incoming, str], Awaitable[None]]

_ATTEMPTS = 3
_PAUSE_S = 0.1
_log = get_logger(__name__)


async def isolate(batch: Sequence[Incoming], take: Take, bury: Bury) -> None:
    """Take `batch` together, or in halves when that fails; bury the one that keeps failing alone.

    Order is kept. Raises the faults of the world: nothing is buried for them.
    """
    if len(batch) == 1:
        with bound(**batch[0].ids):
            await _insist(batch[0], take, bury)
        return
    try:
        await take(batch)
    except Exception as error:
        if is_transient(error):
            raise
    else:
        return
    middle = len(batch) // 2
    await isolate(batch[:middle], take, bury)
    await isolate(batch[middle:], take, bury)


async def _insist(message: Incoming, take: Take, bury: Bury) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            await take([message])
        except Exception as error:
            if is_transient(error):
                raise
            _log.warning("message.failed", attempt=attempt, exc_info=error)
            reason = repr(error)
        else:
            return
        if attempt < _ATTEMPTS:
            await asyncio.sleep(_PAUSE_S)
    await bury(message, reason)


async def bury(message: Incoming, reason: str, take: Take) -> None:
    """Write a dead letter, whatever the message holds.

    When its id, its stream or its headers are what the store refuses, it is written again as bytes
    at a position. Raises the faults of the world alone.
    """
    try:
        await take([message.failed(reason)])
    except Exception as error:
        if is_transient(error):
            raise
        _log.exception("message.buried_bare", position=message.record.position)
        await take([message.bare.failed(f"{reason}; then {error!r}")])


async def one_by_one(
    what: str, items: Sequence[T], do: Callable[[T], Awaitable[object]]
) -> Sequence[T]:
    """Do something to each item, and give those for which it failed, each of them logged.

    Raises the faults of the world: they are nobody's.
    """
    failed = []
    for item in items:
        try:
            await do(item)
        except Exception as error:
            if is_transient(error):
                raise
            _log.error("item.failed", what=what, item=item, exc_info=error)
            failed.append(item)
    return failed
