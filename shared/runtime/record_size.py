"""Size in bytes of a record on the broker, measured before it is sent."""

from collections.abc import Iterable

_OVERHEAD = 256
"""Bytes of lengths, offsets, the batch, and the header that the broker client adds."""
_PER_TEXT = 5
"""Bytes of the length before a key, a header's name or its value."""


def measure_record(key: str, value: bytes, headers: Iterable[tuple[str, str]]) -> int:
    """Return an upper bound of the size of a record, in bytes."""
    texts = (text for pair in headers for text in pair)
    return _OVERHEAD + len(value) + sum(map(_measure_text, (key, *texts)))


def _measure_text(text: str) -> int:
    return len(text.encode(errors="surrogatepass")) + _PER_TEXT
