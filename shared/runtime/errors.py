"""Faults of the world, told apart from faults of a message."""

from collections.abc import Iterable, Iterator

from aiokafka.errors import KafkaError
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
_CODES = frozenset({43, 50, 112})
"""CursorNotFound (the store restarted), MaxTimeMSExpired, WriteConflict outside a transaction."""


class TransientError(Exception):
    """The world is not ready: wait and try again, never dead-letter."""


class NotYetError(TransientError):
    """Some dossiers wait for something that is still to come: they alone wait, the others pass."""

    def __init__(self, dossiers: Iterable[str], reason: str) -> None:
        """Name the dossiers and what they wait for."""
        super().__init__(reason)
        self.dossiers = frozenset(dossiers)


class TooLargeError(Exception):
    """What would be told weighs more than the broker takes: it is refused before it is kept."""

    def __init__(self, topic: str, size: int, limit: int, field: str) -> None:
        """Name the topic, the size in bytes, the limit, and the heaviest field."""
        super().__init__(f"{size} bytes for {topic}, {limit} at most; heaviest field: {field}")
        self.size = size
        self.limit = limit
        self.field = field


def is_transient(error: BaseException) -> bool:
    """Tell whether waiting can cure `error`: store or broker away, a write conflict."""
    return any(_is_transient(each) for each in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _is_transient(error: BaseException) -> bool:
    # Not every OSError: a missing file is a fault of the code.
    if isinstance(error, TransientError | ConnectionFailure | ConnectionError | TimeoutError):
        return True
    if isinstance(error, KafkaError):
        return bool(error.retriable)
    if isinstance(error, OperationFailure) and error.code in _CODES:
        return True
    return isinstance(error, PyMongoError) and any(map(error.has_error_label, _LABELS))


class DamagedFileError(Exception):
    """A file whose bytes are missing, or no longer those of its SHA-256: it is not served."""

    def __init__(self, sha256: str) -> None:
        """Name the file."""
        super().__init__(f"the bytes of file {sha256} are missing or have changed")
        self.sha256 = sha256
