"""From the bytes of a record to an event, or to the reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.contracts.envelope import Event, Head, Payload
from shared.contracts.topics import DEAD_LETTER_MAX_BYTES, Key, Topic
from shared.runtime.record_size import weigh

_REASON_MAX = 500
"""A reason travels in a header: an exception may quote a whole document."""
_STREAM_MAX = 100
"""Longer record keys are named by their hash: a stream's name is the key of an index."""
_CUT_BYTES = 1000
_CUT_HEADERS = 20
_ROOM = 8 * 1024
"""For what a dead letter says beside its record."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the broker hands over."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]
    position: str
    """`topic/partition/offset`: names the record even when its bytes cannot be read."""
    fault: str | None = None
    """Why it was not even unpacked, or not kept whole."""

    def fitting(self) -> "Record":
        """Cut what no dead letter would take: key, value and headers to their beginnings."""
        size = weigh(self.key, self.value, self.headers.items())
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
        """What a line of log about this message names it by."""
        ids = {"message_id": self.id, "dossier_id": self.stream}
        return ids | {"correlation_id": self.correlation_id} if self.correlation_id else ids

    @property
    def renamed(self) -> "Incoming":
        """Itself, named by its position: another message has its id."""
        return replace(self, id=self.record.position)

    @property
    def bare(self) -> "Incoming":
        """Itself as bytes at a position: nothing of it is interpreted, so it can be buried."""
        record = self.record
        alone = Record(record.topic, "", record.value, {}, record.position)
        return Incoming(alone.fitting(), record.position, record.position)

    def failed(self, reason: str) -> "Incoming":
        """Say why this message cannot be handled."""
        # An exception may quote half a surrogate pair, which neither store nor broker takes.
        text = reason[:_REASON_MAX].encode(errors="backslashreplace").decode()
        return replace(self, event=None, fault=text)


class Reader:
    """Reads the records of one topic."""

    def __init__(self, topic: Topic, *, is_sequenced: bool) -> None:
        """Prepare a validator per type; `is_sequenced` when every event must carry its rank."""
        self._events: dict[str, TypeAdapter[Event[Any]]] = {
            payload.event_type: _adapter(payload) for payload in topic.payloads
        }
        self._key = topic.key
        self.is_sequenced = is_sequenced

    def read(self, record: Record, *, is_keyed: bool = True) -> Incoming:
        """Read a record. Never raises: what cannot be read is a fault of the message.

        Not `is_keyed` when an operator may have put another body behind the record's key.
        """
        stream = _stream(record.key)
        head = _head(record)
        if isinstance(head, str):
            return Incoming(record, record.position, stream).failed(head)
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
            return incoming.failed("the event carries no sequence")
        try:
            event = adapter.validate_json(record.value)
        except Exception as error:  # noqa: BLE001 - as above
            return incoming.failed(_reason(error))
        disagreement = self._disagreement(record.key if is_keyed else None, event)
        if disagreement is not None:
            return incoming.failed(disagreement)
        return replace(incoming, event=event)

    def _disagreement(self, key: str | None, event: Event[Any]) -> str | None:
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
        told = {where: name for where, name in {"record key": key, **named}.items() if name}
        if len(set(told.values())) <= 1:
            return None
        return "disagreement: " + ", ".join(f"{where} {name}" for where, name in told.items())


def _field(event: Event[Any], name: str) -> str | None:
    value: str | None = getattr(event.data, name, None)
    return value


def _adapter(payload: type[Payload]) -> TypeAdapter[Event[Any]]:
    event: Any = Event.__class_getitem__(payload)
    return TypeAdapter(event)


def _head(record: Record) -> Head | str:
    """Read the attributes of an event, or say why they cannot be read."""
    if record.fault is not None:
        return record.fault
    try:
        return Head.model_validate_json(record.value)
    except Exception as error:  # noqa: BLE001 - whatever a body does to its reader is its fault
        return _reason(error)


def _stream(key: str) -> str:
    """Name what a record's key keeps in order."""
    return key if len(key) <= _STREAM_MAX else f"sha256:{sha256(key.encode()).hexdigest()}"


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"cannot be read: {error!r}"
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{error.error_count()} invalid field(s), first: {where}: {first['msg']}"
