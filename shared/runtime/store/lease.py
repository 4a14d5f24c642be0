"""Lease in the store: of the replicas of a service, one does a piece of work at a time."""

import time
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from shared.runtime.ids import new_id
from shared.runtime.store.database import Store

_LEASE_S = 5.0


class Lease:
    """The right of one process to a piece of work, for a few seconds at a time.

    It ends by the store's clock; no clocks of replicas are compared. The holder counts from the
    moment before it asked, so that it stops believing in it sooner than anybody else may have it.
    """

    def __init__(self, store: Store, name: str) -> None:
        """Prepare; nothing is asked yet."""
        self._store = store
        self._leases = store.collection("leases")
        self._name = name
        self._holder = new_id()
        self._ends = 0.0
        self.tenure = 0
        """Rises each time that it is taken anew: another process may have had it in between."""

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have it now."""
        return time.monotonic() < self._ends

    async def hold(self) -> bool:
        """Take or renew it, when no other process has it. False when one has."""
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
        """Give it up, so that another replica need not wait for its end."""
        self._ends = 0.0
        await self._leases.delete_one({"_id": self._name, "holder": self._holder})
