"""File uploads and downloads over HTTP, with safe file names."""

import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

from fastapi import Response, UploadFile

from shared.vocabulary.texts import clean

_NAME_LIMIT = 255
"""Length limit of a file's name, in characters."""


class Uploaded:
    """Uploaded file. Beyond 64 KB its bytes are kept on disk, not in memory."""

    def __init__(self, upload: UploadFile) -> None:
        """Wrap the upload that the framework received."""
        self._upload = upload

    @property
    def name(self) -> str:
        """Name of the file, as its sender sees it."""
        return clean(self._upload.filename or "")

    @property
    def size_bytes(self) -> int:
        """Size of the file, known without reading it."""
        return self._upload.size or 0

    async def read_head(self, size: int) -> bytes:
        """Read the first bytes."""
        await self._upload.seek(0)
        return await self._upload.read(size)

    async def read(self) -> bytes:
        """Read the whole file."""
        await self._upload.seek(0)
        return await self._upload.read()


def wrap_uploads(files: Iterable[UploadFile] | None) -> list[Uploaded]:
    """Wrap the uploads that the framework received: none when the form has no file."""
    return [Uploaded(each) for each in files or ()]


def make_safe_name(name: str) -> str:
    """Make a safe file name: one path component, printable and of limited length."""
    last = clean(name).replace("\\", "/").rpartition("/")[2]
    shown = "".join(character for character in last if character.isprintable())
    return shown[:_NAME_LIMIT].strip() or "fichier"


def build_download(name: str, media_type: str, content: bytes) -> Response:
    """Build a download response: Content-Disposition attachment, nosniff, sandbox."""
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": _format_disposition(make_safe_name(name)),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
            "Cache-Control": "private",
        },
    )


def _format_disposition(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    quoted = "".join("_" if character in '"\\;' else character for character in plain) or "fichier"
    return f"attachment; filename=\"{quoted}\"; filename*=UTF-8''{quote(name, safe='')}"
