"""Mutations of bytes, for files of any format."""

import re
from random import Random

_NUMBER = re.compile(rb"[0-9][0-9.]*")
LONGEST = 6_000_000
"""Largest size of a mutated file, in bytes: it is cut there."""
TEXTS = (
    "\u202e", "\u200b", "\u0000", "\ufeff", "\ufdfa" * 60, "e\u0301", "e" + "\u0301" * 5_000, "𝟙𝟚",
    "\ud7ff\ue000", "٣", "½", "\u2028", "\r\n", "'\"&amp;<>", "%00%0a", "../../etc/passwd",
    "A" * 70_000, "&#x1F4A9;", "&#0;", "&#xD800;", "&lol;", "]]>", "<![CDATA[x]]>", "<!--",
    "{number}", "$where",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "-1", "00000000000000", "9" * 17, "9" * 18 + ".99", "9" * 5_000, "1e400", "1e-400",
    "NaN", "Infinity", "0x10", "1,5", "1.005", ".5", "5.", "+5", " 5 ", "1 000", "٣", "²",
    "-" * 9 + "1", "2147483648", "9223372036854775808", "0001-01-01", "9999-12-31", "2026-02-30",
    "20260230", "2026-W48-1",
)  # fmt: skip


def flip(rng: Random, content: bytes) -> bytes:
    """Change a few bytes."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.choice((0, 0x80, 0xFF, rng.randrange(256)))
    return bytes(changed)


def truncate(rng: Random, content: bytes) -> bytes:
    """Cut the end, the start, or the middle."""
    start, end = _choose_span(rng, content)
    return rng.choice((content[:end], content[start:], content[:start] + content[end:]))


def duplicate(rng: Random, content: bytes) -> bytes:
    """Repeat a part, up to a thousand times."""
    start, end = _choose_span(rng, content)
    part = content[start:end]
    times = rng.choice((1, 2, 10, 1000))
    return content[:end] + part * min(times, 1 + LONGEST // (len(part) + 1)) + content[end:]


def splice(rng: Random, content: bytes, other: bytes) -> bytes:
    """Put a part of another file into this one."""
    start, end = _choose_span(rng, content)
    first, last = _choose_span(rng, other)
    return content[:start] + other[first:last] + content[end:]


def insert_text(rng: Random, content: bytes) -> bytes:
    """Insert a text or a number on which programs often fail."""
    at = rng.randrange(len(content) + 1)
    text = rng.choice(TEXTS + NUMBERS).encode()
    return content[:at] + text + content[at:]


def change_number(rng: Random, content: bytes) -> bytes:
    """Put an edge value in the place of a number of the file."""
    at = rng.randrange(len(content) + 1)
    found = _NUMBER.search(content, at) or _NUMBER.search(content)
    start, end = found.span() if found else (at, at)
    return content[:start] + rng.choice(NUMBERS).encode() + content[end:]


def _choose_span(rng: Random, content: bytes) -> tuple[int, int]:
    """Choose a part of the content, mostly a short one."""
    start = rng.randrange(len(content) + 1)
    longest = rng.choice((16, 200, 2_000, len(content)))
    return start, min(len(content), start + rng.randrange(longest + 1))
