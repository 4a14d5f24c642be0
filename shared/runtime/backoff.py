"""Retry with exponential backoff and jitter, for a store or a broker that is away."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.runtime.error_descriptions import describe_error
from shared.runtime.errors import is_transient
from shared.runtime.logs import get_logger
from shared.runtime.metrics import WAITS

T = TypeVar("T")
_FIRST_S = 0.05
_LONGEST_S = 5.0
"""First and longest retry delay, in seconds."""
_log = get_logger(__name__)


async def retry_transient(where: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Retry `attempt` while it fails by a transient error; raise any other error."""
    return await _retry(where, attempt, is_transient)


async def retry_forever(where: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Retry `attempt` until it succeeds, whatever error it raises.

    Only for the loops of the runtime: giving up would lose messages, or stop a consumer.
    """
    return await _retry(where, attempt, lambda _: True)


async def _retry(
    where: str, attempt: Callable[[], Awaitable[T]], is_retried: Callable[[BaseException], bool]
) -> T:
    attempts = 0
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_retried(error):
                raise
            WAITS.labels(where).inc()
            delay_s = compute_backoff(attempts, _FIRST_S, _LONGEST_S)
            if is_transient(error):
                said = describe_error(error)
                _log.warning("dependency.retried", where=where, error=said, delay_s=delay_s)
            else:
                _log.error("unexpected.retried", where=where, delay_s=delay_s, exc_info=error)
        await asyncio.sleep(delay_s)
        attempts += 1


def compute_backoff(attempts: int, first_s: float, most_s: float) -> float:
    """Compute the retry delay after `attempts` retries, in seconds: it doubles, up to `most_s`.

    Jitter keeps replicas from retrying together.
    """
    return min(first_s * 2.0 ** min(attempts, 30), most_s) * random.uniform(0.5, 1)  # noqa: S311
