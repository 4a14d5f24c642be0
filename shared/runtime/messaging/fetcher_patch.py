"""Patch of aiokafka's fetcher, for header names not in UTF-8 and batches too large to unpack.

No broker checks header names. On such a name, aiokafka raises, loses its place in the batch, and
reads it again for ever: one foreign record would stop a service. Here header names are read as
bytes, as Kafka's own clients do; no code of ours depends on them. `decompression.py` decides
which batches are not unpacked.
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


class InvalidUtf8Name(str):
    """Header name that was not UTF-8."""

    __slots__ = ()


def install_patch() -> None:
    """Patch aiokafka for every consumer of this process: aiokafka has no setting for this."""
    if not hasattr(fetcher, "MemoryRecords"):
        raise ImportError(
            "aiokafka's fetcher has no MemoryRecords: this patch must follow its new version"
        )
    fetcher.MemoryRecords = _Records


class _Records(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka ships no types
    """Batches of one fetch, limited by their size once unpacked."""

    _unpacked = 0

    def next_batch(self) -> Any:  # noqa: ANN401
        """Return the next batch, wrapped in `_Batch`, which tolerates faults."""
        whole = self._next_slice
        batch = super().next_batch()
        if whole is None or not isinstance(batch, DefaultRecordBatch):
            return batch
        size = measure_unpacked(batch, whole)
        self._unpacked += size if isinstance(size, int) else 0
        return _Batch(batch, whole, size if isinstance(size, str) else None)

    def has_next(self) -> bool:
        """Tell whether a batch is left; batches beyond the size limit are fetched again later."""
        return super().has_next() and self._unpacked <= FETCH_UNPACKED_BYTES


class _Batch:
    """Batch of records; a tolerant reader takes over where aiokafka's compiled reader fails."""

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
            yield from self._read_records()
        except Exception as error:  # noqa: BLE001 - aiokafka would read it again for ever
            yield build_unread_record(self._batch, self._whole, describe_unreadable(error))

    def _read_records(self) -> Iterator[Any]:
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
    """aiokafka's reader in Python, on bytes that decode without UnicodeDecodeError."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _TolerantText(self._buffer)

    def _read_msg(self) -> Any:  # noqa: ANN401
        # The compiled function takes a bytearray only, not a subclass.
        return super()._read_msg(decode_varint_py)


class _TolerantText(bytearray):
    def __getitem__(self, where: Any) -> Any:  # noqa: ANN401
        got = super().__getitem__(where)
        return _TolerantText(got) if isinstance(where, slice) else got

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        try:
            return super().decode(encoding, errors)
        except UnicodeDecodeError:
            return InvalidUtf8Name(super().decode(encoding, "backslashreplace"))
