"""Lease in the store: of the replicas of a service, one does a piece of work at a time."""

import time
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.store.database import Store

_LEASE_S = 5.0


class Lease:
    """The right of one process to a piece of work, for a few seconds at a time."""

    renewal_s = _LEASE_S / 3
    """Ask again at least this often to keep it."""

    def __init__(self, store: Store, name: str, clock: Clock) -> None:
        """Prepare; nothing is asked yet."""
        self._leases = store.collection("leases")
        self._name = name
        self._clock = clock
        self._holder = new_id()
        self._ends = 0.0

    async def hold(self) -> bool:
        """Take or renew it, when no other process has it. False when one has."""
        asked = time.monotonic()
        if asked < self._ends - _LEASE_S / 2:
            return True
        now = self._clock()
        try:
            await self._leases.update_one(
                {"_id": self._name, "$or": [{"holder": self._holder}, {"until": {"$lt": now}}]},
                {"$set": {"holder": self._holder, "until": now + timedelta(seconds=_LEASE_S)}},
                upsert=True,
            )
        except DuplicateKeyError:
            self._ends = 0.0
            return False
        self._ends = asked + _LEASE_S
        return True

    async def release(self) -> None:
        """Give it up, so that another replica need not wait for its end."""
        self._ends = 0.0
        await self._leases.delete_one({"_id": self._name, "holder": self._holder})
