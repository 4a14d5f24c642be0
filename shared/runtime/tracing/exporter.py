"""Exporter of spans over OTLP, by OpenTelemetry: a bounded queue, and a thread that empties it."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared.runtime.metrics import SPANS_DROPPED
from shared.runtime.tracing.spans import Span

_QUEUE_MAX = 4096
_BATCH_MAX = 512
_DELAY_MS = 1000
"""Limits of the queue and of one export, in spans; interval of the exports, in milliseconds."""
STOP_S = 3.0
"""Timeout of the last export, at stop, in seconds."""
_REDIRECTION = 3
"""First digit of the status of a redirect."""
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SCOPE = InstrumentationScope("aiguillage")


class OtlpExporter:
    """Exports the spans of one service to an OTLP endpoint."""

    def __init__(self, service: str, instance: str, endpoint: str) -> None:
        """Start the export thread. `endpoint` is the address of a collector, `http://host:4318`.

        OpenTelemetry reads its own environment variables too: headers, certificates, timeouts,
        attributes of the resource.
        """
        # OpenTelemetry logs every retry; only lost spans are errors, and they are counted too.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        self._resource = Resource.create(
            {
                "service.namespace": "aiguillage",
                "service.name": service,
                "service.instance.id": instance,
            }
        )
        address = f"{endpoint.rstrip('/')}/v1/traces"
        self._sender = _CountingExporter(OTLPSpanExporter(address, session=_Session()))
        self._queue = BatchSpanProcessor(
            self._sender,
            max_queue_size=_QUEUE_MAX,
            schedule_delay_millis=_DELAY_MS,
            max_export_batch_size=_BATCH_MAX,
        )
        self._given = 0

    def export(self, span: Span) -> None:
        """Queue a span; drop and count it when the queue is full."""
        # OpenTelemetry's queue would drop the oldest span without counting it.
        if self._given - self._sender.taken >= _QUEUE_MAX:
            SPANS_DROPPED.labels("full").inc()
            return
        self._given += 1
        self._queue.on_end(self._convert(span))

    def _convert(self, span: Span) -> ReadableSpan:
        return ReadableSpan(
            span.name,
            _build_context(span.trace_id, span.span_id),
            _build_context(span.trace_id, span.parent_id) if span.parent_id else None,
            self._resource,
            span.attributes,
            [Event(each.name, each.attributes, each.at_ns) for each in span.events],
            [Link(_build_context(span.link.trace_id, span.link.span_id))] if span.link else (),
            SpanKind[span.kind],
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
            start_time=span.started_ns,
            end_time=span.ended_ns,
            instrumentation_scope=_SCOPE,
        )

    async def stop(self) -> None:
        """Export the queued spans, within a timeout."""
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()

        def stop() -> None:
            self._queue.shutdown()  # type: ignore[no-untyped-call]
            with suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(stopped.set)

        # In a daemon thread: with the collector away, the shutdown takes half a minute.
        threading.Thread(target=stop, daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), STOP_S)


class _Session(requests.Session):
    """HTTP session of the exporter: a redirect is an error, and the body of an answer is not read.

    OpenTelemetry takes a redirect for success, and would read an answer without end into memory.
    """

    def send(
        self,
        request: requests.PreparedRequest,
        **options: Any,  # noqa: ANN401 - those of requests
    ) -> requests.Response:
        response = super().send(request, **{**options, "stream": True})
        response.close()
        if response.status_code // 100 == _REDIRECTION:
            raise requests.RequestException(f"the collector redirects: {response.status_code}")
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Name none: looking after a redirect would read its body whole."""


class _CountingExporter(SpanExporter):
    """Counts the spans that have left the queue, and those that the collector did not take."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            SPANS_DROPPED.labels("not_taken").inc(len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _build_context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=_SAMPLED)
