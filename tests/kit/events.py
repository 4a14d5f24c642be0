"""Events for tests of the runtime, with payloads that no service knows."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from shared.contracts.envelope import Event, Payload, encode
from shared.contracts.topics import Key, Topic
from shared.runtime.ids import new_id
from shared.runtime.messaging.parsing import Record


class Noted(Payload):
    """Payload about a dossier."""

    event_type: ClassVar[str] = "fr.aiguillage.essai.note.v1"

    text: str
    version: int = 0


class Whispered(Payload):
    """Payload of a type that the readers of a topic do not know yet."""

    event_type: ClassVar[str] = "fr.aiguillage.essai.murmure.v1"


NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NOTES = Topic(
    name="essai.note.v1",
    owner="essai",
    about="Notes, in the order of their dossier.",
    key=Key.DOSSIER,
    payloads=(Noted,),
    consumers=("essai",),
)
STATES = replace(NOTES, name="essai.etat.v1", retention_days=None)


def an_event(
    dossier: str = "d1",
    rank: int | None = 1,
    text: str = "",
    *,
    event_id: str | None = None,
    time: datetime = NOW,
    payload: Payload | None = None,
) -> Event[Payload]:
    """Build an event of a dossier."""
    said = payload or Noted(text=text or f"{dossier}/{rank}")
    return Event(
        id=event_id or new_id(),
        source="/services/essai",
        type=said.event_type,
        time=time,
        subject=dossier,
        dossierid=dossier,
        sequence=rank,
        correlationid="journey-1",
        data=said,
    )


def a_record(
    value: Event[Payload] | bytes,
    *,
    key: str = "d1",
    topic: Topic = NOTES,
    headers: Mapping[str, str] | None = None,
    offset: int = 0,
) -> Record:
    """Build a record as the broker delivers it."""
    body = value if isinstance(value, bytes) else encode(value)
    key = key if isinstance(value, bytes) else value.dossierid or key
    return Record(topic.name, key, body, headers or {}, f"{topic.name}/0/{offset}")


def build_records(events: Iterable[Event[Payload]]) -> list[Record]:
    """Build a batch of records."""
    return [a_record(event, offset=rank) for rank, event in enumerate(events)]
