"""Detection of XML, by the first bytes of a file and its byte order mark."""

import codecs
import re

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_BLANKS = re.compile(rb"(?:%s)?[ \t\r\n\x00]*+" % b"|".join(map(re.escape, BYTE_ORDER_MARKS)))


def looks_like_xml(content: bytes) -> bool:
    """Tell whether the first character that is no blank opens a tag, in UTF-8 or UTF-16."""
    return content.startswith(b"<", _find_end_of_blanks(content))


def is_blank(content: bytes) -> bool:
    """Tell whether `content` has nothing but blanks, after a byte order mark or not."""
    return _find_end_of_blanks(content) == len(content)


def _find_end_of_blanks(content: bytes) -> int:
    found = _BLANKS.match(content)
    return found.end() if found else 0
