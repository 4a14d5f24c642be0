"""Log of deliveries of a subscription: read, send again, replay, test."""

from collections.abc import Sequence
from datetime import datetime

from services.notification.pushes.adapters.delivery_rows import (
    COLLECTION,
    build_renewal,
    build_row,
    insert_deliveries,
    match_waiting,
    read_logged,
)
from services.notification.pushes.adapters.replays import LAST_MARK, PUSHES, REPLAYS, Replay
from services.notification.pushes.domain.delivery import LoggedDelivery, build_delivery_id
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.jobs.rows import COLLECTION as JOBS
from shared.runtime.jobs.rows import Job, enqueue
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import ReturnDocument

_REPLAYS_MAX = 3
"""Replays of one subscription that may be in progress."""
_WAITING_MAX = 1000
"""While more deliveries of a subscription wait, no other replay of it is begun."""


class MongoDeliveryLog:
    """Log of deliveries."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Use this store, and stamp by this clock."""
        self._store = store
        self._clock = clock
        self._deliveries = store.collection(COLLECTION)

    async def list_log(
        self, subscription: str, before: str | None, limit: int
    ) -> Sequence[LoggedDelivery]:
        wanted: Document = {"subscription": subscription}
        if before is not None:
            wanted["order"] = {"$lt": before}
        found = self._deliveries.find(wanted).sort("order", -1).limit(limit)
        return [read_logged(row) async for row in found]

    async def send_again(self, subscription: str, delivery: str) -> LoggedDelivery | None:
        async def attempt(transaction: Transaction) -> LoggedDelivery | None:
            row: Document | None = await transaction.collection(COLLECTION).find_one_and_update(
                {"subscription": subscription, "order": delivery},
                build_renewal(self._clock()),
                return_document=ReturnDocument.AFTER,
                session=transaction.session,
            )
            if row is None:
                return None
            await self._push_now(transaction, subscription)
            return read_logged(row)

        return await self._store.transaction(attempt)

    async def add_test(self, subscription: str) -> LoggedDelivery:
        now, test = self._clock(), new_id()
        # First in its order, and a lane of its own: it waits behind no status.
        told = {"dossier_id": f"essai-{test}", "sequence": 0, "mark": 0}
        row = build_row(build_delivery_id(subscription, test, 0), subscription, told, now, now)

        async def attempt(transaction: Transaction) -> None:
            await insert_deliveries(transaction, [row])
            await self._push_now(transaction, subscription)

        await self._store.transaction(attempt)
        return read_logged(row)

    async def replay(self, subscription: str, since: datetime, before: datetime) -> str | None:
        name, limit = new_id(), _WAITING_MAX + 1
        waiting = await self._deliveries.count_documents(match_waiting(subscription), limit=limit)
        if waiting == limit:
            return None

        async def attempt(transaction: Transaction) -> str | None:
            begun = {"kind": REPLAYS, "payload.subscription": subscription}
            jobs = transaction.collection(JOBS)
            if await jobs.count_documents(begun, session=transaction.session) >= _REPLAYS_MAX:
                return None
            asked = Replay(subscription, name, 0, LAST_MARK, since, before)
            await enqueue(transaction, [asked.build_job()])
            return name

        return await self._store.transaction(attempt)

    async def _push_now(self, transaction: Transaction, subscription: str) -> None:
        """Send what is due for a subscriber, which does not wait for its next time either."""
        await transaction.collection(SUBSCRIPTIONS.collection).update_one(
            {"_id": subscription},
            {"$set": {"health.due": self._clock()}},
            session=transaction.session,
        )
        await enqueue(transaction, [Job(PUSHES, subscription)])
