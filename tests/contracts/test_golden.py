"""Every event ever published must still be read, and be written as it was.

A golden file is added to, never edited: a change here is a breaking change of the contract.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.envelope import Event, Payload, encode
from shared.contracts.topics import TOPICS

GOLDEN = Path(__file__).parent / "golden"
PAYLOADS = {payload.event_type: payload for topic in TOPICS for payload in topic.payloads}


def _reader(payload: type[Payload]) -> Any:  # noqa: ANN401 - a model made at run time
    return Event.__class_getitem__(payload)


def test_every_type_has_a_golden_event() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(PAYLOADS)


@pytest.mark.parametrize("event_type", sorted(PAYLOADS))
def test_a_golden_event_is_read_whole_and_written_as_it_was(event_type: str) -> None:
    text = (GOLDEN / f"{event_type}.json").read_text(encoding="utf-8")

    event = _reader(PAYLOADS[event_type]).model_validate_json(text)

    written, golden = json.loads(encode(event)), json.loads(text)
    assert _without_additions(written, golden) == golden


@pytest.mark.parametrize("event_type", sorted(PAYLOADS))
def test_what_a_reader_does_not_know_is_ignored(event_type: str) -> None:
    golden = json.loads((GOLDEN / f"{event_type}.json").read_text(encoding="utf-8"))
    ahead = {**golden, "novel": 1, "data": {**golden["data"], "novel": {"deep": True}}}

    event = _reader(PAYLOADS[event_type]).model_validate_json(json.dumps(ahead))

    assert _without_additions(json.loads(encode(event)), golden) == golden


@pytest.mark.parametrize("field", ["ht", "ttc"])
def test_an_amount_that_is_a_number_is_refused(field: str) -> None:
    event_type = "fr.aiguillage.piece.deposee.v1"
    golden = json.loads((GOLDEN / f"{event_type}.json").read_text(encoding="utf-8"))
    golden["data"]["amounts"][field] = 10000.1

    with pytest.raises(ValueError, match=field):
        _reader(PAYLOADS[event_type]).model_validate_json(json.dumps(golden))


@pytest.mark.parametrize("event_type", sorted(PAYLOADS))
def test_no_amount_and_no_rank_travels_as_a_number(event_type: str) -> None:
    golden = json.loads((GOLDEN / f"{event_type}.json").read_text(encoding="utf-8"))
    directory = golden["data"].pop("directory", {})

    assert set(_numbers(golden)) <= {
        ".data.version",
        ".data.file.size_bytes",
        ".data.attachments.size_bytes",
    }
    assert all(isinstance(version, int) for version in directory.values())


def _numbers(value: object, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [each for key in value for each in _numbers(value[key], f"{path}.{key}")]
    if isinstance(value, list):
        return [each for item in value for each in _numbers(item, path)]
    return [path] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _without_additions(written: Any, golden: Any) -> Any:  # noqa: ANN401 - JSON
    """Leave out what optional fields added since the golden event was written."""
    if isinstance(golden, dict) and isinstance(written, dict):
        return {
            key: _without_additions(written[key], golden[key]) for key in golden if key in written
        }
    return written
