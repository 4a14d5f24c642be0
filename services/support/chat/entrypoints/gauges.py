"""Gauges of the queues of the chat."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from prometheus_client import Gauge

from services.support.chat.application.ports import Chats
from shared.vocabulary.tickets import Desk

WAITING = Gauge("aiguillage_chats_waiting", "Chats that wait for an agent", ["desk"])
LONGEST = Gauge(
    "aiguillage_chats_longest_wait_seconds", "How long the first of them has waited", ["desk"]
)


def build_queue_gauges_task(
    chats: Chats, clock: Callable[[], datetime]
) -> Callable[[], Awaitable[None]]:
    """Build the task that refreshes the gauges."""

    async def task() -> None:
        found = [each.chat for each in (await chats.list_open()).values() if each]
        for desk in Desk:
            since = [
                chat.waits_since for chat in found if chat.is_waiting and chat.queue.desk is desk
            ]
            WAITING.labels(desk).set(len(since))
            LONGEST.labels(desk).set((clock() - min(since)).total_seconds() if since else 0)

    return task
