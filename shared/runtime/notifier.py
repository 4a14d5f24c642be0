"""Notifier: wakes the tasks of this process that wait for news of a key."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Notifier:
    """Sets the events of those who subscribed to a key when there is news of it."""

    def __init__(self) -> None:
        """Begin without any subscriber."""
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.is_closed = False

    @contextmanager
    def subscribe(self, *keys: str) -> Iterator[asyncio.Event]:
        """Give an event that is set at news of one of `keys`, until the block is left."""
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
        """How many keys are subscribed to, counted once for each subscriber."""
        return sum(len(events) for events in self._events.values())

    def notify(self, *keys: str) -> None:
        """Wake the subscribers of these keys."""
        for key in keys:
            for event in self._events.get(key, ()):
                event.set()

    def notify_all(self) -> None:
        """Wake every subscriber: news may have been missed."""
        self.notify(*self._events)

    def close(self) -> None:
        """Wake every subscriber for the last time: the service stops."""
        self.is_closed = True
        self.notify_all()
