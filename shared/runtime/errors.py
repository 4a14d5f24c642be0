"""Errors of the runtime: transient ones, for which a retry helps, and others."""

from collections.abc import Iterable, Iterator

from aiokafka.errors import KafkaError
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
_CODES = frozenset({43, 50, 112})
"""CursorNotFound (the store restarted), MaxTimeMSExpired, WriteConflict outside a transaction."""


CANNOT_CONNECT = 3
"""Exit status of an operator command that cannot ask the store or the broker."""


class TransientError(Exception):
    """Store, broker or another service is not ready: retry, and never write a dead letter."""


class NotYetError(TransientError):
    """Postpones dossiers that wait for something still to come; other dossiers go on."""

    def __init__(self, dossiers: Iterable[str], reason: str) -> None:
        """Name the dossiers and what they wait for."""
        super().__init__(reason)
        self.dossiers = frozenset(dossiers)


class NewerDocumentError(NotYetError):
    """Postpones what needs a document of a newer version, which this one cannot judge."""

    def __init__(self, collection: str, documents: Iterable[str]) -> None:
        """Name the collection and the ids of documents; that of a dossier has the dossier's id."""
        super().__init__(documents, f"a document of {collection} is of a newer version")


class TooLargeError(Exception):
    """Size limit of an event: it is too large for the broker, and refused before it is stored."""

    def __init__(self, topic: str, size: int, limit: int, field: str) -> None:
        """Name the topic, the size in bytes, the limit, and the heaviest field."""
        super().__init__(f"{size} bytes for {topic}, {limit} at most; heaviest field: {field}")
        self.size = size
        self.limit = limit
        self.field = field


class StoreUriError(ValueError):
    """Connection string that cannot be used: it names no host, or is not MongoDB's."""


def is_transient(error: BaseException) -> bool:
    """Tell whether an error or a cause of it is transient: store or broker away, write conflict."""
    return any(_is_transient(each) for each in _list_causes(error))


def _list_causes(error: BaseException) -> Iterator[BaseException]:
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
    """Checksum error: the bytes of a file are missing, or do not match its SHA-256."""

    def __init__(self, sha256: str) -> None:
        """Name the file."""
        super().__init__(f"the bytes of file {sha256} are missing or have changed")
        self.sha256 = sha256
