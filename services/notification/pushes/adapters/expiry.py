"""Retention: what waits for a subscription that stays disabled, and addresses nobody confirms."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.notification.pushes.adapters.delivery_rows import COLLECTION, match_waiting
from services.notification.pushes.domain.delivery import build_delivery_id
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.domain.subscription import Cause, State
from shared.runtime.clock import Clock
from shared.runtime.store.database import Document, Store, Transaction

KEPT = timedelta(days=30)
"""For so long what waits for a disabled subscription is kept, and an address that was asked."""


class Expiry:
    """Expires what nobody has asked for any more."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Use this store; `clock` says what is old."""
        self._store = store
        self._clock = clock
        self._deliveries = store.collection(COLLECTION)
        self._subscriptions = store.collection(SUBSCRIPTIONS.collection)

    async def expire(self) -> None:
        """Expire all that is old; each subscription in its transaction."""
        limit = self._clock() - KEPT
        never_confirmed = {"is_confirmed": False, "asked_at": {"$lte": limit}}
        switched_off = {"cause": Cause.SWITCHED_OFF.value}
        for wanted in (
            {"state": State.TO_CONFIRM.value} | never_confirmed,
            _match_disabled(limit) | switched_off | never_confirmed,
        ):
            for each in await self._list_ids(wanted):
                await self._delete(each, wanted)
        for each in await self._list_ids(_match_disabled(limit)):
            if await self._deliveries.find_one(match_waiting(each), {"_id": 1}):
                await self._forget_waiting(each, limit)

    async def _list_ids(self, wanted: Document) -> Sequence[str]:
        return [
            row["_id"] for row in await self._subscriptions.find(wanted, {"_id": 1}).to_list(None)
        ]

    async def _delete(self, subscription: str, wanted: Document) -> None:
        """Delete a subscription, unless it has changed: its address was never confirmed."""

        async def attempt(transaction: Transaction) -> None:
            # No status becomes a delivery of it, so this need not hold the feed.
            deleted = await transaction.collection(SUBSCRIPTIONS.collection).delete_one(
                wanted | {"_id": subscription}, session=transaction.session
            )
            if deleted.deleted_count:
                await transaction.collection(COLLECTION).delete_many(
                    {"subscription": subscription}, session=transaction.session
                )

        await self._store.transaction(attempt)

    async def _forget_waiting(self, subscription: str, limit: datetime) -> None:
        """Delete what waits for a disabled subscription, which catches up with it when enabled."""

        async def attempt(transaction: Transaction) -> None:
            subscriptions = transaction.collection(SUBSCRIPTIONS.collection)
            known = _match_disabled(limit) | {"_id": subscription}
            found = await subscriptions.find_one(known, session=transaction.session)
            if found is None:
                return
            marks = [found["resume_mark"], await _find_first_missed(transaction, subscription)]
            resume_mark = min((each for each in marks if each is not None), default=None)
            # It writes to the subscription: one that is enabled beside it conflicts.
            await subscriptions.update_one(
                known,
                {"$set": {"resume_mark": resume_mark, "expired_at": self._clock()}},
                session=transaction.session,
            )
            await transaction.collection(COLLECTION).delete_many(
                match_waiting(subscription), session=transaction.session
            )

        await self._store.transaction(attempt)


async def _find_first_missed(transaction: Transaction, subscription: str) -> int | None:
    """Find the mark before the first status that waits; None without any.

    A replay or a test that waits is not sent any more.
    """
    rows = transaction.collection(COLLECTION).find(
        match_waiting(subscription), session=transaction.session
    )
    async for row in rows.sort("mark", 1):
        dossier_id, sequence = row["dossier_id"], row["sequence"]
        if sequence and row["_id"] == build_delivery_id(subscription, dossier_id, sequence):
            return int(row["mark"]) - 1
    return None


def _match_disabled(limit: datetime) -> Document:
    return {"state": State.DISABLED.value, "disabled_at": {"$lte": limit}}
