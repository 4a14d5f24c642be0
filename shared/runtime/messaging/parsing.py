"""Parser of records: the bytes become an event, or a fault that makes a dead letter."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.contracts.envelope import Event, Head, Payload
from shared.contracts.topics import DEAD_LETTER_MAX_BYTES, Key, Topic
from shared.runtime.error_descriptions import describe_error, describe_invalid_fields
from shared.runtime.record_size import measure_record
from shared.vocabulary.levels import LEVEL

_REASON_MAX = 500
"""Length limit of a reason, which travels in a header: an exception may quote a whole document."""
_STREAM_MAX = 100
"""Length limit of a stream's name, which is indexed: a longer record key becomes its hash."""
_CUT_BYTES = 1000
_CUT_HEADERS = 20
"""Bytes of the value, and headers, that are kept of a record too large for a dead letter."""
_RESERVED_BYTES = 8 * 1024
"""Bytes reserved for the headers of a dead letter."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the broker gave it."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]
    position: str
    """`topic/partition/offset`: names the record even when its bytes cannot be read."""
    fault: str | None = None
    """Why the record was not unpacked, or was truncated."""
    is_null: bool = False
    """Whether the record has no value: on a compacted topic it is a tombstone."""

    def follows(self, position: str) -> bool:
        """Tell whether this record is after the one at `position`, in the same partition."""
        partition, _, offset = self.position.rpartition("/")
        other, _, before = position.rpartition("/")
        return partition == other and int(before) < int(offset)

    def truncate(self) -> "Record":
        """Keep only the beginning of key, value and headers when too large for a dead letter."""
        size = measure_record(self.key, self.value, self.headers.items())
        if size <= DEAD_LETTER_MAX_BYTES - _RESERVED_BYTES:
            return self
        kept = list(self.headers.items())[:_CUT_HEADERS]
        return Record(
            self.topic,
            self.key[:_STREAM_MAX],
            self.value[:_CUT_BYTES],
            {name[:_STREAM_MAX]: text[:_STREAM_MAX] for name, text in kept},
            self.position,
            self.fault or f"too large: {size} bytes, of which the beginning is kept",
        )


@dataclass(frozen=True, slots=True)
class Incoming:
    """Parsed record: an event, a tombstone, or a fault that makes it a dead letter.

    It is none of them when it is of a newer level than this version judges, or when its type is
    unknown here: a producer may be ahead of its readers.
    """

    record: Record
    id: str
    stream: str
    """Dossier id, or else the record's key: messages of one stream stay in order."""
    sequence: int | None = None
    event: Event[Any] | None = None
    fault: str | None = None
    correlation_id: str | None = None
    level: int = 1
    is_newer: bool = False
    """Whether the message waits for a version that judges its level."""
    is_tombstone: bool = False
    """Whether the record deletes its key from a compacted topic: the entity is told no more."""
    dossier_id: str | None = None
    piece_id: str | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the type of the event is unknown here."""
        is_known = self.is_newer or self.is_tombstone
        return self.event is None and self.fault is None and not is_known

    @property
    def ids(self) -> dict[str, str]:
        """Ids of this message, for log lines."""
        ids = {
            "dossier_id": self.dossier_id,
            "piece_id": self.piece_id,
            "message_id": self.id,
            "correlation_id": self.correlation_id,
        }
        return {name: value for name, value in ids.items() if value is not None}

    @property
    def named_by_position(self) -> "Incoming":
        """The same message with its position as id, for when another message has its id."""
        return replace(self, id=self.record.position)

    @property
    def named_by_bytes(self) -> "Incoming":
        """The same message with its position and a hash of its bytes as id."""
        digest = sha256(self.record.key.encode(errors="backslashreplace") + self.record.value)
        return replace(self, id=f"{self.record.position}/{digest.hexdigest()[:8]}")

    @property
    def as_bytes(self) -> "Incoming":
        """The same message with only its bytes and its position, which any store accepts."""
        record = self.record
        alone = Record(record.topic, "", record.value, {}, record.position)
        return Incoming(alone.truncate(), record.position, record.position)

    def with_fault(self, reason: str) -> "Incoming":
        """Return the same message with the reason why it cannot be handled."""
        # An exception may quote half a surrogate pair, which store and broker refuse.
        text = reason[:_REASON_MAX].encode(errors="backslashreplace").decode()
        return replace(self, event=None, fault=text, is_newer=False, is_tombstone=False)


class RecordParser:
    """Parses and validates the records of one topic."""

    def __init__(self, topic: Topic, *, is_sequenced: bool, level: int = LEVEL) -> None:
        """Build a validator for each type of event.

        `is_sequenced` means that every event must carry its rank; `level` is the highest judged.
        """
        self._events: dict[str, TypeAdapter[Event[Any]]] = {
            payload.event_type: _build_adapter(payload) for payload in topic.payloads
        }
        self._key = topic.key
        self._is_compacted = topic.is_compacted
        self.is_sequenced = is_sequenced
        self.level = level

    def parse(self, record: Record, *, is_keyed: bool = True) -> Incoming:
        """Parse a record. Never raises: what cannot be parsed is a fault of the message.

        `is_keyed` is false when an operator may have replaced the body: the key is not compared.
        """
        stream = _name_stream(record.key)
        # When the key is the dossier id, it names the dossier of an unreadable message too.
        dossier_id = stream if self._key is Key.DOSSIER else None
        if record.is_null and self._is_compacted and record.key and record.fault is None:
            return Incoming(
                record, record.position, stream, dossier_id=dossier_id, is_tombstone=True
            )
        head = _parse_head(record)
        if isinstance(head, str):
            unread = Incoming(record, record.position, stream, dossier_id=dossier_id)
            return unread.with_fault(head)
        incoming = Incoming(
            record,
            head.id,
            head.dossierid or stream,
            head.sequence,
            correlation_id=head.correlationid,
            level=head.level,
            dossier_id=head.dossierid or dossier_id,
        )
        is_newer = head.level > self.level
        if head.type not in self._events and not is_newer:
            return incoming
        if self.is_sequenced and head.sequence is None:
            return incoming.with_fault("the event carries no sequence")
        if is_newer:
            return replace(incoming, is_newer=True)
        return self._parse_event(incoming, head.type, record.key if is_keyed else None)

    def _parse_event(self, incoming: Incoming, event_type: str, key: str | None) -> Incoming:
        try:
            event = self._events[event_type].validate_json(incoming.record.value)
        except Exception as error:  # noqa: BLE001 - as in `parse`
            return incoming.with_fault(_describe_fault(error))
        disagreement = self._find_disagreement(key, event)
        if disagreement is not None:
            return incoming.with_fault(disagreement)
        return replace(incoming, event=event, piece_id=_read_field(event, "piece_id"))

    def _find_disagreement(self, key: str | None, event: Event[Any]) -> str | None:
        """Describe where record, envelope and payload name different dossiers or entities.

        They must agree: the key decides the order, the envelope the rank, the payload the effects.
        """
        if self._key is Key.DOSSIER:
            named = {
                "dossierid": event.dossierid,
                "data.dossier_id": _read_field(event, "dossier_id"),
            }
        elif self._key is Key.ENTITY and event.data.entity is not None:
            field = event.data.entity
            named = {"subject": event.subject, f"data.{field}": _read_field(event, field)}
        else:
            return None
        names = {where: name for where, name in {"record key": key, **named}.items() if name}
        if len(set(names.values())) <= 1:
            return None
        return "disagreement: " + ", ".join(f"{where} {name}" for where, name in names.items())


def _read_field(event: Event[Any], name: str) -> str | None:
    value: str | None = getattr(event.data, name, None)
    return value


def _build_adapter(payload: type[Payload]) -> TypeAdapter[Event[Any]]:
    event: Any = Event.__class_getitem__(payload)
    return TypeAdapter(event)


def _parse_head(record: Record) -> Head | str:
    """Parse the attributes of an event; a text is the reason why they cannot be parsed."""
    if record.fault is not None:
        return record.fault
    if record.is_null:
        return "no value: only a record with a key, on a compacted topic, may be a tombstone"
    try:
        return Head.model_validate_json(record.value)
    except Exception as error:  # noqa: BLE001 - a body that makes the reader raise is a fault
        return _describe_fault(error)


def _name_stream(key: str) -> str:
    """Build the stream's name from a record's key."""
    return key if len(key) <= _STREAM_MAX else f"sha256:{sha256(key.encode()).hexdigest()}"


def _describe_fault(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"cannot be read: {describe_error(error)}"
    return describe_invalid_fields(error)
