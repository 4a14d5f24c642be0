"""Taking attachments in: looked at before they are read, kept one at a time."""

import asyncio
import hashlib
from collections.abc import Sequence

from services.support.tickets.application.ports import Key, Upload, Vault
from services.support.tickets.domain.tickets import StoredFile
from shared.vocabulary.attachments import HEAD_BYTES, Attached, media_type


async def looked_at(uploads: Sequence[Upload]) -> tuple[Attached, ...]:
    """Give what the rules read of uploads."""
    return tuple(
        [Attached(each.name, each.size_bytes, await each.head(HEAD_BYTES)) for each in uploads]
    )


async def kept(vault: Vault, uploads: Sequence[Upload]) -> tuple[StoredFile, ...]:
    """Keep uploads, so that one alone is in memory."""
    return tuple([await _keep(vault, each) for each in uploads])


async def _keep(vault: Vault, upload: Upload) -> StoredFile:
    content = await upload.read()
    sha256 = await vault.put(content)
    return StoredFile(sha256, len(content), upload.name, media_type(upload.name))


async def key_of(
    owner: str, key: str | None, said: object, uploads: Sequence[Upload]
) -> Key | None:
    """Tie a key to its owner and to what it is sent with; None where there is none."""
    return Key(owner, key, await _fingerprint(repr(said), uploads)) if key else None


async def _fingerprint(said: str, uploads: Sequence[Upload]) -> str:
    """Identify what was sent, to the byte."""
    digest = hashlib.sha256(said.encode())
    for upload in uploads:
        # Beside the event loop, which others wait for: an attachment may be large.
        content = await asyncio.to_thread(hashlib.sha256, await upload.read())
        digest.update(f"\n{content.hexdigest()} {upload.name}".encode())
    return digest.hexdigest()
