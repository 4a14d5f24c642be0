"""Lease in the store: only one replica of a service does a piece of work at a time."""

import time
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.store.database import Store

_LEASE_S = 5.0


class Lease:
    """Exclusive right of one process to a piece of work, renewed every few seconds."""

    renewal_s = _LEASE_S / 3
    """Call `hold` at least this often to keep the lease."""

    def __init__(self, store: Store, name: str, clock: Clock) -> None:
        """Prepare the lease; it is not taken yet."""
        self._leases = store.collection("leases")
        self._name = name
        self._clock = clock
        self._holder = new_id()
        self._ends = 0.0

    async def hold(self) -> bool:
        """Take or renew the lease. False when another process has it."""
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
        """Release the lease, so that another replica need not wait until it expires."""
        self._ends = 0.0
        await self._leases.delete_one({"_id": self._name, "holder": self._holder})
