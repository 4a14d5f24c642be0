"""Conversion of domain values to documents, the JSON that the audit trail hashes, and back."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from services.routing.application.journey import Enclosure
from services.routing.domain import events
from services.routing.domain.dossier import Dossier
from services.routing.domain.events import Event
from shared.runtime.store.database import Document

_DOSSIER = TypeAdapter(Dossier)
_ENCLOSURES = TypeAdapter(dict[str, Enclosure])
EVENT_NAMES: dict[str, type[Event]] = {
    "PieceReceived": events.PieceReceived,
    "PieceCompleted": events.PieceCompleted,
    "AdditionRefused": events.AdditionRefused,
    "PieceRecycled": events.PieceRecycled,
    "StatusSet": events.StatusSet,
    "Forwarded": events.Forwarded,
    "Offered": events.Offered,
    "Held": events.Held,
    "DelayElapsed": events.DelayElapsed,
    "DelayReminded": events.DelayReminded,
    "Closed": events.Closed,
}
"""Name of each type in a trail; it stays when a class is renamed, as trails are kept."""
_EVENTS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(kind) for name, kind in EVENT_NAMES.items()
}
_BY_KIND = {kind: name for name, kind in EVENT_NAMES.items()}


def write_dossier(dossier: Dossier) -> Document:
    """Convert a dossier to a document; equal dossiers give equal documents."""
    document: Document = _DOSSIER.dump_python(dossier, mode="json")
    return document


def read_dossier(document: Mapping[str, Any]) -> Dossier:
    """Convert a document to a dossier. Raises ValueError when it is malformed."""
    return _DOSSIER.validate_python(document)


def write_event(event: Event) -> Document:
    """Convert an event to a document, with the lasting name of its type."""
    name = _BY_KIND[type(event)]
    return {"type": name, **_EVENTS[name].dump_python(event, mode="json")}


def read_event(document: Document) -> Event:
    """Convert a document to an event. Raises ValueError or KeyError when it is malformed."""
    event: Event = _EVENTS[document["type"]].validate_python(document)
    return event


def write_enclosures(enclosures: dict[str, Enclosure]) -> Document:
    """Convert the enclosures of pieces to a document."""
    document: Document = _ENCLOSURES.dump_python(enclosures, mode="json")
    return document


def read_enclosures(document: Document) -> dict[str, Enclosure]:
    """Convert a document to the enclosures of pieces."""
    return _ENCLOSURES.validate_python(document)
