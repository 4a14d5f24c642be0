"""Spans of publications and deliveries; facts that a delivery caused are its span events."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

from shared.contracts.facts import DEAD_LETTER, DELIVERY, Fields
from shared.runtime.facts.occurrence import Ids, Occurrence
from shared.runtime.tracing.spans import Span, SpanEvent, SpanKind, tracing
from shared.runtime.tracing.traceparent import (
    SpanContext,
    compute_delivery_span_id,
    compute_span_id,
    compute_trace_id,
)

_ID_TIME_DIGITS = 12
_ID_TIME_NS = 1_000_000
_ATTRIBUTES = {
    "topic": "messaging.destination.name",
    "message_id": "messaging.message.id",
    "correlation_id": "messaging.message.conversation_id",
}


def record_transaction(service: str, started_ns: int, occurrences: Iterable[Occurrence]) -> None:
    """Record the spans of the messages that a transaction handled.

    The facts that no message caused are added to the root span of their request or jobs.
    """
    handled: list[Occurrence] = []
    caused: dict[tuple[str, str], list[Occurrence]] = defaultdict(list)
    for each in occurrences:
        if each.fact in {DELIVERY, DEAD_LETTER}:
            handled.append(each)
        elif each.cause is not None:
            caused[compute_trace_id(each.ids["correlation_id"]), each.cause].append(each)
        elif each.root is not None:
            each.root.add(compute_trace_id(each.ids["correlation_id"]), [_build_event(each)])
    deliveries = _Deliveries(service, started_ns)
    own: dict[str, tuple[Occurrence, SpanContext]] = {}
    for each in handled:
        context = deliveries.find_context(each)
        if context is not None:
            message_id = each.ids["message_id"]
            own[message_id] = each, context
            events = caused.pop((context.trace_id, message_id), [])
            deliveries.record(each, context.trace_id, each.sent, events)
    # A changed structure may release held dossiers: record its delivery in their traces too.
    for (trace_id, message_id), events in caused.items():
        if message_id in own:
            delivery, context = own[message_id]
            deliveries.record(delivery, trace_id, context, events)


class _Deliveries:
    """The spans of the messages that one transaction handled."""

    def __init__(self, service: str, started_ns: int) -> None:
        self._service = service
        self._started_ns = started_ns

    def find_context(self, handled: Occurrence) -> SpanContext | None:
        """Build the ids of a message's span; None when no id and no header names a trace."""
        span_id = compute_delivery_span_id(handled.ids["message_id"], self._service)
        if "correlation_id" in handled.ids:
            return SpanContext(compute_trace_id(handled.ids["correlation_id"]), span_id)
        return SpanContext(handled.sent.trace_id, span_id) if handled.sent else None

    def record(
        self,
        handled: Occurrence,
        trace_id: str,
        parent: SpanContext | None,
        caused: Sequence[Occurrence],
    ) -> None:
        """Record a span: child of `parent`, or linked to it when it is in another trace."""
        is_child = parent is not None and parent.trace_id == trace_id
        tracing.record(
            Span(
                f"{handled.fact.name} {handled.fields['topic']}",
                SpanKind.CONSUMER,
                trace_id,
                compute_delivery_span_id(handled.ids["message_id"], self._service),
                parent.span_id if parent and is_child else None,
                self._started_ns,
                time.time_ns(),
                _name_attributes(handled.ids, handled.fields),
                tuple(map(_build_event, caused)),
                None if is_child else parent,
                handled.fields.get("reason"),
            )
        )


def record_publication(publication: Occurrence, parent_id: str | None) -> None:
    """Record a publication's span: from the message's creation to the acknowledgement."""
    message_id = publication.ids["message_id"]
    # A UUIDv7 begins with its creation time in ms, so the span shows the wait in the outbox.
    created_ns = int(message_id.replace("-", "")[:_ID_TIME_DIGITS], 16) * _ID_TIME_NS
    tracing.record(
        Span(
            f"{publication.fact.name} {publication.fields['topic']}",
            SpanKind.PRODUCER,
            compute_trace_id(publication.ids["correlation_id"]),
            compute_span_id(message_id),
            parent_id,
            created_ns,
            time.time_ns(),
            _name_attributes(publication.ids, publication.fields),
        )
    )


def _build_event(occurrence: Occurrence) -> SpanEvent:
    attributes = _name_attributes(occurrence.ids, occurrence.fields)
    return SpanEvent(occurrence.fact.name, occurrence.at_ns, attributes)


def _name_attributes(ids: Ids, fields: Fields) -> Fields:
    """Name attributes by OpenTelemetry's conventions, or `aiguillage.<name>` for any other."""
    named = chain(ids.items(), fields.items())
    return {_ATTRIBUTES.get(name, f"aiguillage.{name}"): str(value) for name, value in named}
