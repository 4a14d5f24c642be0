"""Reproducible zip archive of an export, in a temporary file: same members, same bytes."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from hashlib import sha256
from typing import BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from services.portal.application.exports import TooLargeError
from services.portal.domain.export import Member
from shared.vocabulary.sizes import MEGABYTE

_UNIX, _PLAIN_FILE = 3, 0o100644
_EPOCH = (1980, 1, 1, 0, 0, 0)


class ZipArchive:
    """Zip archive of an export.

    Members are stored uncompressed, so that the verifier can check every byte. The temporary file
    has no name: nothing is left after a crash.
    """

    def __init__(self, max_mb: int) -> None:
        """Open an archive; `max_mb` limits the total size of its members."""
        self._file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
        self._zip = ZipFile(self._file, "w", ZIP_STORED)
        self._remaining_bytes = max_mb * MEGABYTE

    async def put(self, path: str, content: bytes) -> Member:
        """Add a member from bytes."""

        async def chunks() -> AsyncGenerator[bytes, None]:
            yield content

        return await self.add(path, chunks(), "")

    async def add(self, path: str, chunks: AsyncGenerator[bytes, None], name: str) -> Member:
        """Add a member from chunks; `name` is the file's name as deposited, for the manifest.

        Raises TooLargeError over the size limit of the archive.
        """
        digest, size = sha256(), 0
        info = ZipInfo(path, _EPOCH)
        info.create_system, info.external_attr = _UNIX, _PLAIN_FILE << 16
        async with aclosing(chunks):
            with self._zip.open(info, "w") as member:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._remaining_bytes:
                        raise TooLargeError(path)
                    digest.update(chunk)
                    await asyncio.to_thread(member.write, chunk)
        self._remaining_bytes -= size
        return Member(path, digest.hexdigest(), size, name)

    def finish(self) -> BinaryIO:
        """Write the central directory of the zip, rewind the file and return it."""
        self._zip.close()
        self._file.seek(0)
        return self._file

    def discard(self) -> None:
        """Close the archive and delete its temporary file."""
        with suppress(OSError):
            self._zip.close()
        self._file.close()
