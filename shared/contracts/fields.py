"""Wire types shared by the payloads."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, PlainSerializer, StringConstraints
from pydantic import WithJsonSchema as JsonSchema
from pydantic_core import PydanticCustomError

from shared.vocabulary.amounts import parse_amount
from shared.vocabulary.dates import check_moment, is_plausible, parse_date, parse_moment


def _amount(value: Any) -> Decimal:  # noqa: ANN401 - whatever JSON holds
    # Even in strict mode pydantic reads a JSON number as a Decimal, after it was a float.
    if isinstance(value, Decimal):
        value = format(value, "f")
    if not isinstance(value, str):
        raise ValueError("an amount is a decimal string")  # noqa: TRY004 - pydantic expects it
    return parse_amount(value)


Montant = Annotated[
    Decimal,
    BeforeValidator(_amount),
    PlainSerializer(lambda value: format(value, "f"), return_type=str),
    JsonSchema({"type": "string", "pattern": r"^-?\d{1,17}(\.\d{1,2})?$"}),
]
"""An amount in its currency's unit, as a decimal string with two places at most."""

Difference = Annotated[
    Decimal,
    PlainSerializer(lambda value: format(value, "f"), return_type=str),
    JsonSchema({"type": "string", "pattern": r"^-?\d{1,18}(\.\d{1,2})?$"}),
]
"""What separates two amounts: it may have one digit more than either."""


def _date(value: Any) -> date:  # noqa: ANN401 - whatever JSON holds
    # pydantic alone also reads Unix numbers, in seconds or milliseconds, and midnights.
    try:
        if isinstance(value, str):
            return parse_date(value)
        if isinstance(value, date) and not isinstance(value, datetime) and is_plausible(value):
            return value
    except ValueError:
        pass
    raise PydanticCustomError("iso_date", "a calendar date YYYY-MM-DD between 2000 and 2099")


def _moment(value: Any) -> datetime:  # noqa: ANN401 - whatever JSON holds
    try:
        if isinstance(value, str):
            return parse_moment(value)
        if isinstance(value, datetime):
            check_moment(value)
            return value
    except ValueError:
        pass
    raise PydanticCustomError(
        "iso_moment", "a date and time of ISO 8601 with its offset, between 2000 and 2099"
    )


IsoDate = Annotated[date, BeforeValidator(_date)]
"""A calendar date AAAA-MM-JJ between 2000 and 2099: no number, no week, no time of day."""

Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A date and time with its offset, in the same years; a naive one, or a number, is refused."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]

_SEQUENCE_DIGITS = 10


def _sequence(value: Any) -> int:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ValueError("a sequence is a string of digits, from 1")


Sequence = Annotated[
    int,
    BeforeValidator(_sequence),
    PlainSerializer(lambda value: f"{value:0{_SEQUENCE_DIGITS}d}", return_type=str),
    JsonSchema({"type": "string", "pattern": r"^\d{10}$"}),
]
"""Rank of an event among those of its dossier on its topic, from 1.

On the wire a padded string: the CloudEvents `sequence` extension is a string that sorts.
"""
