"""Rate limit of failed authentications of machines, counted in the store for all replicas."""

import hashlib
from datetime import datetime, timedelta

from shared.runtime.clock import Clock
from shared.runtime.store.database import Document, Store
from shared.runtime.store.driver import DuplicateKeyError

_COLLECTION = "token_failures"
_WINDOW = timedelta(minutes=10)
"""Time over which failures are counted."""
_ADDRESS_FACTOR = 10
"""Limit of an address, as a multiple of that of one client at it: it may have several machines.

A client is never limited as such: whoever knows its id could lock it out from elsewhere.
"""


class MongoFailures:
    """Counts of failures, by client and address, and by address."""

    def __init__(self, store: Store, clock: Clock, limit: int) -> None:
        """Allow `limit` failures of one client at one address in ten minutes."""
        self._rows = store.collection(_COLLECTION)
        self._clock = clock
        self._limit = limit

    async def prepare(self) -> None:
        """Create the index (TTL) that deletes a count after its window."""
        await self._rows.create_index("expires_at", expireAfterSeconds=0)

    async def is_exceeded(self, client_id: str, address: str) -> bool:
        """Tell whether there were too many failures in this window."""
        limits = self._build_limits(client_id, address)
        rows = self._rows.find({"_id": {"$in": list(limits)}})
        return any([row["count"] >= limits[row["_id"]] async for row in rows])

    async def count(self, client_id: str, address: str) -> None:
        """Count one failure."""
        expires_at = self._begin() + 2 * _WINDOW
        change: Document = {"$inc": {"count": 1}, "$setOnInsert": {"expires_at": expires_at}}
        for row in self._build_limits(client_id, address):
            try:
                await self._rows.update_one({"_id": row}, change, upsert=True)
            except DuplicateKeyError:
                # Two first failures came at once: the second one finds the row.
                await self._rows.update_one({"_id": row}, change)

    def _build_limits(self, client_id: str, address: str) -> dict[str, int]:
        return {
            self._name("client", client_id, address): self._limit,
            self._name("address", address): self._limit * _ADDRESS_FACTOR,
        }

    def _name(self, *parts: str) -> str:
        # Hashed: only the count is needed. `repr` keeps the parts apart.
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()
        return f"{digest}|{self._begin().isoformat()}"

    def _begin(self) -> datetime:
        """Return the beginning of the window."""
        now = self._clock()
        minutes = int(_WINDOW.total_seconds() // 60)
        return now.replace(minute=now.minute // minutes * minutes, second=0, microsecond=0)
