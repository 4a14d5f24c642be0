"""Store of deliveries: what waits for a subscriber, and the log of what was tried."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from services.notification.pushes.adapters.replays import LAST_MARK, PUSHES, REPLAYS, Replay
from services.notification.pushes.application.ports import Waiting
from services.notification.pushes.domain.delivery import (
    Delivery,
    DeliveryState,
    LoggedDelivery,
    Try,
    build_delivery_id,
)
from services.notification.pushes.domain.outcomes import Attempt, Outcome
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.domain.subscription import Health, State, Subscription
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.jobs.rows import COLLECTION as JOBS
from shared.runtime.jobs.rows import Job, enqueue
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import ReturnDocument, UpdateOne

COLLECTION = "deliveries"
_WINDOW = 500
"""Limit of the due deliveries that are read at a time. SecantusDB reads all that wait for each
search, so a search must find much."""
_ATTEMPTS_KEPT = 20
_STATES = {
    Outcome.DELIVERED: DeliveryState.DELIVERED,
    Outcome.DROPPED: DeliveryState.FAILED,
}
"""State after an attempt, where no other follows."""
_REPLAYS_MAX = 3
"""Replays of one subscription that may be in progress."""
_WAITING_MAX = 1000
"""While more deliveries of a subscription wait, no other replay of it is begun."""
_LATE_MAX = 1000
"""Subscribers that one search for late ones finds; the next finds the others."""
LOG_KEPT = timedelta(days=30)
"""Time for which a delivery stays in the log, from its last attempt."""


class MongoDeliveries:
    """Store of deliveries."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Use this store, and stamp by this clock."""
        self._store = store
        self._clock = clock
        self._deliveries = store.collection(COLLECTION)
        self._subscriptions = store.collection(SUBSCRIPTIONS.collection)

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
            {"subscription": subscription, "state": DeliveryState.WAITING.value},
            sort=[("mark", 1)],
            batch_size=_WINDOW + 1,
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
                    found.append(_read(row))
        finally:
            await rows.close()
        return Waiting(found, min(later.values(), default=None))

    async def record(
        self, delivery: Delivery, attempt: Attempt, at: datetime, due: datetime | None
    ) -> None:
        state = _STATES.get(attempt.outcome, DeliveryState.WAITING)
        is_delivered = state is DeliveryState.DELIVERED
        since = None if is_delivered else delivery.failing_since
        if attempt.outcome in (Outcome.FAILED, Outcome.GONE):
            since = since or at
        tried = {"at": at, "code": attempt.code, "duration_ms": attempt.duration_ms}
        change: Document = {
            "$set": {
                "state": state.value,
                "due": due,
                "failing_since": since,
                "expires_at": None if state is DeliveryState.WAITING else at + LOG_KEPT,
            },
            "$inc": {"attempts": 1},
            "$push": {"tries": {"$each": [tried], "$slice": -_ATTEMPTS_KEPT}},
        }
        # Another replica, whose lease followed that of this one, may have delivered it meanwhile;
        # or a change of the subscription has made it new.
        waiting = {"state": DeliveryState.WAITING.value, "attempts": delivery.attempts}
        wanted = {"_id": delivery.id, **waiting}
        await self._deliveries.update_one({"_id": delivery.id} if is_delivered else wanted, change)

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

    async def list_log(
        self, subscription: str, before: str | None, limit: int
    ) -> Sequence[LoggedDelivery]:
        wanted: Document = {"subscription": subscription}
        if before is not None:
            wanted["order"] = {"$lt": before}
        found = self._deliveries.find(wanted).sort("order", -1).limit(limit)
        return [_read_logged(row) async for row in found]

    async def send_again(self, subscription: str, delivery: str) -> LoggedDelivery | None:
        anew = {
            "state": DeliveryState.WAITING.value,
            "due": self._clock(),
            "attempts": 0,
            "failing_since": None,
            "expires_at": None,
        }

        async def attempt(transaction: Transaction) -> LoggedDelivery | None:
            row: Document | None = await transaction.collection(COLLECTION).find_one_and_update(
                {"subscription": subscription, "order": delivery},
                {"$set": anew},
                return_document=ReturnDocument.AFTER,
                session=transaction.session,
            )
            if row is None:
                return None
            await self._push_now(transaction, subscription)
            return _read_logged(row)

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
        return _read_logged(row)

    async def replay(self, subscription: str, since: datetime, before: datetime) -> str | None:
        name = new_id()
        waiting = {"subscription": subscription, "state": DeliveryState.WAITING.value}
        limit = _WAITING_MAX + 1
        if await self._deliveries.count_documents(waiting, limit=limit) == limit:
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

    async def find_late(self, now: datetime) -> Sequence[str]:
        """Find the subscribers of which something that has waited is due."""
        wanted = {"state": State.ACTIVE.value, "health.due": {"$lte": now}}
        found = self._subscriptions.find(wanted, {"_id": 1}).limit(_LATE_MAX)
        return [row["_id"] async for row in found]

    async def count_by_state(self) -> Mapping[str, int]:
        """Count the subscriptions by their state."""
        return {
            state.value: await self._subscriptions.count_documents({"state": state.value})
            for state in State
        }


async def insert_deliveries(transaction: Transaction, rows: Sequence[Document]) -> None:
    """Insert deliveries, each once: one that is there already is left as it is."""
    if rows:
        await transaction.collection(COLLECTION).bulk_write(
            [UpdateOne({"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True) for row in rows],
            ordered=False,
            session=transaction.session,
        )


def build_row(
    delivery_id: str,
    subscription: str,
    status: Document,
    now: datetime,
    due: datetime,
) -> Document:
    """Build the row of a delivery of a status, or of a test in its shape."""
    return {
        "_id": delivery_id,
        "subscription": subscription,
        "dossier_id": status["dossier_id"],
        "sequence": status["sequence"],
        "mark": status["mark"],
        "order": new_id(),
        "state": DeliveryState.WAITING.value,
        "created_at": now,
        "due": due,
        "attempts": 0,
        "failing_since": None,
        "tries": [],
    }


def _read_logged(row: Document) -> LoggedDelivery:
    return LoggedDelivery(
        id=row["order"],
        dossier_id=row["dossier_id"],
        sequence=row["sequence"],
        state=DeliveryState(row["state"]),
        created_at=row["created_at"],
        due=row["due"],
        tries=tuple(Try(each["at"], each["code"], each["duration_ms"]) for each in row["tries"]),
        attempts=row["attempts"],
    )


def _read(row: Document) -> Delivery:
    return Delivery(
        id=row["_id"],
        subscription=row["subscription"],
        dossier_id=row["dossier_id"],
        sequence=row["sequence"],
        attempts=row["attempts"],
        failing_since=row["failing_since"],
    )
