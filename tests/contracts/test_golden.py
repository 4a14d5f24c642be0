"""Every event ever published must still be read, and be written as it was.

`golden/<type>/<n>.json`: a golden event is added to its type, never edited. Which ones were
released, and that they are as they were: `test_released.py`.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from docs.generators.asyncapi import build_asyncapi
from shared.contracts.envelope import Event, Payload, encode
from shared.contracts.topics import TOPICS
from tests.contracts.comparison.asyncapi import list_event_schemas
from tests.contracts.comparison.schemas import list_fields

GOLDEN = Path(__file__).parent / "golden"
PAYLOADS = {payload.event_type: payload for topic in TOPICS for payload in topic.payloads}
_TOTALS = {"ht", "tva", "ttc", "due", "other", "stated", "difference"}
FILES = sorted(path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.json"))


def _reader(file: str) -> Any:  # noqa: ANN401 - a model made at run time
    payload: type[Payload] = PAYLOADS[file.partition("/")[0]]
    return Event.__class_getitem__(payload)


def _load(file: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((GOLDEN / file).read_text(encoding="utf-8"))


def test_every_type_has_a_golden_event_and_every_golden_event_a_type() -> None:
    assert {file.partition("/")[0] for file in FILES} == set(PAYLOADS)
    assert all(file.count("/") == 1 and _load(file)["type"] in file for file in FILES)


@pytest.mark.parametrize("event_type", sorted(PAYLOADS))
def test_every_field_of_a_type_is_in_one_of_its_golden_events(event_type: str) -> None:
    schema = list_event_schemas(build_asyncapi())[event_type]
    known = {path for path in list_fields(schema) if path.startswith("$.data.")}
    golden = [_load(file) for file in FILES if file.startswith(f"{event_type}/")]

    told = {path for event in golden for path in _paths(event["data"], known, "$.data")}

    assert sorted(known - told) == []
    assert sorted(told - known) == []


@pytest.mark.parametrize("file", FILES)
def test_a_golden_event_is_read_whole_and_written_as_it_was(file: str) -> None:
    text = (GOLDEN / file).read_text(encoding="utf-8")

    event = _reader(file).model_validate_json(text)

    written, golden = json.loads(encode(event)), _with_cents(json.loads(text))
    assert _without_additions(written, golden) == golden


@pytest.mark.parametrize("file", FILES)
def test_what_a_reader_does_not_know_is_ignored(file: str) -> None:
    golden = _with_cents(_load(file))
    ahead = {**golden, "novel": 1, "data": {**golden["data"], "novel": {"deep": True}}}

    event = _reader(file).model_validate_json(json.dumps(ahead))

    assert _without_additions(json.loads(encode(event)), golden) == golden


@pytest.mark.parametrize("field", ["ht", "ttc"])
def test_an_amount_that_is_a_number_is_refused(field: str) -> None:
    file = "fr.aiguillage.piece.deposee.v1/1.json"
    golden = _load(file)
    golden["data"]["amounts"][field] = 10000.1

    with pytest.raises(ValueError, match=field):
        _reader(file).model_validate_json(json.dumps(golden))


@pytest.mark.parametrize("file", FILES)
def test_no_amount_and_no_rank_travels_as_a_number(file: str) -> None:
    golden = _load(file)
    directory = golden["data"].pop("directory", {})
    # Days are a count, as versions are.
    golden["data"].pop("delays", None)

    assert set(_numbers(golden)) <= {
        ".level",
        ".data.version",
        ".data.mandate.version",
        ".data.sheet.version",
        ".data.satisfaction",
        ".data.file.size_bytes",
        ".data.attachments.size_bytes",
    }
    assert all(isinstance(version, int) for version in directory.values())


def _paths(value: object, known: set[str], path: str) -> Iterator[str]:
    """List the fields of an event; the keys of a map, which the schema names `*`, as one."""
    if isinstance(value, dict):
        for key, each in value.items():
            is_map = f"{path}.*" in known
            field = f"{path}.{'*' if is_map else key}"
            yield field
            yield from _paths(each, known, field)
    elif isinstance(value, list):
        for each in value:
            yield from _paths(each, known, f"{path}[*]")


def _numbers(value: object, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [each for key in value for each in _numbers(value[key], f"{path}.{key}")]
    if isinstance(value, list):
        return [each for item in value for each in _numbers(item, path)]
    return [path] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _with_cents(golden: Any) -> Any:  # noqa: ANN401 - JSON
    """Write the amounts of a golden event with two decimals: early ones may have fewer."""
    if isinstance(golden, dict):
        return {key: _with_cents(value) for key, value in golden.items()} | {
            key: f"{Decimal(golden[key]):.2f}"
            for key in _TOTALS & golden.keys()
            if re.fullmatch(r"-?\d+(\.\d+)?", golden[key] or "")
        }
    return [_with_cents(each) for each in golden] if isinstance(golden, list) else golden


def _without_additions(written: Any, golden: Any) -> Any:  # noqa: ANN401 - JSON
    """Leave out what optional fields added since the golden event was written."""
    if isinstance(golden, dict) and isinstance(written, dict):
        return {
            key: _without_additions(written[key], golden[key]) for key in golden if key in written
        }
    if isinstance(golden, list) and isinstance(written, list) and len(golden) == len(written):
        return [_without_additions(one, other) for one, other in zip(written, golden, strict=True)]
    return written
