"""Idempotency keys in the store: kept 24 hours, with the request that each was used for."""

import re
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import TypeVar

from shared.application.idempotency import Key, UsedKey, read_owner
from shared.runtime.store.database import Store, Transaction
from shared.runtime.store.driver import BulkWriteError, DuplicateKeyError

T = TypeVar("T")

_COLLECTION = "idempotency_keys"
_KEPT = timedelta(hours=24)


async def prepare_keys(store: Store) -> None:
    """Create the index (TTL) by which keys expire."""
    await store.collection(_COLLECTION).create_index("expires_at", expireAfterSeconds=0)


async def transact_once(store: Store, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Run `work`, which finds and records the use of an idempotency key, in a transaction.

    It runs again when another request has just recorded the same key: it then finds that use.
    """
    try:
        return await store.transaction(work)
    except (BulkWriteError, DuplicateKeyError):
        return await store.transaction(work)


async def find_key_use(source: Store | Transaction, key: Key | None) -> UsedKey | None:
    """Find the use of an idempotency key; None without a key."""
    return (await find_key_uses(source, [key])).get(key.id) if key else None


async def find_key_uses(source: Store | Transaction, keys: Collection[Key]) -> dict[str, UsedKey]:
    """Find the uses of these idempotency keys, by `Key.id`."""
    if not keys:
        return {}
    session = source.session if isinstance(source, Transaction) else None
    wanted = {"_id": {"$in": [key.id for key in keys]}}
    rows = source.collection(_COLLECTION).find(wanted, session=session)
    return {row["_id"]: UsedKey(row["fingerprint"], row["subject"]) async for row in rows}


async def record_key_use(transaction: Transaction, key: Key | None, subject: str) -> None:
    """Record the use of an idempotency key, as `record_key_uses`; nothing without a key."""
    await record_key_uses(transaction, [(key, subject)] if key else [])


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


async def find_keys_of(
    store: Store, prefix: str, is_owner: Callable[[str], bool]
) -> Collection[str]:
    """Find the ids of the used keys whose owner begins with `prefix`, and satisfies `is_owner`."""
    wanted = {"_id": {"$regex": rf"^\d+:{re.escape(prefix)}"}}
    rows = store.collection(_COLLECTION).find(wanted, {"_id": 1})
    return [row["_id"] async for row in rows if is_owner(read_owner(row["_id"]))]


async def forget_keys(store: Store, ids: Collection[str]) -> None:
    """Forget the use of keys, by `Key.id`: a person is erased."""
    if ids:
        await store.collection(_COLLECTION).delete_many({"_id": {"$in": list(ids)}})
