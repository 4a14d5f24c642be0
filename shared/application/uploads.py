"""Uploads: the first bytes are judged, then each file is stored, one at a time in memory."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Protocol

from shared.vocabulary.attachments import HEAD_BYTES, Attached, StoredFile, find_media_type


class Upload(Protocol):
    """A file that has arrived and is not read yet."""

    @property
    def name(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...

    async def read_head(self, size: int) -> bytes:
        """Read its first bytes."""

    async def read(self) -> bytes:
        """Read it whole."""


class Vault(Protocol):
    """The store of files, each under its SHA-256."""

    async def put(self, content: bytes) -> str:
        """Keep bytes and give their SHA-256."""

    async def get(self, sha256: str) -> bytes:
        """Give the bytes back, or raise when they are no longer those of this SHA-256."""


async def read_heads(uploads: Sequence[Upload]) -> tuple[Attached, ...]:
    """Read what the rules judge of uploads: name, size and first bytes."""
    return tuple(
        [Attached(each.name, each.size_bytes, await each.read_head(HEAD_BYTES)) for each in uploads]
    )


async def store_uploads(vault: Vault, uploads: Sequence[Upload]) -> tuple[StoredFile, ...]:
    """Store uploads one after the other, so that one alone is in memory."""
    return tuple([await store_file(vault, each.name, await each.read()) for each in uploads])


async def store_file(vault: Vault, name: str, content: bytes) -> StoredFile:
    """Store one file."""
    sha256 = await vault.put(content)
    return StoredFile(sha256, len(content), name, find_media_type(name))


async def fingerprint(text: str, uploads: Sequence[Upload]) -> str:
    """Hash what was sent, text and files, to the byte."""
    digest = hashlib.sha256(text.encode())
    for upload in uploads:
        # Beside the event loop, which others wait for: a file may be large.
        content = await asyncio.to_thread(hashlib.sha256, await upload.read())
        digest.update(f"\n{content.hexdigest()} {upload.name}".encode())
    return digest.hexdigest()
