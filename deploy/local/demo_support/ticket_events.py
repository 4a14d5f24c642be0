"""Consumer of the topics of desks: compares the received events of tickets with those expected."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deploy.local.demo.topic_reader import follow_topics
from shared.contracts.envelope import Event, Head
from shared.contracts.support_v1 import TicketChanged, TicketSubmitted, TicketTransferred
from shared.contracts.topics import TICKET, Topic

TicketEvent = TicketSubmitted | TicketTransferred | TicketChanged
T = TypeVar("T", bound=TicketEvent)

_TYPES: dict[str, Any] = {
    each.event_type: each for each in (TicketSubmitted, TicketTransferred, TicketChanged)
}
_TIMEOUT_S = 20.0


def _create_lists() -> defaultdict[tuple[str, str], list[Any]]:
    return defaultdict(list)


@dataclass(slots=True)
class TicketEvents:
    """Events of tickets received so far, by number of the ticket and name of the topic."""

    received: defaultdict[tuple[str, str], list[TicketEvent]] = field(default_factory=_create_lists)
    """Received events, in their order on the topic."""
    awaited: defaultdict[tuple[str, str], list[type[Any]]] = field(default_factory=_create_lists)
    """Types of the expected events: those that `wait_for` was called with."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: set[str] = field(default_factory=set)

    def record(self, topic: str, value: bytes) -> None:
        """Record a received event, unless it is a duplicate."""
        head = Head.model_validate_json(value)
        if head.id not in self._seen:
            self._seen.add(head.id)
            reader: Any = Event.__class_getitem__(_TYPES[head.type])
            event: TicketEvent = reader.model_validate_json(value).data
            self.received[event.number, topic].append(event)
            self._news.set()

    async def wait_for(self, number: str, topic: Topic, kind: type[T]) -> T | None:
        """Wait for the next event of a ticket on a topic; None when it is late or not a `kind`."""
        where = number, topic.name
        self.awaited[where].append(kind)
        rank = len(self.awaited[where])
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                while len(self.received[where]) < rank:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        found = self.received[where][rank - 1]
        return found if isinstance(found, kind) else None

    def list_differences(self) -> list[str]:
        """List the events that were received but not expected, and the reverse."""
        return list(self._find_differences())

    def _find_differences(self) -> Iterator[str]:
        for where in sorted({*self.received, *self.awaited}):
            received = [type(each).__name__ for each in self.received[where]]
            awaited = [each.__name__ for each in self.awaited[where]]
            if received != awaited:
                yield f"{where[0]} sur {where[1]} : {received} au lieu de {awaited}"


@asynccontextmanager
async def follow_tickets(kafka: str) -> AsyncIterator[TicketEvents]:
    """Read the topics of the desks from their beginning, within the block."""
    events = TicketEvents()
    async with follow_topics(kafka, tuple(TICKET.values()), events.record):
        yield events
