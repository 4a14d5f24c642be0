"""The ids of traces and spans, and what is read of a header that anybody may write."""

import pytest

from shared.runtime.ids import new_id
from shared.runtime.tracing.traceparent import (
    SpanContext,
    compute_delivery_span_id,
    compute_span_id,
    compute_trace_id,
    format_traceparent,
    parse_traceparent,
)

JOURNEY = "0197a5c0-0000-7000-8000-00000000c001"
NIL = "00000000-0000-0000-0000-000000000000"
MESSAGE = "0197a5c0-1111-7222-9333-44445555e001"


def test_the_ids_are_the_digits_of_a_uuid() -> None:
    assert compute_trace_id(JOURNEY) == "0197a5c000007000800000000000c001"
    assert compute_span_id(MESSAGE) == "933344445555e001"
    assert (
        format_traceparent(JOURNEY, MESSAGE)
        == "00-0197a5c000007000800000000000c001-933344445555e001-01"
    )


@pytest.mark.parametrize(
    "name",
    ["journey-1", "", "é" * 50, "\ud800", JOURNEY.upper(), "0" * 32, "0" * 36, NIL],
)
def test_an_id_that_is_no_uuid_has_ids_all_the_same(name: str) -> None:
    parsed = parse_traceparent(format_traceparent(name, name))

    assert parsed == SpanContext(compute_trace_id(name), compute_span_id(name))
    assert compute_trace_id(name) != compute_trace_id(f"{name} other")


def test_a_delivery_has_a_span_of_its_own_in_each_service() -> None:
    spans = {compute_delivery_span_id(MESSAGE, name) for name in ("deposit", "portal")}

    assert len(spans | {compute_span_id(MESSAGE)}) == 3
    assert all(len(each) == 16 for each in spans)


def test_what_is_written_is_read_again() -> None:
    journey, message = new_id(), new_id()

    assert parse_traceparent(format_traceparent(journey, message)) == SpanContext(
        journey.replace("-", ""), message.replace("-", "")[16:]
    )


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
        "x" * 100_000,
    ],
)
def test_what_is_no_traceparent_is_none(text: str | None) -> None:
    assert parse_traceparent(text) is None
