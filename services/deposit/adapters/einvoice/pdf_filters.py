"""Looks for decompression filters that the PDF library cannot bound, in one linear scan.

qpdf bounds every decoder but LZW's, which expands more than a thousandfold. A filter may also be
a reference to an object that a scan cannot see, or stand behind a comment, which no software
writes there: both are refused as well. Passing over comments took the square of the file's length,
as the next filter may be inside one.
"""

import re


def _spell(name: bytes) -> bytes:
    """Match `name` however a PDF spells it: any letter may be written `#xx`."""
    return b"".join(b"(?:%c|(?i:#%02x))" % (letter, letter) for letter in name)


# Linear: no repetition here passes over the beginning of another match that repeats.
_UNBOUNDED_FILTER = re.compile(
    rb"/%b(?:%b)?(?=[\s\x00/\[\]<>()%%])" % (_spell(b"LZW"), _spell(b"Decode"))
    + rb"|/%b[\s\x00]*+(?:[\d%%]|\[(?:[\s\x00]|/[^\s\x00/\[\]<>()%%]+)*+[\d%%])" % _spell(b"Filter")
)


def has_unbounded_filter(content: bytes) -> bool:
    """Tell whether a PDF may use a filter whose output cannot be bounded."""
    return _UNBOUNDED_FILTER.search(content) is not None
