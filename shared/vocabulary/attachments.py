"""What may be attached, and what a file is by its name and first bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.vocabulary.rules import Rule, Violation

MEGABYTE = 1024 * 1024
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


@dataclass(frozen=True, slots=True)
class AttachmentRules:
    """The rules of a service, under its own codes, and its limits."""

    name_too_long: Rule
    name_refused: Rule
    type_refused: Rule
    content_differs: Rule
    empty: Rule
    too_large: Rule
    too_many: Rule
    total_too_large: Rule
    name_limit: int
    size_limit: int
    count_limit: int
    total_limit: int


def media_type(name: str) -> str:
    """Say what a file is by its extension."""
    return _TYPES.get(_extension(name), (_BINARY, ()))[0]


def judge(
    rules: AttachmentRules,
    attachments: Sequence[Attached],
    *,
    others: int = 0,
    other_bytes: int = 0,
) -> tuple[Violation, ...]:
    """Name every rule that attachments break, each on `attachments.<rank>`, and their total.

    Args:
        others: how many attachments are there already.
        other_bytes: what counts in the total beside these attachments.
    """
    count = len(attachments) + others
    if count > rules.count_limit:
        return (rules.too_many.broken("attachments", count=count, limit=rules.count_limit),)
    broken = [
        violation
        for rank, attached in enumerate(attachments)
        for violation in _judge(rules, attached, f"attachments.{rank}")
    ]
    total = other_bytes + sum(attached.size_bytes for attached in attachments)
    if total > rules.total_limit:
        broken.append(
            rules.total_too_large.broken("attachments", size=total, limit=rules.total_limit)
        )
    return tuple(broken)


def _judge(rules: AttachmentRules, attached: Attached, field: str) -> Iterator[Violation]:
    name = attached.name[:_SHOWN]
    if len(attached.name) > rules.name_limit:
        yield rules.name_too_long.broken(
            field, name=name, length=len(attached.name), limit=rules.name_limit
        )
    if not attached.name.isprintable() or set(attached.name) & set("/\\"):
        yield rules.name_refused.broken(field, name=name)
    if attached.size_bytes > rules.size_limit:
        yield rules.too_large.broken(
            field, name=name, size=attached.size_bytes, limit=rules.size_limit
        )
    known = _TYPES.get(_extension(attached.name))
    if known is None:
        yield rules.type_refused.broken(field, name=name, allowed=" ".join(_TYPES))
    elif attached.size_bytes == 0:
        yield rules.empty.broken(field, name=name)
    elif not _is_announced(attached.head, known[1]):
        yield rules.content_differs.broken(field, name=name)


def _is_announced(head: bytes, signatures: tuple[bytes, ...]) -> bool:
    if signatures:
        return head.startswith(signatures)
    return not head.startswith(_PROGRAMS)


def _extension(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    return extension.upper() if stem and dot else ""
