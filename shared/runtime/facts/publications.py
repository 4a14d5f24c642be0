"""Publications as facts: described in the outbox row, logged once the broker has acknowledged."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts.envelope import Event
from shared.contracts.facts import PUBLICATION, Fields
from shared.runtime.facts.fact_spans import record_publication
from shared.runtime.facts.lines import write_lines
from shared.runtime.facts.occurrence import Occurrence, list_ids
from shared.runtime.tracing.spans import tracing

Described = Mapping[str, Any]
_UNKNOWN: Described = {"ids": {}}
"""Description of an outbox row that an earlier release wrote: it has none."""


def describe_message(event: Event[Any], parent: str | None) -> Described:
    """Describe a message for its outbox row: ids, type, and the parent of its span."""
    described = {"ids": list_ids(event), "type": event.type}
    return described | {"parent": parent} if parent else described


def log_publications(service: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Log that the broker has acknowledged these rows.

    `about` of a row describes its message, `sent_ns` is when it was handed to the producer.
    """
    published = [(row, row.get("about", _UNKNOWN)) for row in rows]
    occurrences = [
        Occurrence(
            PUBLICATION, about["ids"], {"topic": row["topic"], **_list_type(about)}, row["sent_ns"]
        )
        for row, about in published
    ]
    write_lines(service, occurrences)
    if tracing.is_on:
        for each, (_, about) in zip(occurrences, published, strict=True):
            # A dead letter is another service's message: the span of its fault shows it.
            if "type" in about:
                record_publication(each, about.get("parent"))


def _list_type(about: Described) -> Fields:
    return {"type": about["type"]} if "type" in about else {}
