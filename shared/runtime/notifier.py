"""Notifier: wakes the tasks of this process that wait for a change of a key."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Notifier:
    """Wakes the subscribers of a key when it has changed."""

    def __init__(self) -> None:
        """Start without any subscriber."""
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.is_closed = False

    @contextmanager
    def subscribe(self, *keys: str) -> Iterator[asyncio.Event]:
        """Subscribe to `keys` within the block; the event yielded is set when one has changed."""
        event = asyncio.Event()
        for key in keys:
            self._events[key].add(event)
        try:
            yield event
        finally:
            for key in keys:
                self._events[key].discard(event)
                if not self._events[key]:
                    del self._events[key]

    @property
    def subscriptions(self) -> int:
        """Number of subscriptions: each subscriber counts once for each of its keys."""
        return sum(len(events) for events in self._events.values())

    def notify(self, *keys: str) -> None:
        """Wake the subscribers of these keys."""
        for key in keys:
            for event in self._events.get(key, ()):
                event.set()

    def notify_all(self) -> None:
        """Wake every subscriber: changes may have been missed."""
        self.notify(*self._events)

    def close(self) -> None:
        """Wake every subscriber for the last time, when the service stops."""
        self.is_closed = True
        self.notify_all()
