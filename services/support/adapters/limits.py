"""Requests without an account, counted by hour in the store: replicas count together."""

import hashlib
from datetime import timedelta

from pymongo import ReturnDocument

from services.support.application.ports import Clock
from shared.runtime.store import Document, Store

_RATES = "rates"
_WINDOW = timedelta(hours=1)


class MongoLimits:
    """Counts within the hour of the clock."""

    def __init__(self, store: Store, clock: Clock, *, per_email: int, per_address: int) -> None:
        """Allow so many an hour."""
        self._rates = store.collection(_RATES)
        self._clock = clock
        self._per_email = per_email
        self._per_address = per_address

    async def prepare(self) -> None:
        """Forget a count once its hour is over."""
        await self._rates.create_index("expires_at", expireAfterSeconds=0)

    async def exceeded(self, email: str, address: str) -> str | None:
        """Count one, and say in French what is over its limit."""
        counted = (
            ("adresse réseau", address, self._per_address),
            ("adresse électronique", email.casefold(), self._per_email),
        )
        for what, value, limit in counted:
            if await self._count(f"{what}|{value}") > limit:
                return f"{what}, {limit} au plus"
        return None

    async def _count(self, counted: str) -> int:
        now = self._clock()
        hour = now.replace(minute=0, second=0, microsecond=0)
        # Who asked is not kept in clear: the count alone is needed.
        digest = hashlib.sha256(counted.encode()).hexdigest()
        row: Document = await self._rates.find_one_and_update(
            {"_id": f"{digest}|{hour.isoformat()}"},
            {"$inc": {"count": 1}, "$setOnInsert": {"expires_at": hour + 2 * _WINDOW}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        count: int = row["count"]
        return count
