"""File storage by SHA-256, in GridFS; the checksum is verified at every read.

GridFS writes outside transactions: a file is stored first, then the transaction that refers to it
commits. `sweep` deletes a file to which nothing refers, after a day.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from io import BytesIO

from bson import ObjectId
from gridfs.errors import CorruptGridFile, NoFile
from motor.motor_asyncio import AsyncIOMotorGridFSBucket
from pymongo.errors import DuplicateKeyError

from shared.runtime.clock import Clock
from shared.runtime.errors import DamagedFileError
from shared.runtime.logs import get_logger
from shared.runtime.metrics import FILES_DAMAGED
from shared.runtime.store.database import Document, Store, Transaction

_KEPT_UNREFERRED = timedelta(days=1)
"""Age from which a file that nothing refers to, or an interrupted upload, is deleted."""
_PAGE = 200
FindReferred = Callable[[Iterable[str]], Awaitable[set[str]]]
"""Returns the SHA-256, among those given, to which a service refers."""
_log = get_logger(__name__)


class Files:
    """Files of one service. Storing the same bytes twice keeps one copy.

    In collection `files`, each SHA-256 has the id of the upload that holds its bytes. Collection
    `uploads` lists the uploads that `files` does not name, or not yet: there `sweep` finds what an
    interrupted upload has left behind.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        """Prepare the bucket."""
        self._store = store
        self._index = store.collection("files")
        self._uploads = store.collection("uploads")
        self._clock = clock

    @cached_property
    def _bucket(self) -> AsyncIOMotorGridFSBucket:
        """Bucket of GridFS; Motor wants an event loop to make one."""
        return AsyncIOMotorGridFSBucket(self._store.db)

    async def put(self, content: bytes) -> str:
        """Store `content` and return its SHA-256 (hexadecimal)."""
        # Hashed in a thread: 20 MB take tens of milliseconds, which would block the event loop.
        sha256 = await asyncio.to_thread(_compute_sha256, content)
        # `sweep` compares this date, so it keeps a file that is about to be referred to again.
        known: Document | None = await self._index.find_one_and_update(
            {"_id": sha256}, {"$set": {"at": self._clock()}}
        )
        if known is None:
            await self._upload(sha256, content)
        elif await self._read(known) != content:
            await self._repair(known, content)
        return sha256

    async def _upload(self, sha256: str, content: bytes) -> None:
        # Each upload has its own id: one interrupted by a crash does not block the next upload of
        # the same bytes.
        upload = await self._write_upload(sha256, content)
        row = {"_id": sha256, "upload": upload, "size": len(content), "at": self._clock()}
        try:
            await self._index.insert_one(row)
        except DuplicateKeyError:
            await self._delete_upload(upload)
        else:
            await self._uploads.delete_one({"_id": upload})

    async def _write_upload(self, sha256: str, content: bytes) -> ObjectId:
        upload = ObjectId()
        await self._uploads.insert_one({"_id": upload, "at": self._clock()})
        await self._bucket.upload_from_stream_with_id(upload, sha256, content)
        return upload

    async def _repair(self, row: Document, content: bytes) -> None:
        """Replace the bytes of a damaged file by `content`, which has its SHA-256."""
        sha256, damaged = row["_id"], row["upload"]
        _note_damage(sha256)
        upload = await self._write_upload(sha256, content)
        # The damaged upload is listed first: after a crash below, `sweep` still finds its bytes.
        listed = {"_id": damaged, "at": self._clock()}
        await self._uploads.replace_one({"_id": damaged}, listed, upsert=True)
        mended = await self._index.update_one(
            {"_id": sha256, "upload": damaged}, {"$set": {"upload": upload, "size": len(content)}}
        )
        if mended.modified_count:
            await self._uploads.delete_one({"_id": upload})
            await self._sweep_upload(damaged)
            _log.warning("file.mended", sha256=sha256)
        else:
            # Another request has just repaired it.
            await self._delete_upload(upload)

    async def get(self, sha256: str) -> bytes:
        """Read a file whole. Raises DamagedFileError when its bytes are missing or have changed."""
        row: Document | None = await self._index.find_one({"_id": sha256})
        content = await self._read(row) if row else None
        # Hashed in a thread: a large file would block the event loop.
        if content is None or await asyncio.to_thread(_compute_sha256, content) != sha256:
            _note_damage(sha256)
            raise DamagedFileError(sha256)
        return content

    async def _read(self, row: Document) -> bytes | None:
        content = BytesIO()
        try:
            await self._bucket.download_to_stream(row["upload"], content)
        except (NoFile, CorruptGridFile):
            return None
        return content.getvalue()

    async def prepare(self) -> None:
        """Create the indexes that `sweep` uses."""
        await self._index.create_index("at")
        await self._index.create_index("upload")
        await self._uploads.create_index("at")

    async def sweep(self, referred: FindReferred) -> int:
        """Delete the files older than a day to which nothing refers; return how many.

        Interrupted uploads older than a day are deleted too, and not counted.
        """
        old: Document = {"at": {"$lt": self._clock() - _KEPT_UNREFERRED}}
        dropped = 0
        # The files that a page keeps get a new date, so that the next page holds other files.
        while page := await self._index.find(old).sort("at", 1).to_list(_PAGE):
            dropped += await self._sweep_page(page, referred)
        while lost := await self._uploads.find(old).sort("at", 1).to_list(_PAGE):
            for upload in lost:
                await self._sweep_upload(upload["_id"])
        return dropped

    async def _sweep_page(self, page: Sequence[Document], referred: FindReferred) -> int:
        kept = await referred(row["_id"] for row in page)
        await self._index.update_many({"_id": {"$in": list(kept)}}, {"$set": {"at": self._clock()}})
        return sum([await self._delete_file(row) for row in page if row["_id"] not in kept])

    async def _sweep_upload(self, upload: ObjectId) -> None:
        if await self._index.find_one({"upload": upload}):
            # A crash came after `files` named it, before it left `uploads`: its bytes are in use.
            await self._uploads.delete_one({"_id": upload})
        else:
            await self._delete_upload(upload)

    async def _delete_file(self, row: Document) -> bool:
        """Delete a file and list its upload for `sweep`, unless it has been stored again."""

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

    async def _delete_upload(self, upload: ObjectId) -> None:
        with suppress(NoFile):
            # Deletes the chunks even when the upload was never completed.
            await self._bucket.delete(upload)
        await self._uploads.delete_one({"_id": upload})


def _compute_sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _note_damage(sha256: str) -> None:
    FILES_DAMAGED.inc()
    _log.error("file.damaged", sha256=sha256)
