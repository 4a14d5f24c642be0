"""Periodic task of the chat: time limits, and gauges of the queues."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from prometheus_client import Gauge

from services.support.chat.application.live_chat import LiveChat
from shared.vocabulary.tickets import Desk

WAITING = Gauge("aiguillage_chats_waiting", "Chats that wait for an agent", ["desk"])
LONGEST = Gauge(
    "aiguillage_chats_longest_wait_seconds", "How long the first of them has waited", ["desk"]
)


def build_time_limits_task(
    live_chat: LiveChat, clock: Callable[[], datetime]
) -> Callable[[], Awaitable[None]]:
    """Build the task that applies the time limits and refreshes the gauges."""

    async def task() -> None:
        chats = await live_chat.apply_time_limits()
        for desk in Desk:
            since = [
                chat.waits_since for chat in chats if chat.is_waiting and chat.queue.desk is desk
            ]
            WAITING.labels(desk).set(len(since))
            LONGEST.labels(desk).set((clock() - min(since)).total_seconds() if since else 0)

    return task
