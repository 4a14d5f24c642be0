"""Frames between the service and a reader process: bytes behind their length.

A request is two, the file's name and the file. An answer is one, JSON, and empty once at the start,
when the reader is warm.
"""

from struct import Struct

from shared.vocabulary.sizes import MEGABYTE

LENGTH = Struct(">I")
ANSWER_MAX_BYTES = MEGABYTE
"""An invoice is a few kilobytes of JSON: who says more says nothing that is believed."""


def frame(content: bytes) -> bytes:
    """Put the length of `content` before it."""
    return LENGTH.pack(len(content)) + content
