"""Jobs of pushes: send what waits, look up a past period, find what is late or too old."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from services.notification.pushes.application.pusher import TURN, Pusher
from shared.runtime.clock import Clock
from shared.runtime.jobs.kinds import Effect, Finder, InTransaction, build_periodic
from shared.runtime.jobs.rows import Job
from shared.runtime.metrics import SUBSCRIPTIONS
from shared.runtime.store.database import Transaction

_EXPIRY_S, _EXPIRY_TIMEOUT_S = 3600.0, 300.0
"""Interval and timeout of the search for what is too old, in seconds."""
_LATE_S = 1.0
"""Interval of the search for subscribers of which something that has waited is due, in seconds."""


def build_pushes_work(
    pusher: Pusher,
    push_again: Callable[[str], Awaitable[None]],
    timeout_s: float,
    subscribers: int,
) -> Effect:
    """Build the work that pushes: one job a subscriber, `subscribers` side by side in a replica.

    `timeout_s` is that of one attempt, which may begin at the end of a turn. `push_again` enqueues
    the next turn of a subscriber.
    """

    async def handle(job: Job) -> None:
        if await pusher.push(job.key):
            await push_again(job.key)

    limit_s = TURN.total_seconds() + 2 * timeout_s
    return Effect(handle, effect_timeout_s=limit_s, batch_size=subscribers, retry_max_s=60)


def build_late_finder(
    find_late: Callable[[datetime], Awaitable[Sequence[str]]], clock: Clock
) -> Finder:
    """Build the finder of subscribers of which something that has waited is due."""
    return Finder(lambda: find_late(clock()), _LATE_S)


def build_replays_work(
    replay: Callable[[Transaction, Sequence[Job]], Awaitable[None]],
) -> InTransaction:
    """Build the work that looks up past periods, a page at a time."""
    return InTransaction(replay, batch_size=1)


def build_expiry_work(expire: Callable[[], Awaitable[None]]) -> Effect:
    """Build the work that expires what waits for disabled subscriptions."""
    return build_periodic(expire, _EXPIRY_S, _EXPIRY_TIMEOUT_S)


def build_subscription_gauges_task(
    count_by_state: Callable[[], Awaitable[Mapping[str, int]]],
) -> Callable[[], Awaitable[None]]:
    """Build the task that refreshes the gauge of subscriptions."""

    async def task() -> None:
        for state, count in (await count_by_state()).items():
            SUBSCRIPTIONS.labels(state).set(count)

    return task
