"""Description of errors for logs, rows and topics, without the personal data that they quote."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bson.errors import BSONError
from fastapi.exceptions import ValidationException
from pydantic import ValidationError
from pymongo.errors import OperationFailure

_SHOWN = 5
"""Limit of the refusals of the store that are described."""


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
