"""Frames between the service and a reader process: a length, then so many bytes.

A request is two frames: the file's name, then the file. An answer is one frame of JSON. A reader
that has started sends one empty frame.
"""

from struct import Struct

from shared.vocabulary.sizes import MEGABYTE

LENGTH = Struct(">I")
ANSWER_MAX_BYTES = MEGABYTE
"""Size limit of an answer: an invoice is a few kilobytes of JSON; a longer answer is not
trusted."""


def build_frame(content: bytes) -> bytes:
    """Build a frame: the length of `content`, then `content`."""
    return LENGTH.pack(len(content)) + content
