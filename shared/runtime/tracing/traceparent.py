"""`traceparent` (W3C Trace Context), and the ids of traces and spans, computed from messages' ids.

A UUIDv7 is 128 bits: its digits are the id of a trace, its last eight bytes that of a span.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

HEADER = "traceparent"
_TRACE_DIGITS, _SPAN_DIGITS = 32, 16
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class SpanContext:
    """Trace id and span id: they name a span to other processes."""

    trace_id: str
    span_id: str


def compute_trace_id(correlation_id: str) -> str:
    """Compute the id of the trace of a journey."""
    return _take_digits(correlation_id)[:_TRACE_DIGITS]


def compute_span_id(message_id: str) -> str:
    """Compute the id of the span of a message's publication."""
    return _take_digits(message_id)[_TRACE_DIGITS - _SPAN_DIGITS : _TRACE_DIGITS]


def compute_delivery_span_id(message_id: str, service: str) -> str:
    """Compute the id of the span of a message's delivery in one service."""
    return _hash(f"{message_id}|{service}")[:_SPAN_DIGITS]


def format_traceparent(correlation_id: str, message_id: str) -> str:
    """Format the `traceparent` header of a message."""
    return f"00-{compute_trace_id(correlation_id)}-{compute_span_id(message_id)}-01"


def parse_traceparent(text: str | None) -> SpanContext | None:
    """Parse a `traceparent` header; None when it is absent or malformed."""
    found = _TRACEPARENT.fullmatch(text or "")
    # An id of zeros alone is invalid.
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return None
    return SpanContext(found[1], found[2])


def _take_digits(identifier: str) -> str:
    """Take the hexadecimal digits of a UUID; for any other id, those of its hash."""
    if _UUID.fullmatch(identifier):
        digits = identifier.replace("-", "")
        if int(digits[_SPAN_DIGITS:], 16):
            return digits
    return _hash(identifier)


def _hash(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
