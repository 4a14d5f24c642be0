"""Kafka handler that keeps statuses."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from services.notification.statuses.application.history import build_entry
from services.notification.statuses.domain.entry import Entry
from shared.contracts.envelope import Event
from shared.runtime.messaging.inbox import Handler
from shared.runtime.store.database import Transaction

Keep = Callable[[Transaction, Sequence[Entry]], Awaitable[None]]


def keep_statuses(keep: Keep) -> Handler:
    """Build the handler that stores the statuses of a batch of events."""

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        await keep(transaction, [build_entry(event.sequence or 0, event.data) for event in events])

    return handle
