"""From bytes to events, and the faults in between."""

from dataclasses import replace
from typing import ClassVar

import pytest

from shared.contracts.envelope import Payload, encode
from shared.contracts.topics import Key, Topic
from shared.runtime.messaging.parsing import Record, RecordParser
from tests.kit.events import NOTES, STATES, Noted, Whispered, a_record, an_event

READER = RecordParser(NOTES, is_sequenced=True)


def test_an_event_is_read_with_what_orders_it() -> None:
    event = an_event("d1", 3, "hello")

    incoming = READER.parse(a_record(event))

    assert (incoming.id, incoming.stream, incoming.sequence) == (event.id, "d1", 3)
    assert incoming.event is not None
    assert incoming.event.data == Noted(text="hello")
    assert incoming.fault is None
    assert incoming.ids == {
        "message_id": event.id,
        "dossier_id": "d1",
        "correlation_id": "journey-1",
    }


def test_a_field_added_later_is_passed_over() -> None:
    body = encode(an_event()).replace(b'"data":{', b'"data":{"later":1,', 1)

    assert READER.parse(a_record(body)).event is not None


def a_null_record(key: str = "d1") -> Record:
    return replace(a_record(b"", key=key, offset=7), is_null=True)


def test_a_record_without_a_value_on_a_compacted_topic_deletes_its_key() -> None:
    incoming = RecordParser(STATES, is_sequenced=False).parse(a_null_record())

    assert (incoming.is_tombstone, incoming.stream, incoming.id) == (
        True,
        "d1",
        "essai.note.v1/0/7",
    )
    assert (incoming.event, incoming.fault, incoming.is_unknown) == (None, None, False)
    assert not incoming.with_fault("a bug").is_tombstone


@pytest.mark.parametrize(
    ("record", "topic"),
    [
        (a_null_record(), NOTES),
        (a_null_record(key=""), STATES),
        (a_record(b""), STATES),
    ],
    ids=["on a topic that is not compacted", "without a key", "with an empty value"],
)
def test_no_other_record_is_a_tombstone(record: Record, topic: Topic) -> None:
    incoming = RecordParser(topic, is_sequenced=False).parse(record)

    assert not incoming.is_tombstone
    assert incoming.fault is not None
    assert ("no value" in incoming.fault) == record.is_null


def test_a_record_follows_those_before_it_in_its_partition() -> None:
    record = a_record(b"", offset=10)

    places = ("essai.note.v1/0/9", "essai.note.v1/0/10", "essai.note.v1/1/9", "essai.note.v2/0/9")
    assert [record.follows(place) for place in places] == [True, False, False, False]


def test_an_unknown_type_is_no_fault() -> None:
    incoming = READER.parse(a_record(an_event("d1", 2, payload=Whispered())))

    assert incoming.is_unknown
    assert incoming.sequence == 2


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 5000, "JSON"),
        (b"{}", "id"),
        (encode(an_event()).replace(b"+00:00", b"").replace(b"00Z", b"00"), "time"),
        (encode(an_event()).replace(b"0000000001", b"0000000000"), "sequence"),
        (encode(an_event()).replace(b'"0000000001"', b"true"), "sequence"),
        (encode(an_event()).replace(b"1.0", b"2.0"), "specversion"),
        (encode(an_event()).replace(b'"text":"d1/1"', b'"text":1'), "text"),
        (b'{"id":1}', "id"),
    ],
)
def test_a_fault_says_where_it_is(body: bytes, where: str) -> None:
    incoming = READER.parse(a_record(body))

    assert incoming.event is None
    assert where in (incoming.fault or "")


def test_an_event_without_a_rank_is_a_fault_where_ranks_are_kept() -> None:
    record = a_record(an_event("d1", None))

    assert "no sequence" in (READER.parse(record).fault or "")
    assert RecordParser(NOTES, is_sequenced=False).parse(record).fault is None


def test_what_cannot_be_read_is_named_by_its_place() -> None:
    record = replace(a_record(b"{", key="d7"), position="essai.note.v1/2/41")

    incoming = READER.parse(record)

    assert (incoming.id, incoming.stream) == ("essai.note.v1/2/41", "d7")


def test_an_operator_may_put_the_body_of_another_dossier_behind_a_key() -> None:
    record = a_record(encode(an_event("d1")), key="d2")

    assert READER.parse(record).fault is not None
    assert READER.parse(record, is_keyed=False).fault is None


def test_a_reason_is_short_enough_for_a_header() -> None:
    assert len(READER.parse(a_record(an_event())).with_fault("x" * 10_000).fault or "") == 500


class About(Payload):
    event_type: ClassVar[str] = "fr.aiguillage.essai.propos.v1"
    entity: ClassVar[str | None] = "structure"

    dossier_id: str | None = None
    structure: str | None = None


@pytest.mark.parametrize(
    ("key", "how", "said", "where"),
    [
        ("d2", Key.DOSSIER, About(dossier_id="d1"), "record key d2, dossierid d1"),
        ("d1", Key.DOSSIER, About(dossier_id="d2"), "dossierid d1, data.dossier_id d2"),
        ("d2", Key.DOSSIER, About(), "record key d2"),
        ("d1", Key.DOSSIER, About(dossier_id="d1"), None),
        ("d1", Key.DOSSIER, About(), None),
        ("d2", Key.RECIPIENT, About(dossier_id="d2"), None),
        ("d2", Key.ENTITY, About(structure="d2"), "subject d1"),
        ("d1", Key.ENTITY, About(structure="d2"), "data.structure d2"),
        ("d1", Key.ENTITY, About(structure="d1"), None),
    ],
)
def test_key_envelope_and_payload_name_the_same(
    key: str, how: Key, said: About, where: str | None
) -> None:
    reader = RecordParser(replace(NOTES, key=how, payloads=(About,)), is_sequenced=True)
    event = an_event("d1", payload=said)
    if how is Key.ENTITY:
        event = event.model_copy(update={"dossierid": None})

    incoming = reader.parse(replace(a_record(event), key=key))

    if where is None:
        assert incoming.fault is None
        assert incoming.event is not None
    else:
        assert incoming.event is None
        assert where in (incoming.fault or "")
