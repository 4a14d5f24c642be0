"""Files by their SHA-256, in GridFS.

GridFS writes outside transactions: a file is stored first, then the transaction that refers to it
commits. A sweeper takes away, after a day, what nothing refers to.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from io import BytesIO

from motor.motor_asyncio import AsyncIOMotorGridFSBucket
from pymongo.errors import DuplicateKeyError

from shared.runtime.clock import Clock
from shared.runtime.store import Document, Store

_KEPT_UNREFERRED = timedelta(days=1)
_PAGE = 200
Referred = Callable[[Iterable[str]], Awaitable[set[str]]]
"""Gives which of these SHA-256 a service refers to."""


class Files:
    """A service's files. Storing the same bytes twice keeps one copy."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Prepare the bucket."""
        self._bucket = AsyncIOMotorGridFSBucket(store.db)
        self._index = store.collection("files")
        self._clock = clock

    async def put(self, content: bytes) -> str:
        """Store `content` and give its SHA-256 (hexadecimal)."""
        sha256 = hashlib.sha256(content).hexdigest()
        # The date is what the sweeper goes by: a file about to be referred to again is fresh.
        known: Document | None = await self._index.find_one_and_update(
            {"_id": sha256}, {"$set": {"at": self._clock()}}
        )
        if known is None:
            await self._upload(sha256, content)
        return sha256

    async def _upload(self, sha256: str, content: bytes) -> None:
        # The upload has an id of its own: one cut short by a crash cannot stand in the way of the
        # next one of the same bytes.
        upload = await self._bucket.upload_from_stream(sha256, content)
        row = {"_id": sha256, "upload": upload, "size": len(content), "at": self._clock()}
        try:
            await self._index.insert_one(row)
        except DuplicateKeyError:
            await self._bucket.delete(upload)

    async def get(self, sha256: str) -> bytes | None:
        """Read a file whole; None when it is not here."""
        row: Document | None = await self._index.find_one({"_id": sha256})
        if row is None:
            return None
        content = BytesIO()
        await self._bucket.download_to_stream(row["upload"], content)
        return content.getvalue()

    async def sweep(self, referred: Referred) -> int:
        """Take away what has been here for a day and nothing refers to; give how many."""
        before = self._clock() - _KEPT_UNREFERRED
        old = await self._index.find({"at": {"$lt": before}}).to_list(_PAGE)
        kept = await referred(row["_id"] for row in old)
        gone = [row for row in old if row["_id"] not in kept]
        for row in gone:
            await self._index.delete_one({"_id": row["_id"], "at": row["at"]})
            await self._bucket.delete(row["upload"])
        await self._index.update_many({"_id": {"$in": list(kept)}}, {"$set": {"at": self._clock()}})
        return len(gone)
