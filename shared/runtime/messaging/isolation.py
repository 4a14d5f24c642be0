"""Isolation of a failing message: retries, bisection of its batch, dead letter."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.runtime.error_descriptions import describe_error
from shared.runtime.errors import is_transient
from shared.runtime.logs import bind_ids, get_logger
from shared.runtime.messaging.parsing import Incoming

T = TypeVar("T")
Handle = Callable[[Sequence[Incoming]], Awaitable[None]]
WriteDeadLetter = Callable[[Incoming, str], Awaitable[None]]

_ATTEMPTS_ALONE = 3
"""Attempts at one message before it becomes a dead letter."""
_PAUSE_S = 0.1
"""Retry delay between these attempts, in seconds."""
_log = get_logger(__name__)


async def isolate(
    batch: Sequence[Incoming], handle: Handle, write_dead_letter: WriteDeadLetter
) -> None:
    """Handle `batch` whole; when that fails, bisect it down to the failing message.

    A message that keeps failing alone becomes a dead letter. Order is kept. Raises transient
    errors, which make no dead letter.
    """
    if len(batch) == 1:
        with bind_ids(**batch[0].ids):
            await _retry_alone(batch[0], handle, write_dead_letter)
        return
    try:
        await handle(batch)
    except Exception as error:
        if is_transient(error):
            raise
    else:
        return
    middle = len(batch) // 2
    await isolate(batch[:middle], handle, write_dead_letter)
    await isolate(batch[middle:], handle, write_dead_letter)


async def _retry_alone(
    message: Incoming, handle: Handle, write_dead_letter: WriteDeadLetter
) -> None:
    for attempt in range(1, _ATTEMPTS_ALONE + 1):
        try:
            await handle([message])
        except Exception as error:
            if is_transient(error):
                raise
            _log.warning("message.failed", attempt=attempt, exc_info=error)
            reason = describe_error(error)
        else:
            return
        if attempt < _ATTEMPTS_ALONE:
            await asyncio.sleep(_PAUSE_S)
    await write_dead_letter(message, reason)


async def write_dead_letter(message: Incoming, reason: str, handle: Handle) -> None:
    """Write a dead letter, whatever the message holds.

    When the store refuses its id, its stream or its headers, the dead letter is written again with
    its bytes and its position only. Raises transient errors, and any error of that second write.
    """
    try:
        await handle([message.with_fault(reason)])
    except Exception as error:
        if is_transient(error):
            raise
        _log.exception("dead_letter.written_as_bytes", position=message.record.position)
        await handle([message.as_bytes.with_fault(f"{reason}; then {describe_error(error)}")])
