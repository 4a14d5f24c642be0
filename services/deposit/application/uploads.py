"""Taking uploads in: looked at before they are read, kept one at a time."""

import asyncio
import hashlib
from collections.abc import Sequence

from services.deposit.application.ports import Upload, Vault
from services.deposit.domain.piece import StoredFile
from shared.vocabulary.attachments import HEAD_BYTES, Attached, media_type


async def looked_at(uploads: Sequence[Upload]) -> tuple[Attached, ...]:
    """Give what the rules read of uploads."""
    return tuple(
        [Attached(each.name, each.size_bytes, await each.head(HEAD_BYTES)) for each in uploads]
    )


async def kept(vault: Vault, uploads: Sequence[Upload]) -> tuple[StoredFile, ...]:
    """Keep uploads, so that one alone is in memory."""
    return tuple([await keep(vault, each.name, await each.read()) for each in uploads])


async def keep(vault: Vault, name: str, content: bytes) -> StoredFile:
    """Keep one file."""
    sha256 = await vault.put(content)
    return StoredFile(sha256, len(content), name, media_type(name))


async def fingerprint(metadata: str, uploads: Sequence[Upload]) -> str:
    """Identify what was sent, to the byte."""
    digest = hashlib.sha256(metadata.encode())
    for upload in uploads:
        content = await asyncio.to_thread(hashlib.sha256, await upload.read())
        digest.update(f"\n{content.hexdigest()} {upload.name}".encode())
    return digest.hexdigest()
