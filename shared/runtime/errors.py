"""Faults of the world, told apart from faults of a message."""

from collections.abc import Iterator

from aiokafka.errors import KafkaError
from pymongo.errors import AutoReconnect, ConnectionFailure, PyMongoError


class TransientError(Exception):
    """The world is not ready: wait and try again, never dead-letter."""


def is_transient(error: BaseException) -> bool:
    """Tell whether waiting can cure `error`: store or broker away, a write conflict."""
    return any(_is_transient(each) for each in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, TransientError | ConnectionFailure | AutoReconnect | KafkaError | OSError):
        return True
    return isinstance(error, PyMongoError) and any(
        error.has_error_label(label)
        for label in ("TransientTransactionError", "UnknownTransactionCommitResult")
    )
