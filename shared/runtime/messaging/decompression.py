"""Bounded decompression of fetched batches: aiokafka unpacks whole batches into memory.

In the topics that `deploy.topics` created, the broker stores batches uncompressed. A topic that
somebody else created may hold a batch of 300 KB that unpacks to 300 MB, or one by a codec that is
not installed here. aiokafka would unpack the first, and read the second again for ever. Both become
dead letters, named by their position, and are not unpacked.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBase

from shared.contracts.topics import TOPIC_MAX_BYTES
from shared.runtime.error_descriptions import describe_error

FETCH_UNPACKED_BYTES = 4 * TOPIC_MAX_BYTES
"""Unpacked size limit of one fetch of a partition; the batches beyond it are fetched again."""
_CODECS = {
    DefaultRecordBase.CODEC_GZIP: "gzip",
    DefaultRecordBase.CODEC_SNAPPY: "snappy",
    DefaultRecordBase.CODEC_LZ4: "lz4",
    DefaultRecordBase.CODEC_ZSTD: "zstd",
}
_HEADER_BYTES = DefaultRecordBase.HEADER_STRUCT.size
_HEAD_BYTES = 1000
"""Bytes of a batch that is not unpacked, kept for its dead letter."""


class UnreadReason(str):
    """Header name that holds the reason why its record was not unpacked."""

    __slots__ = ()


class Batch(Protocol):
    """The attributes of aiokafka's batches that are used here."""

    compression_type: int
    next_offset: int
    first_timestamp: int


@dataclass(frozen=True, slots=True)
class UnreadRecord:
    """Replaces a batch, or the rest of one, that is not unpacked: last offset, first bytes."""

    offset: int
    timestamp: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    key: bytes | None = None
    timestamp_type: int = DefaultRecordBase.CREATE_TIME
    checksum: int | None = None


def build_unread_record(batch: Batch, whole: memoryview, reason: str) -> UnreadRecord:
    """Build the record that replaces a batch; its offset lets the consumer pass that batch."""
    return UnreadRecord(
        offset=batch.next_offset - 1,
        timestamp=batch.first_timestamp,
        value=bytes(whole[:_HEAD_BYTES]),
        headers=((UnreadReason(reason), b""),),
    )


def measure_unpacked(batch: Batch, whole: memoryview) -> int | str:
    """Measure the unpacked size of a batch, in bytes; a text is the reason not to unpack it."""
    codec = batch.compression_type
    if codec == DefaultRecordBase.CODEC_NONE:
        return len(whole)
    if codec != DefaultRecordBase.CODEC_GZIP:
        return f"a batch compressed by {_CODECS.get(codec, codec)}, which is not read here"
    try:
        with gzip.GzipFile(fileobj=BytesIO(whole[_HEADER_BYTES:])) as packed:
            size = sum(map(len, _read_chunks(packed)))
    except (OSError, EOFError, ValueError) as error:
        return f"a batch that does not unpack: {describe_error(error)}"
    if size > TOPIC_MAX_BYTES:
        return f"a batch that unpacks to over {TOPIC_MAX_BYTES} bytes"
    return size


def _read_chunks(packed: gzip.GzipFile) -> Iterator[bytes]:
    left = TOPIC_MAX_BYTES + 1
    while left > 0 and (piece := packed.read(min(left, 64 * 1024))):
        left -= len(piece)
        yield piece


def describe_unreadable(error: Exception) -> str:
    """Describe the fault of a batch that was unpacked but cannot be read to its end."""
    what = "corrupt" if isinstance(error, CorruptRecordException) else "unreadable"
    return f"a batch with a record that is {what}: {describe_error(error)}"


def find_unread_reason(headers: Any) -> str | None:  # noqa: ANN401 - aiokafka ships no types
    """Find the reason why a record was not unpacked; None when it was."""
    return next((str(name) for name, _ in headers if isinstance(name, UnreadReason)), None)
