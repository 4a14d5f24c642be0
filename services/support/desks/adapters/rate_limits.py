"""Rate limits by the hour, counted in the store: replicas count together."""

import hashlib
from datetime import timedelta

from shared.runtime.clock import Clock
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import DuplicateKeyError

_RATES = "rates"
_HOUR = timedelta(hours=1)


class HourlyRates:
    """The counts of one service, within the hour of the clock."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Count in this store."""
        self._store = store
        self._clock = clock

    async def prepare(self) -> None:
        """Forget a count once its hour is over."""
        await self._store.collection(_RATES).create_index("expires_at", expireAfterSeconds=0)

    def of(self, what: str, an_hour: int) -> "HourlyRate":
        """Allow each comer `an_hour` of `what`."""
        return HourlyRate(self, what, an_hour)

    async def count(self, what: str, who: str) -> int:
        """Count one, and give how many that makes in this hour."""
        hour = self._clock().replace(minute=0, second=0, microsecond=0)
        # Who comes is not kept in clear: the count alone is needed.
        digest = hashlib.sha256(f"{what}|{who}".encode()).hexdigest()
        counted = {"_id": f"{digest}|{hour.isoformat()}"}
        change: Document = {"$inc": {"count": 1}, "$setOnInsert": {"expires_at": hour + 2 * _HOUR}}

        async def work(transaction: Transaction) -> int:
            # In a transaction: who comes at the same time conflicts, and counts after this one.
            rates, session = transaction.collection(_RATES), transaction.session
            await rates.update_one(counted, change, upsert=True, session=session)
            row = await rates.find_one(counted, session=session)
            count: int = row["count"] if row else 1
            return count

        try:
            return await self._store.transaction(work)
        except DuplicateKeyError:
            # The first two of an hour came at once: the row is now found.
            return await self._store.transaction(work)


class HourlyRate:
    """How often each comer does one thing."""

    def __init__(self, rates: HourlyRates, what: str, an_hour: int) -> None:
        """Allow each comer `an_hour` of `what`."""
        self._rates = rates
        self._what = what
        self.an_hour = an_hour

    async def is_exceeded(self, who: str) -> bool:
        """Count one, and tell whether that is more than allowed."""
        return await self._rates.count(self._what, who) > self.an_hour
