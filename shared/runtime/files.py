"""Files by their SHA-256, in GridFS.

GridFS writes outside transactions: a file is stored first, then the transaction that refers to it
commits. A sweeper takes away, after a day, what nothing refers to.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from io import BytesIO

from bson import ObjectId
from gridfs.errors import NoFile
from motor.motor_asyncio import AsyncIOMotorGridFSBucket
from pymongo.errors import DuplicateKeyError

from shared.runtime.clock import Clock
from shared.runtime.store import Document, Store, Transaction

_KEPT_UNREFERRED = timedelta(days=1)
_PAGE = 200
Referred = Callable[[Iterable[str]], Awaitable[set[str]]]
"""Gives which of these SHA-256 a service refers to."""


class Files:
    """A service's files. Storing the same bytes twice keeps one copy.

    `files` names the upload that holds the bytes of a SHA-256. `uploads` names those that nothing
    names, or not yet: what an upload cut short leaves behind is found there.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        """Prepare the bucket."""
        self._store = store
        self._bucket = AsyncIOMotorGridFSBucket(store.db)
        self._index = store.collection("files")
        self._uploads = store.collection("uploads")
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
        upload = ObjectId()
        now = self._clock()
        await self._uploads.insert_one({"_id": upload, "at": now})
        await self._bucket.upload_from_stream_with_id(upload, sha256, content)
        row = {"_id": sha256, "upload": upload, "size": len(content), "at": now}
        try:
            await self._index.insert_one(row)
        except DuplicateKeyError:
            await self._take_away(upload)
        else:
            await self._uploads.delete_one({"_id": upload})

    async def get(self, sha256: str) -> bytes | None:
        """Read a file whole; None when it is not here."""
        row: Document | None = await self._index.find_one({"_id": sha256})
        if row is None:
            return None
        content = BytesIO()
        await self._bucket.download_to_stream(row["upload"], content)
        return content.getvalue()

    async def prepare(self) -> None:
        """Create the indexes that `sweep` goes by."""
        await self._index.create_index("at")
        await self._index.create_index("upload")
        await self._uploads.create_index("at")

    async def sweep(self, referred: Referred) -> int:
        """Take away what has been here for a day and nothing refers to; give how many."""
        old: Document = {"at": {"$lt": self._clock() - _KEPT_UNREFERRED}}
        dropped = 0
        # What a page leaves is as new as today, so that the next page holds others.
        while page := await self._index.find(old).sort("at", 1).to_list(_PAGE):
            dropped += await self._sweep_page(page, referred)
        while lost := await self._uploads.find(old).sort("at", 1).to_list(_PAGE):
            for upload in lost:
                await self._sweep_upload(upload["_id"])
        return dropped

    async def _sweep_page(self, page: Sequence[Document], referred: Referred) -> int:
        kept = await referred(row["_id"] for row in page)
        await self._index.update_many({"_id": {"$in": list(kept)}}, {"$set": {"at": self._clock()}})
        return sum([await self._drop(row) for row in page if row["_id"] not in kept])

    async def _sweep_upload(self, upload: ObjectId) -> None:
        if await self._index.find_one({"upload": upload}):
            # Cut short between being named and leaving `uploads`: its bytes are in use.
            await self._uploads.delete_one({"_id": upload})
        else:
            await self._take_away(upload)

    async def _drop(self, row: Document) -> bool:
        """Forget a file, unless it was stored again meanwhile; its bytes go as a lost upload's."""

        async def work(transaction: Transaction) -> bool:
            files = transaction.collection("files")
            same = {"_id": row["_id"], "at": row["at"]}
            if not (await files.delete_one(same, session=transaction.session)).deleted_count:
                return False
            await transaction.collection("uploads").insert_one(
                {"_id": row["upload"], "at": row["at"]}, session=transaction.session
            )
            return True

        return await self._store.transaction(work)

    async def _take_away(self, upload: ObjectId) -> None:
        with suppress(NoFile):
            # Takes the chunks even where the upload never came to its end.
            await self._bucket.delete(upload)
        await self._uploads.delete_one({"_id": upload})
