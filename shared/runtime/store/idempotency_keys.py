"""Idempotency keys in the store: kept 24 hours, with the request that each was used for."""

from collections.abc import Collection
from datetime import timedelta

from shared.application.idempotency import Key, UsedKey
from shared.runtime.store.database import Store, Transaction

_COLLECTION = "idempotency_keys"
_KEPT = timedelta(hours=24)


async def prepare_keys(store: Store) -> None:
    """Create the index (TTL) by which keys expire."""
    await store.collection(_COLLECTION).create_index("expires_at", expireAfterSeconds=0)


async def find_key_uses(source: Store | Transaction, keys: Collection[Key]) -> dict[str, UsedKey]:
    """Find the uses of these idempotency keys, by `Key.id`."""
    if not keys:
        return {}
    session = source.session if isinstance(source, Transaction) else None
    wanted = {"_id": {"$in": [key.id for key in keys]}}
    rows = source.collection(_COLLECTION).find(wanted, session=session)
    return {row["_id"]: UsedKey(row["fingerprint"], row["subject"]) async for row in rows}


async def record_key_uses(transaction: Transaction, subjects: Collection[tuple[Key, str]]) -> None:
    """Record the uses of idempotency keys.

    Raises BulkWriteError when another transaction has used one of them.
    """
    expires_at = transaction.clock() + _KEPT
    rows = [
        {
            "_id": key.id,
            "fingerprint": key.fingerprint,
            "subject": subject,
            "expires_at": expires_at,
        }
        for key, subject in subjects
    ]
    if rows:
        await transaction.collection(_COLLECTION).insert_many(rows, session=transaction.session)
