"""Lease in the store: of the replicas of a service, one does a piece of work at a time."""

import time
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from shared.runtime.ids import new_id
from shared.runtime.store.database import Store

_LEASE_S = 5.0
"""Length of a lease, in seconds."""


class Lease:
    """Lease: lets one process at a time do a piece of work, for a few seconds, and is renewed.

    It expires by the store's clock; clocks of replicas are never compared. The holder counts from
    before its request, so it gives the lease up before another process can take it.
    """

    def __init__(self, store: Store, name: str) -> None:
        """Prepare; `hold` asks for the lease."""
        self._store = store
        self._leases = store.collection("leases")
        self._name = name
        self._holder = new_id()
        self._ends = 0.0
        self.tenure = 0
        """Number of times that this process took the lease, renewals not counted: before each one,
        another process may have held it."""

    @property
    def is_held(self) -> bool:
        """Whether the lease is held, so that no other process can have it now."""
        return time.monotonic() < self._ends

    async def hold(self) -> bool:
        """Take or renew the lease. False when another process holds it."""
        asked = time.monotonic()
        if asked < self._ends - _LEASE_S / 2:
            return True
        now = await self._store.read_clock()
        try:
            await self._leases.update_one(
                {"_id": self._name, "$or": [{"holder": self._holder}, {"until": {"$lt": now}}]},
                {"$set": {"holder": self._holder, "until": now + timedelta(seconds=_LEASE_S)}},
                upsert=True,
            )
        except DuplicateKeyError:
            self._ends = 0.0
            return False
        if not self.is_held:
            self.tenure += 1
        self._ends = asked + _LEASE_S
        return True

    async def release(self) -> None:
        """Release the lease, so that another replica need not wait until it expires."""
        self._ends = 0.0
        await self._leases.delete_one({"_id": self._name, "holder": self._holder})
