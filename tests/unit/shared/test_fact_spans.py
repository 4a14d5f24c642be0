"""Spans of what transactions note: below what caused it, in the trace of the dossier it moved."""

from collections.abc import Iterator

import pytest

from shared.contracts.envelope import Event, Payload
from shared.runtime.facts.log import FactLog
from shared.runtime.facts.publications import describe_message, log_publications
from shared.runtime.ids import new_id
from shared.runtime.tracing.spans import Span, open_root, tracing
from shared.runtime.tracing.traceparent import (
    compute_delivery_span_id,
    compute_span_id,
    compute_trace_id,
    format_traceparent,
)
from tests.kit.events import an_event
from tests.kit.states import a_status


class Exported:
    """Keeps the spans that it is given."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def export(self, span: Span) -> None:
        self.spans.append(span)


@pytest.fixture
def exported() -> Iterator[list[Span]]:
    exporter = Exported()
    tracing.start(exporter)
    yield exporter.spans
    tracing.start(None)


def of(journey: str, cause: str | None = None) -> Event[Payload]:
    """Build a message of a journey: a status, which is a fact."""
    changed = {"id": new_id(), "correlationid": journey, "causationid": cause}
    return an_event(payload=a_status("d1", 1).data).model_copy(update=changed)


def sent(event: Event[Payload]) -> dict[str, str]:
    return {"traceparent": format_traceparent(event.correlationid, event.id)}


def test_what_a_message_makes_happen_is_in_the_span_of_its_delivery(exported: list[Span]) -> None:
    taken = of("j1")
    status = of("j1", taken.id)
    facts = FactLog("routing")
    facts.note_delivery(taken, "t", sent(taken))
    parent = facts.find_parent_span(status)
    facts.note_message(status, None)
    assert exported == []
    facts.write()

    (span,) = exported
    assert (span.trace_id, span.parent_id) == (compute_trace_id("j1"), compute_span_id(taken.id))
    assert span.span_id == parent == compute_delivery_span_id(taken.id, "routing")
    assert [event.name for event in span.events] == ["status"]
    assert span.link is None
    assert span.error is None


def test_what_it_makes_happen_in_another_journey_is_in_that_trace_too(exported: list[Span]) -> None:
    structure = of("of a structure")
    status = of("j1", structure.id)
    facts = FactLog("routing")
    facts.note_delivery(structure, "t", sent(structure))
    parent = facts.find_parent_span(status)
    facts.note_message(status, None)
    facts.write()

    own, moved = exported
    assert (own.trace_id, own.parent_id) == (
        compute_trace_id("of a structure"),
        compute_span_id(structure.id),
    )
    assert own.events == ()
    assert (moved.trace_id, moved.span_id, moved.parent_id) == (
        compute_trace_id("j1"),
        parent,
        None,
    )
    assert moved.link is not None
    assert (moved.link.trace_id, moved.link.span_id) == (own.trace_id, own.span_id)
    assert [event.name for event in moved.events] == ["status"]


def test_a_record_of_another_trace_is_linked(exported: list[Span]) -> None:
    taken, other = of("j1"), of("of a partner")
    facts = FactLog("routing")
    facts.note_delivery(taken, "t", sent(other))
    facts.write()

    (span,) = exported
    assert (span.trace_id, span.parent_id) == (compute_trace_id("j1"), None)
    assert span.link is not None
    assert span.link.span_id == compute_span_id(other.id)


def test_a_message_of_long_ago_causes_nothing_below_its_delivery(exported: list[Span]) -> None:
    with open_root("delays") as root:
        status = of("j1", "a structure of yesterday")
        facts = FactLog("routing")
        parent = facts.find_parent_span(status)
        facts.note_message(status, None)
        facts.write()

    assert root is not None
    (span,) = exported
    assert span.span_id == root.span_id == parent
    assert [event.name for event in span.events] == ["status"]


def test_a_root_is_in_the_trace_of_a_message_that_says_no_fact(exported: list[Span]) -> None:
    with open_root("POST"):
        facts = FactLog("organisation")
        facts.note_message(an_event().model_copy(update={"correlationid": "j1"}), None)
        facts.write()

    assert [(span.trace_id, span.events) for span in exported] == [(compute_trace_id("j1"), ())]


def test_what_is_rolled_back_has_no_span(exported: list[Span]) -> None:
    with open_root("POST"):
        FactLog("organisation").note_message(of("j1"), None)

    assert exported == []


def test_a_dead_letter_has_a_span_with_its_reason_where_its_trace_is_known(
    exported: list[Span],
) -> None:
    unread = of("j1")
    facts = FactLog("routing")
    facts.note_dead_letter({"message_id": "t/0/1"}, "t", "t/0/1", "no JSON", sent(unread))
    facts.note_dead_letter({"message_id": "t/0/2"}, "t", "t/0/2", "no JSON", {})
    facts.write()

    (span,) = exported
    assert (span.trace_id, span.parent_id) == (compute_trace_id("j1"), compute_span_id(unread.id))
    assert (span.name, span.error) == ("dead_letter t", "no JSON")


def test_a_publication_is_a_span_and_that_of_a_dead_letter_is_none(exported: list[Span]) -> None:
    status = of("j1")
    row = {"topic": "t", "sent_ns": 5, "about": describe_message(status, "00f067aa0ba902b7")}
    dead = {"topic": "t.dlq", "sent_ns": 5, "about": {"ids": {"message_id": status.id}}}
    log_publications("routing", [row, dead, {"topic": "of a release before", "sent_ns": 5}])

    (span,) = exported
    assert (span.trace_id, span.span_id) == (compute_trace_id("j1"), compute_span_id(status.id))
    assert (span.parent_id, span.name) == ("00f067aa0ba902b7", "publication t")
    assert span.ended_ns >= span.started_ns
    assert span.started_ns == int(status.id.replace("-", "")[:12], 16) * 1_000_000


def test_nothing_is_computed_for_spans_while_tracing_is_off() -> None:
    taken = of("j1")
    facts = FactLog("routing")
    facts.note_delivery(taken, "t", sent(taken))

    assert facts.find_parent_span(of("j1", taken.id)) is None
    facts.write()
