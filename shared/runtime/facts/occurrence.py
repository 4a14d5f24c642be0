"""Occurrence of a fact: the ids of dossier, piece, message and journey, and the fact's fields."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.envelope import Event
from shared.contracts.facts import Fact, Fields
from shared.runtime.tracing.spans import RootSpan
from shared.runtime.tracing.traceparent import SpanContext

Ids = Mapping[str, str]
"""Ids by name, for those names of `shared.contracts.facts.IDS` that have a value."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A fact that has happened, if its transaction commits."""

    fact: Fact
    ids: Ids
    fields: Fields
    at_ns: int = field(default_factory=time.time_ns)
    cause: str | None = None
    """Id of the message that caused the fact."""
    root: RootSpan | None = None
    """Root span of the request or jobs that caused the fact; None when a message did."""
    sent: SpanContext | None = None
    """For a handled message: the span in which it was published, read from its record."""


def list_ids(event: Event[Any]) -> Ids:
    """List the ids of a message, and of the dossier and the piece that it is about."""
    ids = {
        "dossier_id": event.dossierid,
        "piece_id": getattr(event.data, "piece_id", None),
        "message_id": event.id,
        "correlation_id": event.correlationid,
    }
    return {name: value for name, value in ids.items() if value is not None}
