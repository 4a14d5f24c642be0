"""Hourly rate limits, counted in the store, so that replicas count together."""

import hashlib
from datetime import timedelta

from shared.runtime.clock import Clock
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import DuplicateKeyError

_RATES = "rates"
_HOUR = timedelta(hours=1)


class HourlyRates:
    """Hourly counts of one service."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Use this store."""
        self._store = store
        self._clock = clock

    async def prepare(self) -> None:
        """Create the index (TTL) that deletes a count one hour after its hour."""
        await self._store.collection(_RATES).create_index("expires_at", expireAfterSeconds=0)

    def build_limit(self, what: str, an_hour: int) -> "HourlyRate":
        """Build the rate limit of `an_hour` acts of `what` for each caller."""
        return HourlyRate(self, what, an_hour)

    async def count(self, what: str, who: str) -> int:
        """Count one act, and return the count of this hour."""
        hour = self._clock().replace(minute=0, second=0, microsecond=0)
        # The caller is hashed: only the count is needed.
        digest = hashlib.sha256(f"{what}|{who}".encode()).hexdigest()
        counted = {"_id": f"{digest}|{hour.isoformat()}"}
        change: Document = {"$inc": {"count": 1}, "$setOnInsert": {"expires_at": hour + 2 * _HOUR}}

        async def work(transaction: Transaction) -> int:
            # In one transaction, simultaneous acts conflict, and are counted one after the other.
            rates, session = transaction.collection(_RATES), transaction.session
            await rates.update_one(counted, change, upsert=True, session=session)
            row = await rates.find_one(counted, session=session)
            count: int = row["count"] if row else 1
            return count

        try:
            return await self._store.transaction(work)
        except DuplicateKeyError:
            # Two first acts of an hour came at once: the retry finds the row.
            return await self._store.transaction(work)


class HourlyRate:
    """Hourly rate limit of one kind of act, for each caller."""

    def __init__(self, rates: HourlyRates, what: str, an_hour: int) -> None:
        """Allow each caller `an_hour` acts of `what` an hour."""
        self._rates = rates
        self._what = what
        self.an_hour = an_hour

    async def count_request(self, who: str) -> bool:
        """Count one request; True when it exceeds the limit."""
        return await self._rates.count(self._what, who) > self.an_hour
