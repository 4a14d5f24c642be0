"""From the bytes of a record to an event, or to the reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.contracts.envelope import Event, Head, Payload
from shared.contracts.topics import Key, Topic

_REASON_MAX = 500
"""A reason travels in a header: an exception may quote a whole document."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the broker hands over."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]
    position: str
    """`topic/partition/offset`: names the record even when its bytes cannot be read."""


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

    def failed(self, reason: str) -> "Incoming":
        """Say why this message cannot be handled."""
        return replace(self, event=None, fault=reason[:_REASON_MAX])


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
        try:
            head = Head.model_validate_json(record.value)
        except ValidationError as error:
            return Incoming(record, record.position, record.key).failed(_reason(error))
        incoming = Incoming(
            record,
            head.id,
            head.dossierid or record.key,
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
        except ValidationError as error:
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


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{error.error_count()} invalid field(s), first: {where}: {first['msg']}"
