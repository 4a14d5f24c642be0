"""Errors of the runtime: transient ones, for which a retry helps, and others; their description."""

import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aiokafka.errors import KafkaError
from bson.errors import BSONError
from fastapi.exceptions import ValidationException
from pydantic import ValidationError
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

_SHOWN = 5
_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
_CODES = frozenset({43, 50, 112})
"""CursorNotFound (the store restarted), MaxTimeMSExpired, WriteConflict outside a transaction."""


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


def describe_error(error: BaseException) -> str:
    """Describe an error for a log, a row or a topic, without the personal data that it may quote.

    Errors of validation quote their input, those of the store whole documents, and the `repr` of a
    UnicodeError all of the bytes.
    """
    match error:
        case ValidationError():
            said = f"{error.title}: {describe_invalid_fields(error)}"
        case ValidationException():
            said = describe_invalid_fields(error)
        case OperationFailure():
            said = _describe_refusal(error.code, error.details or {})
        case BSONError():
            said = "a value that the store does not take"
        case UnicodeError():
            said = str(error)
        case BaseExceptionGroup():
            said = f"{error.message}: {'; '.join(map(describe_error, error.exceptions))}"
        case _:
            return repr(error)
    return f"{type(error).__name__}: {said}"


def describe_invalid_fields(error: ValidationError | ValidationException) -> str:
    """Describe an error of validation: how many fields are invalid, which is the first, and why."""
    faults: Sequence[Mapping[str, Any]] = error.errors()
    if not faults:
        return "no field is named"
    first = faults[0]
    where = ".".join(str(part) for part in first["loc"])
    # The message of this one quotes the input.
    why = "unknown tag" if first.get("type") == "union_tag_invalid" else first["msg"]
    return f"{len(faults)} invalid field(s), first: {where}: {why}"


def _describe_refusal(code: int | None, details: Mapping[str, Any]) -> str:
    """Describe what the store refused, by codes and by the names of keys."""
    refusals = details.get("writeErrors") or [{"code": code, **details}]
    return "; ".join(_describe_write_error(each) for each in refusals[:_SHOWN])


def _describe_write_error(refusal: Mapping[str, Any]) -> str:
    said = f"code {refusal['code']}"
    if "codeName" in refusal:
        said += f" {refusal['codeName']}"
    if "index" in refusal:
        said += f" at index {refusal['index']}"
    if "keyPattern" in refusal:
        said += f" on key {', '.join(refusal['keyPattern'])}"
    return said


def format_traceback(error: BaseException) -> str:
    """Format an error with its causes and their frames, each as `describe_error` describes it."""
    return "\n".join(_format_errors(error, set()))


def _format_errors(error: BaseException, seen: set[int]) -> Iterator[str]:
    if id(error) in seen:
        return
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _format_errors(before, seen)
        yield "\nwhich led to:\n"
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _format_errors(each, seen)
        yield "\nwhich are together:\n"
    frames = "".join(traceback.format_tb(error.__traceback__))
    yield f"Traceback (most recent call last):\n{frames}{describe_error(error)}"
