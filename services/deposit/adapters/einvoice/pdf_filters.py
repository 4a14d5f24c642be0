"""Search for decompression filters that the PDF library cannot bound, in one linear scan.

qpdf bounds every decoder except LZW, which expands more than a thousandfold. A filter may also be a
reference to an object that the scan cannot see, or follow a comment, which no software writes
there: both are refused too. To skip comments would take quadratic time, as the next filter may be
inside one.
"""

import re


def _spell(name: bytes) -> bytes:
    """Build the pattern of a name in any spelling: a PDF may write each letter `#xx`."""
    return b"".join(b"(?:%c|(?i:#%02x))" % (letter, letter) for letter in name)


# Linear time: no repetition here runs over the start of another match with a repetition.
_UNBOUNDED_FILTER = re.compile(
    rb"/%b(?:%b)?(?=[\s\x00/\[\]<>()%%])" % (_spell(b"LZW"), _spell(b"Decode"))
    + rb"|/%b[\s\x00]*+(?:[\d%%]|\[(?:[\s\x00]|/[^\s\x00/\[\]<>()%%]+)*+[\d%%])" % _spell(b"Filter")
)


def has_unbounded_filter(content: bytes) -> bool:
    """Tell whether a PDF may use a filter whose output cannot be bounded."""
    return _UNBOUNDED_FILTER.search(content) is not None
