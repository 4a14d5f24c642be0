"""Parsing of records: bytes become an event, or a fault that makes a dead letter."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.contracts.envelope import Event, Head, Payload
from shared.contracts.topics import DEAD_LETTER_MAX_BYTES, Key, Topic
from shared.runtime.record_size import measure_record

_REASON_MAX = 500
"""A reason travels in a header: an exception may quote a whole document."""
_STREAM_MAX = 100
"""Longer record keys are named by their hash: a stream's name is the key of an index."""
_CUT_BYTES = 1000
_CUT_HEADERS = 20
_ROOM = 8 * 1024
"""Bytes kept free for the headers of a dead letter."""


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
    """Why it was not even unpacked, or not kept whole."""

    def truncated(self) -> "Record":
        """Truncate key, value and headers to what a dead letter takes."""
        size = measure_record(self.key, self.value, self.headers.items())
        if size <= DEAD_LETTER_MAX_BYTES - _ROOM:
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
    """A record that was read: an event, or a fault that makes it a dead letter.

    Neither when its type is not known here: a producer may be ahead of its readers.
    """

    record: Record
    id: str
    stream: str
    """Dossier id, or the record's key when there is none: what must stay in order."""
    sequence: int | None = None
    event: Event[Any] | None = None
    fault: str | None = None
    correlation_id: str | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether there is nothing to do but to note that it passed."""
        return self.event is None and self.fault is None

    @property
    def ids(self) -> dict[str, str]:
        """The ids of this message, for log lines."""
        ids = {"message_id": self.id, "dossier_id": self.stream}
        return ids | {"correlation_id": self.correlation_id} if self.correlation_id else ids

    @property
    def named_by_position(self) -> "Incoming":
        """The same message with its position as id: another message has its own."""
        return replace(self, id=self.record.position)

    @property
    def as_bytes(self) -> "Incoming":
        """The same message as mere bytes at a position, which the store takes as a dead letter."""
        record = self.record
        alone = Record(record.topic, "", record.value, {}, record.position)
        return Incoming(alone.truncated(), record.position, record.position)

    def with_fault(self, reason: str) -> "Incoming":
        """Give the same message with the reason why it cannot be handled."""
        # An exception may quote half a surrogate pair, which neither store nor broker takes.
        text = reason[:_REASON_MAX].encode(errors="backslashreplace").decode()
        return replace(self, event=None, fault=text)


class RecordParser:
    """Parses and validates the records of one topic."""

    def __init__(self, topic: Topic, *, is_sequenced: bool) -> None:
        """Prepare a validator per type; `is_sequenced` when every event must carry its rank."""
        self._events: dict[str, TypeAdapter[Event[Any]]] = {
            payload.event_type: _build_adapter(payload) for payload in topic.payloads
        }
        self._key = topic.key
        self.is_sequenced = is_sequenced

    def parse(self, record: Record, *, is_keyed: bool = True) -> Incoming:
        """Parse a record. Never raises: what cannot be parsed is a fault of the message.

        Not `is_keyed` when an operator may have put another body behind the record's key.
        """
        stream = _name_stream(record.key)
        head = _parse_head(record)
        if isinstance(head, str):
            return Incoming(record, record.position, stream).with_fault(head)
        incoming = Incoming(
            record,
            head.id,
            head.dossierid or stream,
            head.sequence,
            correlation_id=head.correlationid,
        )
        adapter = self._events.get(head.type)
        if adapter is None:
            return incoming
        if self.is_sequenced and head.sequence is None:
            return incoming.with_fault("the event carries no sequence")
        try:
            event = adapter.validate_json(record.value)
        except Exception as error:  # noqa: BLE001 - as above
            return incoming.with_fault(_describe_fault(error))
        disagreement = self._find_disagreement(record.key if is_keyed else None, event)
        if disagreement is not None:
            return incoming.with_fault(disagreement)
        return replace(incoming, event=event)

    def _find_disagreement(self, key: str | None, event: Event[Any]) -> str | None:
        """Say where the record, the envelope and the payload name different dossiers or entities.

        Order follows the key, ranks the envelope, and effects the payload.
        """
        if self._key is Key.DOSSIER:
            named = {"dossierid": event.dossierid, "data.dossier_id": _field(event, "dossier_id")}
        elif self._key is Key.ENTITY and event.data.entity is not None:
            field = event.data.entity
            named = {"subject": event.subject, f"data.{field}": _field(event, field)}
        else:
            return None
        names = {where: name for where, name in {"record key": key, **named}.items() if name}
        if len(set(names.values())) <= 1:
            return None
        return "disagreement: " + ", ".join(f"{where} {name}" for where, name in names.items())


def _field(event: Event[Any], name: str) -> str | None:
    value: str | None = getattr(event.data, name, None)
    return value


def _build_adapter(payload: type[Payload]) -> TypeAdapter[Event[Any]]:
    event: Any = Event.__class_getitem__(payload)
    return TypeAdapter(event)


def _parse_head(record: Record) -> Head | str:
    """Parse the attributes of an event, or say why they cannot be parsed."""
    if record.fault is not None:
        return record.fault
    try:
        return Head.model_validate_json(record.value)
    except Exception as error:  # noqa: BLE001 - whatever a body does to its reader is its fault
        return _describe_fault(error)


def _name_stream(key: str) -> str:
    """Name what a record's key keeps in order."""
    return key if len(key) <= _STREAM_MAX else f"sha256:{sha256(key.encode()).hexdigest()}"


def _describe_fault(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"cannot be read: {error!r}"
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{error.error_count()} invalid field(s), first: {where}: {first['msg']}"
