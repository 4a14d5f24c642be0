"""Every event ever published still reads: one golden file per type and version, never edited.

A new field is optional, so a golden file of before it must parse. A change that breaks one is a new
major version, with a golden file of its own.
"""

from pathlib import Path
from typing import Any

import pytest

from shared.contracts.envelope import Event, Payload, encode
from shared.contracts.topics import TOPICS, Topic
from shared.runtime.reading import Incoming, Reader, Record

GOLDEN = Path(__file__).parent / "golden"
TYPES = {payload.event_type: topic for topic in TOPICS for payload in topic.payloads}


def golden(event_type: str) -> bytes:
    return (GOLDEN / f"{event_type}.json").read_bytes()


def read(topic: Topic, value: bytes) -> Incoming:
    return Reader(topic, is_sequenced=not topic.compacted).read(
        Record(topic.name, "key", value, {}, f"{topic.name}/0/0")
    )


def event_of(event_type: str) -> Event[Any]:
    incoming = read(TYPES[event_type], golden(event_type))
    assert incoming.fault is None
    assert incoming.event is not None
    return incoming.event


def test_every_type_has_its_golden_file_and_no_file_is_left_over() -> None:
    assert set(TYPES) == {path.stem for path in GOLDEN.iterdir()}


@pytest.mark.parametrize("event_type", sorted(TYPES))
def test_a_golden_event_still_reads(event_type: str) -> None:
    event = event_of(event_type)

    assert event.type == event_type
    assert isinstance(event.data, Payload)


@pytest.mark.parametrize("event_type", sorted(TYPES))
def test_what_is_read_is_written_back_as_it_was(event_type: str) -> None:
    event = event_of(event_type)

    again = read(TYPES[event_type], encode(event)).event

    assert again == event
    assert encode(event) == golden(event_type).strip()


@pytest.mark.parametrize("event_type", sorted(TYPES))
def test_no_amount_and_no_rank_travels_as_a_number(event_type: str) -> None:
    def numbers(value: object, path: str = "") -> list[str]:
        if isinstance(value, dict):
            return [each for key in value for each in numbers(value[key], f"{path}.{key}")]
        if isinstance(value, list):
            return [each for item in value for each in numbers(item, path)]
        return [path] if isinstance(value, int | float) and not isinstance(value, bool) else []

    whole = {".data.version", ".data.file.size_bytes", ".data.attachments.size_bytes"}
    body = event_of(event_type).model_dump(mode="json")
    directory = {path for path in numbers(body) if path.startswith(".data.directory.")}
    assert set(numbers(body)) - directory <= whole
