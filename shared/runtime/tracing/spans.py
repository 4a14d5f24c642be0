"""Spans of this process, and the root span: the request or the jobs from which messages come."""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from shared.runtime.tracing.traceparent import SpanContext

Attributes = Mapping[str, str | int]
_SPAN_BYTES = 8


class SpanKind(StrEnum):
    """Kind of a span, as OpenTelemetry names it."""

    SERVER = "SERVER"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span."""

    name: str
    at_ns: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """A span that has ended."""

    name: str
    kind: SpanKind
    trace_id: str
    span_id: str
    parent_id: str | None
    started_ns: int
    ended_ns: int
    attributes: Attributes = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    link: SpanContext | None = None
    error: str | None = None


class SpanExporter(Protocol):
    """Exports spans that have ended, and never waits."""

    def export(self, span: Span) -> None: ...


class Tracing:
    """Tracing of this process: off until it is given an exporter."""

    def __init__(self) -> None:
        """Start without an exporter."""
        self._exporter: SpanExporter | None = None

    @property
    def is_on(self) -> bool:
        """Whether an exporter is set; without one, no span is built."""
        return self._exporter is not None

    def start(self, exporter: SpanExporter | None) -> None:
        """Export spans by `exporter` from now on; None stops the export."""
        self._exporter = exporter

    def record(self, span: Span) -> None:
        """Export a span that has ended; drop it while tracing is off."""
        if self._exporter is not None:
            self._exporter.export(span)


tracing = Tracing()


class RootSpan:
    """Root span of a request or of a batch of jobs, which no message caused.

    It may act on several dossiers, each of which has a trace: it is recorded in each of them.
    """

    def __init__(self, name: str, kind: SpanKind, link: SpanContext | None = None) -> None:
        """Start the span now."""
        self.span_id = secrets.token_hex(_SPAN_BYTES)
        self._name = name
        self._attributes: Attributes = {}
        self._kind = kind
        self._link = link
        self._started_ns = time.time_ns()
        self._events: dict[str, list[SpanEvent]] = {}
        self._has_ended = False

    def describe_request(self, method: str, route: str, status: int) -> None:
        """Name the span by the route of its request; keep method and status as attributes."""
        self._name = f"{method} {route}"
        self._attributes = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        }

    def add(self, trace_id: str, events: list[SpanEvent]) -> None:
        """Add the events of facts that were committed, to the span in one trace."""
        self._events.setdefault(trace_id, []).extend(events)
        if self._has_ended:
            # The request ended before the transaction: its client disconnected.
            self.end()

    def end(self) -> None:
        """Record the span in each of its traces."""
        self._has_ended = True
        traces, self._events = self._events, {}
        for trace_id, events in traces.items():
            tracing.record(
                Span(
                    self._name,
                    self._kind,
                    trace_id,
                    self.span_id,
                    None,
                    self._started_ns,
                    time.time_ns(),
                    self._attributes,
                    tuple(events),
                    self._link,
                )
            )


_root: ContextVar[RootSpan | None] = ContextVar("root_span", default=None)


def get_current_root() -> RootSpan | None:
    """Return the root span of the running task; None when it has none."""
    return _root.get()


@contextmanager
def run_under(root: RootSpan | None) -> Iterator[None]:
    """Make `root` the current root span within the block; it may belong to another task."""
    token = _root.set(root)
    try:
        yield
    finally:
        _root.reset(token)


@contextmanager
def open_root(
    name: str, kind: SpanKind = SpanKind.INTERNAL, link: SpanContext | None = None
) -> Iterator[RootSpan | None]:
    """Open a root span for the block; None while tracing is off."""
    root = RootSpan(name, kind, link) if tracing.is_on else None
    try:
        with run_under(root):
            yield root
    finally:
        if root is not None:
            root.end()
