"""Whether a deposited file is XML, by its first bytes and byte order mark."""

import codecs

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_TAG_WITHIN = 256


def looks_like_xml(content: bytes) -> bool:
    """Tell whether the first sign of `content` opens a tag, in UTF-8 or UTF-16."""
    head = content[:_TAG_WITHIN]
    for mark in BYTE_ORDER_MARKS:
        head = head.removeprefix(mark)
    return head.lstrip(b" \t\r\n\x00").startswith(b"<")
