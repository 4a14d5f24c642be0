"""Subscribers of pushes: which are due, and how many there are in each state."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.domain.subscription import State
from shared.runtime.store.database import Store

_LATE_MAX = 1000
"""Subscribers that one search for late ones finds; the next finds the others."""


class MongoSubscribers:
    """Subscribers, as jobs and gauges look for them."""

    def __init__(self, store: Store) -> None:
        """Use this store."""
        self._subscriptions = store.collection(SUBSCRIPTIONS.collection)

    async def find_late(self, now: datetime) -> Sequence[str]:
        """Find the subscribers of which something that has waited is due."""
        wanted = {"state": State.ACTIVE.value, "health.due": {"$lte": now}}
        found = self._subscriptions.find(wanted, {"_id": 1}).limit(_LATE_MAX)
        return [row["_id"] async for row in found]

    async def count_by_state(self) -> Mapping[str, int]:
        """Count the subscriptions by their state."""
        return {
            state.value: await self._subscriptions.count_documents({"state": state.value})
            for state in State
        }
