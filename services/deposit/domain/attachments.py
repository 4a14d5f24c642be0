"""What may be attached to a piece, and what a file is by its name and first bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.deposit.domain import rules
from shared.vocabulary.rules import Violation

_MEGABYTE = 1024 * 1024
NAME_LIMIT = 50
COUNT_LIMIT = 50
"""Ours: the references of all of them travel in each message about the piece."""
SIZE_LIMIT = 10 * _MEGABYTE
TOTAL_LIMIT = 120 * _MEGABYTE
HEAD_BYTES = 16
_SHOWN = 80

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)
_TIFF = (b"II*\x00", b"MM\x00*")
_JPEG = (b"\xff\xd8\xff",)
_GZIP = (b"\x1f\x8b",)
_PLAIN = "text/plain"
_BINARY = "application/octet-stream"
_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"

_TYPES: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "BMP": ("image/bmp", (b"BM",)),
    "BZ2": ("application/x-bzip2", (b"BZh",)),
    "CSV": ("text/csv", ()),
    "DOC": ("application/msword", _OLE),
    "DOCX": (f"{_OPEN_XML}.wordprocessingml.document", _ZIP),
    "FAX": (_BINARY, ()),
    "GIF": ("image/gif", (b"GIF8",)),
    "GZ": ("application/gzip", _GZIP),
    "GZIP": ("application/gzip", _GZIP),
    "HTM": ("text/html", ()),
    "HTML": ("text/html", ()),
    "JPEG": ("image/jpeg", _JPEG),
    "JPG": ("image/jpeg", _JPEG),
    "ODP": (f"{_OPEN_DOCUMENT}.presentation", _ZIP),
    "ODS": (f"{_OPEN_DOCUMENT}.spreadsheet", _ZIP),
    "ODT": (f"{_OPEN_DOCUMENT}.text", _ZIP),
    "P7S": ("application/pkcs7-signature", ()),
    "PDF": ("application/pdf", (b"%PDF-",)),
    "PNG": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "PPS": ("application/vnd.ms-powerpoint", _OLE),
    "PPT": ("application/vnd.ms-powerpoint", _OLE),
    "PPTX": (f"{_OPEN_XML}.presentationml.presentation", _ZIP),
    "RTF": ("application/rtf", (b"{\\rtf",)),
    "SVG": ("image/svg+xml", ()),
    "TGZ": ("application/gzip", _GZIP),
    "TIF": ("image/tiff", _TIFF),
    "TIFF": ("image/tiff", _TIFF),
    "TXT": (_PLAIN, ()),
    "XHTML": ("application/xhtml+xml", ()),
    "XLC": (_BINARY, ()),
    "XLM": (_BINARY, ()),
    "XLS": ("application/vnd.ms-excel", _OLE),
    "XLSX": (f"{_OPEN_XML}.spreadsheetml.sheet", _ZIP),
    "XML": ("application/xml", ()),
    "ZIP": ("application/zip", _ZIP),
}
"""Media type and first bytes by extension; no first bytes where a format has none of its own."""

_PROGRAMS = (b"MZ", b"\x7fELF", b"#!")


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment before it is read: its name, its size, its first `HEAD_BYTES` bytes."""

    name: str
    size_bytes: int
    head: bytes


def media_type(name: str) -> str:
    """Say what a file is by its extension."""
    return _TYPES.get(_extension(name), (_BINARY, ()))[0]


def judge_attachments(
    attachments: Sequence[Attached], file_bytes: int = 0
) -> tuple[Violation, ...]:
    """Name every rule that attachments break, each on `attachments.<rank>`, and their total."""
    if len(attachments) > COUNT_LIMIT:
        too_many = rules.TOO_MANY_ATTACHMENTS
        return (too_many.broken("attachments", count=len(attachments), limit=COUNT_LIMIT),)
    broken = [
        violation
        for rank, attached in enumerate(attachments)
        for violation in _judge(attached, f"attachments.{rank}")
    ]
    total = file_bytes + sum(attached.size_bytes for attached in attachments)
    if total > TOTAL_LIMIT:
        broken.append(rules.TOTAL_TOO_LARGE.broken("attachments", size=total, limit=TOTAL_LIMIT))
    return tuple(broken)


def _judge(attached: Attached, field: str) -> Iterator[Violation]:
    name = attached.name[:_SHOWN]
    if len(attached.name) > NAME_LIMIT:
        yield rules.ATTACHMENT_NAME_TOO_LONG.broken(
            field, name=name, length=len(attached.name), limit=NAME_LIMIT
        )
    if not attached.name.isprintable() or set(attached.name) & set("/\\"):
        yield rules.ATTACHMENT_NAME_REFUSED.broken(field, name=name)
    if attached.size_bytes > SIZE_LIMIT:
        yield rules.ATTACHMENT_TOO_LARGE.broken(
            field, name=name, size=attached.size_bytes, limit=SIZE_LIMIT
        )
    known = _TYPES.get(_extension(attached.name))
    if known is None:
        yield rules.ATTACHMENT_TYPE_REFUSED.broken(field, name=name, allowed=" ".join(_TYPES))
    elif attached.size_bytes == 0:
        yield rules.ATTACHMENT_EMPTY.broken(field, name=name)
    elif not _is_announced(attached.head, known[1]):
        yield rules.ATTACHMENT_CONTENT_DIFFERS.broken(field, name=name)


def _is_announced(head: bytes, signatures: tuple[bytes, ...]) -> bool:
    if signatures:
        return head.startswith(signatures)
    return not head.startswith(_PROGRAMS)


def _extension(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    return extension.upper() if stem and dot else ""
