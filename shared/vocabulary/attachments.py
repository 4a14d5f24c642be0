"""Attachments: allowed formats, size limits, and the type of a file by name and first bytes."""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.vocabulary.rules import Rule, Violation
from shared.vocabulary.sizes import MEGABYTE, format_megabytes
from shared.vocabulary.texts import is_showable

HEAD_BYTES = 64 * 1024
"""First bytes of an attachment, by which its format is recognised."""
NAME_LIMIT = 50
"""Length limit of an attachment's name, in characters. AIFE, bonnes pratiques."""
SIZE_LIMIT = 10 * MEGABYTE
"""Size limit of an attachment, in bytes. AIFE, bonnes pratiques."""
_SHOWN = 80
"""Characters of a name that a message repeats."""

_PDF = b"%PDF-"
_PDF_WITHIN = 1024
"""Bytes in which a PDF header is searched: clients put a mark or line ends before it."""
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
    "PDF": ("application/pdf", (_PDF,)),
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
"""Media type and first bytes by extension; a format without a signature has no first bytes."""

_SIGNATURES = tuple(
    each for _, signatures in _TYPES.values() for each in signatures if each != _PDF
)

_TEXTS = frozenset({"CSV", "HTM", "HTML", "SVG", "TXT", "XHTML", "XML"})
"""Extensions of text formats."""

_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa\xce",  # Mach-O, in its two sizes and orders of bytes
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",  # Java, and Mach-O for several machines
    b"\xca\xfe\xba\xbf",
    b"L\x00\x00\x00\x01\x14\x02\x00",  # a shortcut of Windows
    b"\x00asm",
)
_BEFORE = codecs.BOM_UTF8 + b" \t\r\n\f\v\x00"
"""Bytes that a program may skip before the signature of a file that it runs."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")
_INSTALLERS = frozenset(
    UUID(f"000c10{kind}-0000-0000-c000-000000000046").bytes_le for kind in ("82", "84", "86")
)
"""Classes of a transform, a package and a patch of Windows Installer, in a compound file."""


@dataclass(frozen=True, slots=True)
class Attached:
    """Attachment before it is read: name, size, first `HEAD_BYTES` bytes."""

    name: str
    size_bytes: int
    head: bytes


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Stored file: the SHA-256 under which its bytes are kept, its name and its size."""

    sha256: str
    size_bytes: int
    name: str
    media_type: str

    def is_named(self, sha256: str, name: str | None) -> bool:
        """Tell whether the file has this SHA-256, and this name when one is given."""
        return self.sha256 == sha256 and name in {None, self.name}


@dataclass(frozen=True, slots=True)
class AttachmentRules:
    """Rules of a service for attachments, under its own codes, and its limits."""

    name_too_long: Rule
    name_refused: Rule
    type_refused: Rule
    content_differs: Rule
    empty: Rule
    too_large: Rule
    too_many: Rule
    total_too_large: Rule
    count_limit: int
    total_limit: int


def has_pdf_header(head: bytes) -> bool:
    """Tell whether a file has a PDF header in its first kilobyte, where PDF readers accept it."""
    return _PDF in head[:_PDF_WITHIN]


def find_media_type(name: str) -> str:
    """Find the media type of a file by its extension."""
    return _TYPES.get(_find_extension(name), (_BINARY, ()))[0]


def judge(
    rules: AttachmentRules,
    attachments: Sequence[Attached],
    *,
    others: int = 0,
    other_bytes: int = 0,
) -> tuple[Violation, ...]:
    """Judge attachments and their total: return every broken rule, on field `attachments.<rank>`.

    Args:
        others: how many attachments there are already.
        other_bytes: bytes that count in the total besides these attachments.
    """
    count = len(attachments) + others
    if count > rules.count_limit:
        return (
            rules.too_many.build_violation("attachments", count=count, limit=rules.count_limit),
        )
    broken = [
        violation
        for rank, attached in enumerate(attachments)
        for violation in _judge(rules, attached, f"attachments.{rank}")
    ]
    total = other_bytes + sum(attached.size_bytes for attached in attachments)
    if total > rules.total_limit:
        broken.append(
            rules.total_too_large.build_violation(
                "attachments",
                size=format_megabytes(total),
                limit=format_megabytes(rules.total_limit),
            )
        )
    return tuple(broken)


def _judge(rules: AttachmentRules, attached: Attached, field: str) -> Iterator[Violation]:
    name = attached.name[:_SHOWN]
    if len(attached.name) > NAME_LIMIT:
        yield rules.name_too_long.build_violation(
            field, name=name, length=len(attached.name), limit=NAME_LIMIT
        )
    if not is_showable(attached.name) or set(attached.name) & set("/\\"):
        yield rules.name_refused.build_violation(field, name=name)
    if attached.size_bytes > SIZE_LIMIT:
        size, limit = format_megabytes(attached.size_bytes), format_megabytes(SIZE_LIMIT)
        yield rules.too_large.build_violation(field, name=name, size=size, limit=limit)
    extension = _find_extension(attached.name)
    if extension not in _TYPES:
        yield rules.type_refused.build_violation(field, name=name, allowed=" ".join(_TYPES))
    elif attached.size_bytes == 0:
        yield rules.empty.build_violation(field, name=name)
    elif not _is_announced(attached.head, extension):
        yield rules.content_differs.build_violation(field, name=name)


def _is_announced(head: bytes, extension: str) -> bool:
    """Tell whether the first bytes of a file are those of the format of its extension."""
    signatures = _TYPES[extension][1]
    if signatures and head.startswith(signatures):
        return not _is_installer(head)
    if signatures == (_PDF,):
        return has_pdf_header(head) and not _has_signature(head, _SIGNATURES + _PROGRAMS)
    if signatures or _has_signature(head, _PROGRAMS):
        return False
    return extension not in _TEXTS or _is_text(head)


def _has_signature(head: bytes, signatures: tuple[bytes, ...]) -> bool:
    """Tell whether a file begins with one of the signatures, also after bytes of `_BEFORE`."""
    # With and without these bytes: a signature may itself begin with some of them.
    return head.startswith(signatures) or head.lstrip(_BEFORE).startswith(signatures)


def _is_text(head: bytes) -> bool:
    """Tell whether bytes, cut anywhere, are text: UTF-8, Latin-1, or UTF-16 with its mark."""
    is_wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16" if is_wide else "latin-1")()
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(text) is None


def _is_installer(head: bytes) -> bool:
    """Tell whether a compound file is a Windows installer, when the head holds its root.

    [MS-CFB] 2.2 and 2.6.1: the header gives the size of a sector, as a power of two, and the first
    sector of the directory; the class of the root is 80 bytes into it.
    """
    if not head.startswith(_OLE):
        return False
    sector = 1 << min(int.from_bytes(head[30:32], "little"), 16)
    root = (int.from_bytes(head[48:52], "little") + 1) * sector + 80
    return head[root : root + 16] in _INSTALLERS


def _find_extension(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    return extension.upper() if stem and dot else ""
