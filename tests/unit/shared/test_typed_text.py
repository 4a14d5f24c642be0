"""Type of the texts that somebody types: plain, bounded after it is made so, shown whole."""

import json
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.contracts.texts import TypedText
from shared.runtime.web.idempotency import IdempotencyKey

_NFD_E = "e\u0301"


def read(text: Any, **constraints: Any) -> str:  # noqa: ANN401
    wanted = Annotated[str, TypedText(**{"max_length": 10, **constraints})]
    adapter: TypeAdapter[str] = TypeAdapter(wanted)
    return adapter.validate_python(text)


def refused(text: Any, **constraints: Any) -> str:  # noqa: ANN401
    with pytest.raises(ValidationError) as raised:
        read(text, **constraints)
    (error,) = raised.value.errors()
    return error["type"]


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("  Ville ", "Ville"),
        ("Ville\u200b", "Ville"),
        (f"R{_NFD_E}gie", "Régie"),
        (_NFD_E * 10, "é" * 10),
        ("👷\u200d♀\ufe0f", "👷♀\ufe0f"),
        ("\u200fشركة\u200e", "شركة"),
        (f"a{chr(0xE0041) * 30}", "a"),
    ],
)
def test_a_text_is_read_as_its_writer_sees_it(typed: str, seen: str) -> None:
    assert read(typed) == seen


@pytest.mark.parametrize(
    "typed",
    ["Ville\u202ede", "a\nb", "a\tb", "a\0b", "a\ud800b", "a\ue000b", "a" + "\u0301" * 31],
)
def test_what_no_screen_shows_is_refused(typed: str) -> None:
    assert refused(typed, max_length=100) == "unshowable"


def test_lines_are_allowed_where_several_are() -> None:
    assert read("a\r\nb\tc", lines=True) == "a\nb\tc"
    assert refused("a\n\u202eb", lines=True) == "unshowable"


def test_what_a_rule_judges_is_made_plain_and_left_to_it() -> None:
    assert read("a\u202eb\u200b", judged=True) == "a\u202eb"
    assert refused("a\ud800b", judged=True) == "string_unicode"


@pytest.mark.parametrize("typed", ["a" * 11, "é" * 11, "a" * 1_000_000, "\ufb2c" * 4])
def test_a_text_is_bounded_by_what_it_becomes(typed: str) -> None:
    assert refused(typed) == "string_too_long"


def test_a_text_of_signs_that_nobody_sees_is_empty() -> None:
    assert refused("\u3164\u200b ", min_length=1) == "string_too_short"
    assert read("\u3164\u200b ") == ""


def test_what_is_searched_is_bounded_by_what_it_folds_to() -> None:
    assert refused("\ufdfa" * 2, searched=True) == "string_too_long"
    assert read("ﬁn ½", searched=True) == "ﬁn ½"
    assert read("\ufdfa" * 2) == "\ufdfa" * 2


@pytest.mark.parametrize("other", [1, None, ["a"], {"a": 1}, b"a"])
def test_what_is_no_text_is_none(other: object) -> None:
    assert refused(other) == "string_type"


def test_its_schema_says_its_bounds() -> None:
    adapter = TypeAdapter(Annotated[str, TypedText(10, min_length=1)])

    assert adapter.json_schema() == {"type": "string", "minLength": 1, "maxLength": 10}
    assert adapter.validate_json(json.dumps(_NFD_E)) == "é"


@pytest.mark.parametrize("key", ["k", "clé-É-👷", "é" * 200, "Ã©"])
def test_an_idempotency_key_is_read_as_its_sender_wrote_it(key: str) -> None:
    adapter: TypeAdapter[str | None] = TypeAdapter(IdempotencyKey)

    assert adapter.validate_python(key.encode().decode("latin-1")) == key


def test_an_idempotency_key_may_be_in_latin_1() -> None:
    adapter: TypeAdapter[str | None] = TypeAdapter(IdempotencyKey)

    assert adapter.validate_python("clé") == "clé"
