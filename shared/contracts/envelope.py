"""Envelope of every message: CloudEvents 1.0 in structured mode, all in the record's body."""

from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.contracts.fields import Identifier, Level, Moment, Sequence


class Payload(BaseModel):
    """Payload of an event. An unknown field is ignored, so that readers accept newer payloads."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    """CloudEvents `type`, which holds the major version."""
    entity: ClassVar[str | None] = None
    """Payload field with the id of the entity, which must be the record key and the `subject`.

    None when this is not checked; a projection then reads the id in `dossier_id`.
    """


PayloadT = TypeVar("PayloadT", bound=Payload)


class Head(BaseModel):
    """Attributes of an event without its payload: enough to route, order and deduplicate it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: Identifier
    source: Identifier
    type: Identifier
    time: Moment
    datacontenttype: Literal["application/json"] = "application/json"
    subject: Identifier
    """Id of the entity the event is about."""
    dossierid: Identifier | None = None
    sequence: Sequence | None = None
    """Rank, consecutive per dossier and topic; absent when events are not about a dossier."""
    correlationid: Identifier
    """Id of the journey, the same from the first deposit to the last status."""
    causationid: Identifier | None = None
    """Id of the message that caused this one."""
    level: Level = 1
    """Level of the values that the event holds: a reader of a lower level keeps it for later."""


class Event(Head, Generic[PayloadT]):
    """Event: the attributes and the payload of one message."""

    data: PayloadT


def encode(event: Event[Any]) -> bytes:
    """Serialise an event: the bytes of the outbox row, of the record and of the dead letter."""
    return event.model_dump_json(exclude_none=True).encode()
