"""Uploads: read the first bytes of each, then store the files one at a time, to save memory."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Protocol

from shared.vocabulary.attachments import HEAD_BYTES, Attached, StoredFile, find_media_type


class Upload(Protocol):
    """Uploaded file that is not read yet."""

    @property
    def name(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...

    async def read_head(self, size: int) -> bytes:
        """Read the first bytes."""

    async def read(self) -> bytes:
        """Read the whole file."""


class FileStore(Protocol):
    """Store of files, each under its SHA-256."""

    async def put(self, content: bytes) -> str:
        """Store bytes and return their SHA-256."""

    async def get(self, sha256: str) -> bytes:
        """Read the bytes. Raises DamagedFileError when they are missing or have changed."""


async def read_heads(uploads: Sequence[Upload]) -> tuple[Attached, ...]:
    """Read the name, size and first bytes of uploads, which the rules judge."""
    return tuple(
        [Attached(each.name, each.size_bytes, await each.read_head(HEAD_BYTES)) for each in uploads]
    )


async def store_uploads(vault: FileStore, uploads: Sequence[Upload]) -> tuple[StoredFile, ...]:
    """Store uploads one after the other, so that only one is in memory."""
    return tuple([await store_file(vault, each.name, await each.read()) for each in uploads])


async def store_file(vault: FileStore, name: str, content: bytes) -> StoredFile:
    """Store one file."""
    sha256 = await vault.put(content)
    return StoredFile(sha256, len(content), name, find_media_type(name))


async def fingerprint(text: str, uploads: Sequence[Upload]) -> str:
    """Hash the text of a request, and the names and bytes of its files."""
    digest = hashlib.sha256(text.encode())
    for upload in uploads:
        # Hashed in a thread: a large file would block the event loop.
        content = await asyncio.to_thread(hashlib.sha256, await upload.read())
        digest.update(f"\n{content.hexdigest()} {upload.name}".encode())
    return digest.hexdigest()
