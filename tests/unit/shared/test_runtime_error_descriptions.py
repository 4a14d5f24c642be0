"""Errors are described without the personal data that they quote, in rows, topics and logs."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from bson import BSON
from fastapi.exceptions import ResponseValidationError
from pydantic import BaseModel, ValidationError
from pymongo.errors import BulkWriteError, DuplicateKeyError
from structlog.stdlib import ProcessorFormatter

from shared.runtime.error_descriptions import describe_error, format_traceback
from shared.runtime.logs import get_logger

QUOTED = "claire.dupont@example.fr"
KEY = {"keyPattern": {"sequence": 1, "dossier_id": 1}, "keyValue": {"dossier_id": QUOTED}}


class Ticket(BaseModel):
    issuer: int


def catch(fail: Callable[[], object]) -> Exception:
    try:
        fail()
    except Exception as error:  # noqa: BLE001 - whatever it raises is the result
        return error
    raise AssertionError("it does not fail")


INVALID = catch(lambda: Ticket(issuer=QUOTED))
REFUSED = {"index": 3, "code": 11000, "errmsg": QUOTED, "op": {"comment": QUOTED}, **KEY}
BULK = BulkWriteError({"writeErrors": [REFUSED]})
DUPLICATE = DuplicateKeyError(f"dup key: {QUOTED}", 11000, {"errmsg": QUOTED, **KEY})
CASES = [
    (INVALID, "ValidationError: Ticket: 1 invalid field(s), first: issuer: Input should be a"),
    (
        ResponseValidationError([{"loc": ("a", 0), "msg": "Wrong", "input": QUOTED}], body=QUOTED),
        "ResponseValidationError: 1 invalid field(s), first: a.0: Wrong",
    ),
    (BULK, "BulkWriteError: code 11000 at index 3 on key sequence, dossier_id"),
    (DUPLICATE, "DuplicateKeyError: code 11000 on key sequence, dossier_id"),
    (
        catch(lambda: BSON.encode({"a": type(QUOTED, (), {})})),
        "InvalidDocument: a value that the store does not take",
    ),
    (
        catch(lambda: QUOTED.encode().__add__(b"\xff").decode()),
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff",
    ),
    (
        ExceptionGroup("both", [INVALID, BULK]),
        "ExceptionGroup: both: ValidationError: Ticket: 1 invalid",
    ),
]


@pytest.mark.parametrize(("error", "said"), CASES, ids=lambda each: type(each).__name__)
def test_a_description_names_what_is_wrong_and_quotes_nothing(error: Exception, said: str) -> None:
    assert said in describe_error(error)
    assert QUOTED not in describe_error(error)


def test_other_errors_say_their_class_and_message() -> None:
    assert describe_error(ValueError("a bug")) == "ValueError('a bug')"


def test_a_refusal_without_details_says_its_code() -> None:
    assert describe_error(DuplicateKeyError("x", 11000)) == "DuplicateKeyError: code 11000"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the handler of a service writes, instead of to standard output."""
    (handler,) = [
        each
        for each in logging.getLogger().handlers
        if isinstance(each, logging.StreamHandler)
        and isinstance(each.formatter, ProcessorFormatter)
    ]
    stream = io.StringIO()
    monkeypatch.setattr(handler, "stream", stream)
    return stream


@pytest.mark.parametrize(("error", "said"), CASES, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("name", ["services.essai", "a.library"])
def test_a_logged_traceback_has_the_frames_of_every_error_and_quotes_nothing(
    written: io.StringIO, name: str, error: Exception, said: str
) -> None:
    def raise_it() -> None:
        raise error

    def fail() -> None:
        try:
            raise_it()
        except Exception as cause:
            raise RuntimeError("while closing") from cause

    outer = catch(fail)
    if name == "a.library":
        logging.getLogger(name).error("it fails", exc_info=outer)
    else:
        get_logger(name).error("it.fails", exc_info=outer)

    line: dict[str, Any] = json.loads(written.getvalue())
    assert QUOTED not in json.dumps(line)
    assert said in line["exception"]
    assert line["exception"].endswith("RuntimeError('while closing')")
    assert ", in raise_it\n" in line["exception"]
    assert ", in fail\n" in line["exception"]


def test_what_was_raised_while_handling_another_error_is_formatted_once() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__context__, second.__context__ = second, first

    said = format_traceback(second)

    assert said.index("ValueError('first')") < said.index("KeyError('second')")
    assert said.count("KeyError") == 1


def test_an_error_whose_context_is_suppressed_stands_alone() -> None:
    error = KeyError("shown")
    error.__context__ = ValueError("hidden")
    error.__suppress_context__ = True

    assert "hidden" not in format_traceback(error)


def test_the_input_of_an_error_of_validation_is_there_to_be_left_out() -> None:
    assert isinstance(INVALID, ValidationError)
    assert QUOTED in str(INVALID)
    assert QUOTED in str(BULK)
