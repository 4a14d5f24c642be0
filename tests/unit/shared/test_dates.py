"""Parsing of dates and moments: ISO 8601 alone, in the years that a document may bear."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.envelope import Head
from shared.contracts.fields import IsoDate, Moment
from shared.contracts.topics import TOPICS
from shared.vocabulary.dates import parse_date, parse_moment, read_iso_date

DATE = TypeAdapter[date](IsoDate)
MOMENT = TypeAdapter[datetime](Moment)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_date_travels_as_it_is_written(day: date) -> None:
    assert parse_date(day.isoformat()) == day
    assert DATE.validate_json(DATE.dump_json(day)) == day
    assert DATE.validate_python(day) == day


@pytest.mark.parametrize(
    "wire",
    [
        '"0001-01-01"',
        '"0026-11-24"',
        '"1899-12-31"',
        '"1999-12-31"',
        '"2100-01-01"',
        '"9999-12-31"',
        '"2026-W48-1"',
        '"2026-333"',
        '"20261124"',
        '"2026-02-30"',
        '"2026-11-24T00:00:00"',
        '"2026-11-24Z"',
        '"２０２６-11-24"',
        '" 2026-11-24"',
        '"1795478400"',
        "1795478400",
        "20782",
        "1.5",
        "true",
        "null",
        '""',
    ],
)
def test_anything_else_is_no_date(wire: str) -> None:
    with pytest.raises(ValidationError):
        DATE.validate_json(wire)


@pytest.mark.parametrize("value", [date(1999, 12, 31), datetime(2026, 11, 24, tzinfo=UTC)])
def test_a_date_is_bounded_when_it_is_written_too(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(ValidationError):
        DATE.validate_python(value)


def test_a_date_of_any_year_can_be_told_from_what_is_none() -> None:
    assert read_iso_date("0001-01-01") == date(1, 1, 1)
    with pytest.raises(ValueError, match="W48"):
        read_iso_date("2026-W48-1")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T10:30:00+01:00", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24T09:30Z", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24t09:30:00.123456789z", datetime(2026, 11, 24, 9, 30, 0, 123456, UTC)),
    ],
)
def test_a_moment_is_read_as_other_languages_write_it(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment
    assert MOMENT.validate_json(json.dumps(text)) == moment


_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=_OFFSETS)  # noqa: DTZ001
)
def test_a_moment_travels_as_it_is_written(moment: datetime) -> None:
    assert MOMENT.validate_json(MOMENT.dump_json(moment)) == moment


@pytest.mark.parametrize(
    "wire",
    [
        '"0001-01-01T00:00:00+14:00"',
        '"9999-12-31T23:59:59-14:00"',
        '"1999-12-31T23:59:59Z"',
        '"2100-01-01T00:00:00Z"',
        '"2026-11-24T10:30:00"',
        '"2026-11-24"',
        '"2026-W48-1T10:30:00Z"',
        '"2026-11-24T25:00:00Z"',
        '"1795478400"',
        "1795478400",
        "1795478400000",
        "true",
        "null",
    ],
)
def test_anything_else_is_no_moment(wire: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_json(wire)


def _formats(schema: Any) -> set[str]:  # noqa: ANN401 - any JSON
    if isinstance(schema, list):
        return {each for part in schema for each in _formats(part)}
    if not isinstance(schema, dict):
        return set()
    own = {str(schema["format"])} if "format" in schema else set()
    return own | {each for part in schema.values() for each in _formats(part)}


def test_no_contract_reads_a_date_in_another_way() -> None:
    """Every field of a date or a moment is one of the two types above."""
    payloads: set[type[BaseModel]] = {Head}
    payloads.update(payload for topic in TOPICS for payload in topic.payloads)
    for payload in payloads:
        text = str(payload.__pydantic_core_schema__)
        plain = text.count("{'type': 'date'") + text.count("{'type': 'datetime'")
        bounded = text.count("<function _read_date at") + text.count("<function _read_moment at")
        assert plain == bounded, payload
        assert _formats(payload.model_json_schema()) <= {"date", "date-time"}
    assert "<function _read_date at" in str(PieceDeposited.__pydantic_core_schema__)
