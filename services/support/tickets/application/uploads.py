"""Uploaded attachments: their first bytes are checked before they are stored, one at a time."""

from collections.abc import Sequence

from services.support.tickets.application.ports import Upload, Vault
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
