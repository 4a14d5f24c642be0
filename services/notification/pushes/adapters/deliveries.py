"""Store of deliveries that wait for a subscriber, and of what came of their attempts."""

from collections.abc import Sequence
from datetime import datetime

from services.notification.pushes.adapters.delivery_rows import (
    COLLECTION,
    build_attempted,
    build_try,
    match_waiting,
    read_delivery,
)
from services.notification.pushes.application.ports import Waiting
from services.notification.pushes.domain.delivery import Delivery, DeliveryState
from services.notification.pushes.domain.outcomes import Attempt, Outcome
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.domain.subscription import Health, Subscription
from shared.runtime.store.batches import Batches
from shared.runtime.store.database import Store
from shared.runtime.store.driver import UpdateOne

_WINDOW = 500
"""Limit of the due deliveries that are read at a time. SecantusDB reads all that wait for each
search, so a search must find much."""


class MongoDeliveries:
    """Store of deliveries that wait."""

    def __init__(self, store: Store) -> None:
        """Use this store."""
        self._deliveries = store.collection(COLLECTION)
        self._subscriptions = store.collection(SUBSCRIPTIONS.collection)
        self._changes = Batches(self._change)

    async def prepare(self) -> None:
        """Create the indexes; the log is forgotten after its time."""
        await self._deliveries.create_index([("subscription", 1), ("state", 1), ("mark", 1)])
        await self._deliveries.create_index([("subscription", 1), ("order", -1)])
        await self._deliveries.create_index("mail_id", sparse=True)
        await self._deliveries.create_index("expires_at", expireAfterSeconds=0)

    async def list_waiting(self, subscription: str, now: datetime) -> Waiting:
        # One search in the order of marks: what it has passed was committed before what it finds
        # then, so that no status is seen without an earlier one of its dossier.
        rows = self._deliveries.find(
            match_waiting(subscription), sort=[("mark", 1)], batch_size=_WINDOW + 1
        )
        found: list[Delivery] = []
        later: dict[str, datetime] = {}
        try:
            async for row in rows:
                if row["dossier_id"] in later:
                    continue
                if row["due"] > now:
                    later[row["dossier_id"]] = row["due"]
                elif len(found) == _WINDOW:
                    return Waiting(found, has_more=True)
                else:
                    found.append(read_delivery(row))
        finally:
            await rows.close()
        return Waiting(found, min(later.values(), default=None))

    async def record(
        self, delivery: Delivery, attempt: Attempt, at: datetime, due: datetime | None
    ) -> None:
        outcome = attempt.outcome
        change = build_attempted(outcome, build_try(attempt, at), delivery.failing_since, due)
        # Another replica, whose lease followed that of this one, may have delivered it meanwhile;
        # or a change of the subscription has made it new.
        waiting = {"state": DeliveryState.WAITING.value, "attempts": delivery.attempts}
        wanted = {} if outcome is Outcome.DELIVERED else waiting
        await self._changes.call(UpdateOne({"_id": delivery.id, **wanted}, change))

    async def save_health(self, subscription: Subscription, health: Health) -> None:
        # A change of the subscription, or who wants something sent at once, resets it beside a
        # turn, which knows nothing of that.
        read = {
            "_id": subscription.id,
            "target": subscription.terms.target,
            "health.failures": subscription.health.failures,
            "health.due": subscription.health.due,
        }
        state = {
            "health.failures": health.failures,
            "health.failing_since": health.failing_since,
            "health.due": health.due,
        }
        await self._subscriptions.update_one(read, {"$set": state})

    async def _change(self, changes: Sequence[UpdateOne]) -> Sequence[None]:
        """Carry out changes of deliveries, which are told to many subscribers at one moment."""
        await self._deliveries.bulk_write(changes, ordered=False)
        return [None] * len(changes)
