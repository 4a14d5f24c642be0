"""File uploads and downloads over HTTP, with safe file names."""

import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

from fastapi import Response, UploadFile

from shared.vocabulary.texts import clean

_NAME_LIMIT = 255


class Uploaded:
    """An uploaded file. Past a megabyte its bytes wait on disk, not in memory."""

    def __init__(self, upload: UploadFile) -> None:
        """Wrap what the framework received."""
        self._upload = upload

    @property
    def name(self) -> str:
        """Its name as its sender sees it."""
        return clean(self._upload.filename or "")

    @property
    def size_bytes(self) -> int:
        """Its size, known without reading it."""
        return self._upload.size or 0

    async def read_head(self, size: int) -> bytes:
        """Read its first bytes."""
        await self._upload.seek(0)
        return await self._upload.read(size)

    async def read(self) -> bytes:
        """Read it whole."""
        await self._upload.seek(0)
        return await self._upload.read()


def wrap_uploads(files: Iterable[UploadFile] | None) -> list[Uploaded]:
    """Wrap what the framework received; None where a form named no file."""
    return [Uploaded(each) for each in files or ()]


def make_safe_name(name: str) -> str:
    """Make a name that is one path component, printable and of bounded length."""
    last = clean(name).replace("\\", "/").rpartition("/")[2]
    shown = "".join(character for character in last if character.isprintable())
    return shown[:_NAME_LIMIT].strip() or "fichier"


def build_download(name: str, media_type: str, content: bytes) -> Response:
    """Build a download answer: Content-Disposition attachment, nosniff, sandbox."""
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
