"""Patch of aiokafka's fetcher: header names not in UTF-8, and batches too large to unpack.

No broker checks them. aiokafka raises, loses its place in the batch, and reads it again for ever: a
stranger's record would silence a service. A header name is read by its bytes, as Kafka's own
clients do, and nothing of ours depends on it; which batches are not unpacked: `decompression.py`.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint_py

from shared.runtime.messaging.decompression import (
    FETCH_UNPACKED_BYTES,
    build_unread_record,
    describe_unreadable,
    measure_unpacked,
)


class OddName(str):
    """A header's name that was not UTF-8."""

    __slots__ = ()


def install_patch() -> None:
    """Patch aiokafka for every consumer of this process: it has no setting for it."""
    if not hasattr(fetcher, "MemoryRecords"):
        raise ImportError("aiokafka reads records elsewhere than it did")
    fetcher.MemoryRecords = _Records


class _Records(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka ships no types
    """What a fetch brought, batch by batch."""

    _unpacked = 0

    def next_batch(self) -> Any:  # noqa: ANN401
        """Give the next batch: aiokafka's, or one that falls back where that one raises."""
        whole = self._next_slice
        batch = super().next_batch()
        if whole is None or not isinstance(batch, DefaultRecordBatch):
            return batch
        size = measure_unpacked(batch, whole)
        self._unpacked += size if isinstance(size, int) else 0
        return _Batch(batch, whole, size if isinstance(size, str) else None)

    def has_next(self) -> bool:
        """Tell whether a batch is left. Beyond the limit the rest is fetched again, later."""
        return super().has_next() and self._unpacked <= FETCH_UNPACKED_BYTES


class _Batch:
    """One batch: aiokafka's compiled reader, which knows its attributes, and a patient one."""

    def __init__(self, batch: Any, whole: memoryview, refusal: str | None) -> None:  # noqa: ANN401
        self._batch = batch
        self._whole = whole
        self._refusal = refusal

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._batch, name)

    def __next__(self) -> Any:  # noqa: ANN401 - how a control batch is read
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        if self._refusal is not None:
            yield build_unread_record(self._batch, self._whole, self._refusal)
            return
        try:
            yield from self._records()
        except Exception as error:  # noqa: BLE001 - it would be read again for ever
            yield build_unread_record(self._batch, self._whole, describe_unreadable(error))

    def _records(self) -> Iterator[Any]:
        given = 0
        try:
            for record in self._batch:
                yield record
                given += 1
        except UnicodeDecodeError:
            tolerant = iter(_TolerantBatch(self._whole))
            for _ in range(given):
                next(tolerant)
            yield from tolerant


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # as above
    """aiokafka's reader in Python, on bytes whose decoding never fails."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _TolerantText(self._buffer)

    def _read_msg(self) -> Any:  # noqa: ANN401
        # The compiled one takes exactly a bytearray.
        return super()._read_msg(decode_varint_py)


class _TolerantText(bytearray):
    def __getitem__(self, where: Any) -> Any:  # noqa: ANN401
        got = super().__getitem__(where)
        return _TolerantText(got) if isinstance(where, slice) else got

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        try:
            return super().decode(encoding, errors)
        except UnicodeDecodeError:
            return OddName(super().decode(encoding, "backslashreplace"))
