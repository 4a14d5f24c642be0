"""Rows of deliveries: their shape in the store, and each change of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.notification.pushes.domain.delivery import (
    Delivery,
    DeliveryState,
    LoggedDelivery,
    Try,
)
from services.notification.pushes.domain.outcomes import Attempt, Outcome
from shared.runtime.ids import new_id
from shared.runtime.store.database import Document, Transaction
from shared.runtime.store.driver import UpdateOne

COLLECTION = "deliveries"
LOG_KEPT = timedelta(days=30)
"""Time for which a delivery stays in the log, from its last attempt."""
_ATTEMPTS_KEPT = 20
_STATES = {
    Outcome.DELIVERED: DeliveryState.DELIVERED,
    Outcome.DROPPED: DeliveryState.FAILED,
}
"""State after an attempt, where no other follows."""


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
        "created_at": now,
        "tries": [],
        **_build_new(due),
    }


def build_renewal(due: datetime) -> Document:
    """Build the update after which a delivery waits as if it were new; its log stays."""
    return {"$set": {**_build_new(due), "expires_at": None}}


def build_attempted(
    outcome: Outcome, tried: Try, failing_since: datetime | None, due: datetime | None
) -> Document:
    """Build the update that records an attempt, after which a delivery is due, or ends."""
    state = _STATES.get(outcome, DeliveryState.WAITING)
    if outcome in (Outcome.FAILED, Outcome.GONE):
        failing_since = failing_since or tried.at
    change = {
        "state": state.value,
        "due": due,
        "failing_since": None if state is DeliveryState.DELIVERED else failing_since,
        "expires_at": None if state is DeliveryState.WAITING else tried.at + LOG_KEPT,
    }
    return {"$set": change, "$inc": {"attempts": 1}, "$push": _build_push(tried)}


def build_mailed(mail_id: str, at: datetime) -> Document:
    """Build the update that records a mail: a delivery in it counts as delivered."""
    change = build_attempted(Outcome.DELIVERED, Try(at, "mail", 0), None, None)
    return {**change, "$set": {**change["$set"], "mail_id": mail_id}}


def build_undone(tried: Try) -> Document:
    """Build the update of a delivery that counted as delivered, and was not."""
    return {"$set": {"state": DeliveryState.FAILED.value}, "$push": _build_push(tried)}


def build_try(attempt: Attempt, at: datetime) -> Try:
    """Build an attempt as the log shows it."""
    return Try(at, attempt.code, attempt.duration_ms)


def match_waiting(subscription: str) -> Document:
    """Build the query of what waits for a subscriber."""
    return {"subscription": subscription, "state": DeliveryState.WAITING.value}


def read_delivery(row: Document) -> Delivery:
    """Read a delivery that waits."""
    return Delivery(
        id=row["_id"],
        subscription=row["subscription"],
        dossier_id=row["dossier_id"],
        sequence=row["sequence"],
        attempts=row["attempts"],
        failing_since=row["failing_since"],
    )


def read_logged(row: Document) -> LoggedDelivery:
    """Read a delivery as the log shows it."""
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


async def insert_deliveries(transaction: Transaction, rows: Sequence[Document]) -> None:
    """Insert deliveries, each once: one that is there already is left as it is."""
    if rows:
        await transaction.collection(COLLECTION).bulk_write(
            [UpdateOne({"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True) for row in rows],
            ordered=False,
            session=transaction.session,
        )


def _build_new(due: datetime) -> Document:
    return {
        "state": DeliveryState.WAITING.value,
        "due": due,
        "attempts": 0,
        "failing_since": None,
    }


def _build_push(tried: Try) -> Document:
    row = {"at": tried.at, "code": tried.code, "duration_ms": tried.duration_ms}
    return {"tries": {"$each": [row], "$slice": -_ATTEMPTS_KEPT}}
