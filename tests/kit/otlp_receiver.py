"""OTLP receiver: takes spans over HTTP as a collector does, and shows a trace as a tree.

python -m tests.kit.otlp_receiver PORT, then GET /spans (JSON), GET /traces/DOSSIER (text)
"""

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

Seen = dict[str, Any]
_MS_NS = 1_000_000
_SHOWN = ("cadre", "status", "act", "delay", "role")


class Receiver(BaseHTTPRequestHandler):
    """HTTP handler: takes spans from exporters, and answers with those received so far."""

    spans: list[Seen] = []  # noqa: RUF012 - of the process
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take an export: a batch of spans. Answers 400 to any other request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/x-protobuf":
            self._answer(400, b"", "text/plain")
            return
        self.spans.extend(decode_spans(ExportTraceServiceRequest.FromString(body)))
        answer = ExportTraceServiceResponse().SerializeToString()
        self._answer(200, answer, "application/x-protobuf")

    def do_GET(self) -> None:
        """Answer with all spans as JSON, or with one trace as a tree."""
        if self.path == "/spans":
            self._answer(200, json.dumps(self.spans).encode(), "application/json")
            return
        trace_id = self.path.rpartition("/")[2].replace("-", "")
        tree = "\n".join(draw_trace([each for each in self.spans if each["trace"] == trace_id]))
        self._answer(200, f"{tree}\n".encode(), "text/plain; charset=utf-8")

    def _answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log no request."""


def decode_spans(request: ExportTraceServiceRequest) -> Iterator[Seen]:
    """Decode the spans of an export, with the service of each."""
    for resource in request.resource_spans:
        of = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {"service": of["service.name"], "instance": of["service.instance.id"]} | {
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex() or None,
                    "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    "started_ns": span.start_time_unix_nano,
                    "ended_ns": span.end_time_unix_nano,
                    "attributes": _decode_attributes(span.attributes),
                    "events": [
                        {"name": each.name, "attributes": _decode_attributes(each.attributes)}
                        for each in span.events
                    ],
                    "links": [f"{each.trace_id.hex()}-{each.span_id.hex()}" for each in span.links],
                    "has_failed": span.status.code == Status.STATUS_CODE_ERROR,
                }


def _decode_attributes(attributes: Any) -> Seen:  # noqa: ANN401 - protobuf's container
    return {each.key: each.value.string_value or each.value.int_value for each in attributes}


def draw_trace(spans: Sequence[Seen]) -> Iterator[str]:
    """Draw a trace, oldest first: each span below its parent, deliveries without effect beside."""
    children: dict[str | None, list[Seen]] = defaultdict(list)
    ids = {each["id"] for each in spans}
    for span in sorted(spans, key=lambda each: int(each["started_ns"])):
        children[span["parent"] if span["parent"] in ids else None].append(span)
    for root in children[None]:
        yield from _draw_span(root, children, "")


def _draw_span(span: Seen, children: Mapping[str | None, list[Seen]], indent: str) -> Iterator[str]:
    below = children[span["id"]]
    beside = [each for each in below if not children[each["id"]] and not each["events"]]
    arrow = " → " if beside and span["kind"] == "PRODUCER" else ""
    takers = ", ".join(sorted(f"{each['service']} {_format_ms(each)}" for each in beside))
    events = ", ".join(map(_describe_event, span["events"]))
    yield (
        f"{indent}{span['service']} {span['name']} {_format_ms(span)}"
        + (f": {events}" if events else "")
        + (arrow + takers if arrow else "")
    )
    for each in below:
        if not arrow or each not in beside:
            yield from _draw_span(each, children, f"{indent}  ")


def _format_ms(span: Seen) -> str:
    return f"{(span['ended_ns'] - span['started_ns']) / _MS_NS:.0f} ms"


def _describe_event(event: Seen) -> str:
    shown = (event["attributes"].get(f"aiguillage.{name}") for name in _SHOWN)
    return " ".join([event["name"], *(each for each in shown if each)])


def main() -> None:
    """Serve on a port of loopback until the process ends."""
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
