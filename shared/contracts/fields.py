"""Field types of payloads: amounts, dates, identifiers, ranks, with their bounds."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    PlainSerializer,
    StringConstraints,
)
from pydantic import WithJsonSchema as JsonSchema
from pydantic_core import PydanticCustomError

from shared.vocabulary.amounts import format_amount, parse_amount
from shared.vocabulary.dates import check_moment, is_plausible, parse_date, parse_moment


def _read_amount(value: Any) -> Decimal:  # noqa: ANN401 - whatever JSON holds
    # Even in strict mode pydantic reads a JSON number as a Decimal, through a float.
    if isinstance(value, Decimal):
        value = format(value, "f")
    if not isinstance(value, str):
        raise ValueError("an amount is a decimal string")  # noqa: TRY004 - pydantic expects it
    try:
        return parse_amount(value)
    except ValueError:
        # Its message is the text, which may be anything: it must be in no log.
        raise ValueError("an amount is a decimal string, two decimals at most") from None


Montant = Annotated[
    Decimal,
    BeforeValidator(_read_amount),
    PlainSerializer(format_amount, return_type=str),
    JsonSchema({"type": "string", "pattern": r"^-?\d{1,17}(\.\d{1,2})?$"}),
]
"""Amount in the unit of its currency: a decimal string, read with two places at most.

It is written with two.
"""

Difference = Annotated[
    Decimal,
    PlainSerializer(format_amount, return_type=str),
    JsonSchema({"type": "string", "pattern": r"^-?\d{1,18}(\.\d{1,2})?$"}),
]
"""Difference of two amounts: it may have one digit more than an amount."""


def _read_date(value: Any) -> date:  # noqa: ANN401 - whatever JSON holds
    # pydantic alone also reads Unix numbers, in seconds or milliseconds, and midnights.
    try:
        if isinstance(value, str):
            return parse_date(value)
        if isinstance(value, date) and not isinstance(value, datetime) and is_plausible(value):
            return value
    except ValueError:
        pass
    raise PydanticCustomError("iso_date", "a calendar date YYYY-MM-DD between 2000 and 2099")


def _read_moment(value: Any) -> datetime:  # noqa: ANN401 - whatever JSON holds
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


IsoDate = Annotated[date, BeforeValidator(_read_date)]
"""Calendar date AAAA-MM-JJ between 2000 and 2099: no number, no week, no time of day."""

Moment = Annotated[AwareDatetime, BeforeValidator(_read_moment)]
"""Date and time with its offset, 2000 to 2099; a time without offset or a number is refused."""


def _build_bounds(first: int, last: int, what: str) -> AfterValidator:
    """Build a validator of an integer's bounds for readers; the released schema does not change."""

    def check(value: int) -> int:
        if not first <= value <= last:
            raise ValueError(f"{what} is from {first} to {last}")
        return value

    return AfterValidator(check)


VERSIONS_MAX = 1_000_000
"""Limit of a version: one change a minute for two years. Our services never give a larger one."""

Version = Annotated[int, _build_bounds(1, VERSIONS_MAX, "a version")]
"""Version of an entity's state. It has a limit: readers would keep a huge one for ever."""

Level = Annotated[int, _build_bounds(1, 1000, "a level")]
"""Level of a version of the platform: `shared.vocabulary.levels`."""

_NAMES_MAX, _NAME_MAX = 20, 100


def _check_names(versions: Mapping[str, int]) -> Mapping[str, int]:
    if len(versions) > _NAMES_MAX or any(len(name) > _NAME_MAX for name in versions):
        raise ValueError(f"{_NAMES_MAX} entities at most, by {_NAME_MAX} characters at most")
    return versions


Versions = Annotated[Mapping[str, Version], AfterValidator(_check_names)]
"""Versions of a few entities, by id."""

DAYS_MAX = 365
"""Limit of a delay, in days."""


def _check_delays(delays: Mapping[str, int]) -> Mapping[str, int]:
    if len(delays) > _NAMES_MAX or any(len(name) > _NAME_MAX for name in delays):
        raise ValueError(f"{_NAMES_MAX} delays at most, by {_NAME_MAX} characters at most")
    return delays


DelayDays = Annotated[
    Mapping[str, Annotated[int, _build_bounds(1, DAYS_MAX, "a delay in days")]],
    AfterValidator(_check_delays),
]
"""Days of delays, by name of the delay, as in the table of delays."""

Size = Annotated[int, _build_bounds(0, 2**40, "a size in bytes")]
"""Size of a file, with a limit: an integer too large for the store would stop the readers."""

Rating = Annotated[int, _build_bounds(1, 5, "a rating")]
"""Satisfaction of a ticket's issuer, in stars."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]

_SEQUENCE_DIGITS = 10
SEQUENCE_MAX = 10**_SEQUENCE_DIGITS - 1
"""Largest rank of an event: ten digits, which fit into the store."""


def _read_sequence(value: Any) -> int:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value):
        value = int(value)
    # A number has the same limit: the store holds 64 bits, but JSON any number.
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= SEQUENCE_MAX:
        return value
    raise ValueError(f"a sequence is a string of digits, from 1, {_SEQUENCE_DIGITS} at most")


Sequence = Annotated[
    int,
    BeforeValidator(_read_sequence),
    PlainSerializer(lambda value: f"{value:0{_SEQUENCE_DIGITS}d}", return_type=str),
    JsonSchema({"type": "string", "pattern": r"^\d{10}$"}),
]
"""Rank of an event within its dossier and topic, from 1.

In JSON it is a padded string: the CloudEvents `sequence` extension is a sortable string.
"""
