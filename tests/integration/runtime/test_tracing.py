"""Spans go to a collector in a process of its own; one that is away costs a service nothing."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY

from deploy.local.ports import HOST, find_free_port
from deploy.local.programs import ROOT
from shared.contracts.envelope import Event, encode
from shared.contracts.routing_v1 import StatusChanged
from shared.contracts.topics import STATUT
from shared.runtime.ids import new_id
from shared.runtime.settings import RuntimeSettings
from shared.runtime.tracing.exporter import OtlpExporter
from shared.runtime.tracing.spans import (
    RootSpan,
    Span,
    SpanEvent,
    SpanKind,
    get_current_root,
    open_root,
    run_under,
    tracing,
)
from shared.runtime.tracing.traceparent import SpanContext, compute_trace_id
from tests.integration.runtime.test_service import TOY
from tests.kit.namespaces import Namespace
from tests.kit.receivers import Receiver, run_receiver
from tests.kit.states import a_status
from tests.kit.waiting import scale_timeout

TRACE = "0197a5c000007000800000000000c001"
CLIENT = SpanContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
QUEUE = 4096


def a_span(name: str = "delivery", trace_id: str = TRACE) -> Span:
    now = time.time_ns()
    return Span(
        name,
        SpanKind.CONSUMER,
        trace_id,
        "933344445555e001",
        "933344445555e002",
        now - 5_000_000,
        now,
        {"aiguillage.piece_id": "p", "http.response.status_code": 200},
        (SpanEvent("status", now, {"aiguillage.status": "DEPOSEE"}),),
        CLIENT,
        "a bug",
    )


def dropped(reason: str) -> float:
    labels = {"reason": reason}
    return REGISTRY.get_sample_value("aiguillage_spans_dropped_total", labels) or 0.0


async def test_a_span_arrives_as_it_was_made() -> None:
    with run_receiver() as receiver:
        exporter = OtlpExporter("routing", "routing-0", f"{receiver.endpoint}/")
        exporter.export(a_span())
        await exporter.stop()

        (seen,) = await receiver.list_spans()

    took_ns = seen.pop("ended_ns") - seen.pop("started_ns")
    assert took_ns == 5_000_000
    assert seen == {
        "service": "routing",
        "instance": "routing-0",
        "trace": TRACE,
        "id": "933344445555e001",
        "parent": "933344445555e002",
        "name": "delivery",
        "kind": "CONSUMER",
        "attributes": {"aiguillage.piece_id": "p", "http.response.status_code": 200},
        "events": [{"name": "status", "attributes": {"aiguillage.status": "DEPOSEE"}}],
        "links": ["4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"],
        "has_failed": True,
    }


async def test_a_collector_that_is_away_costs_a_bounded_queue_and_a_count() -> None:
    before = dropped("full")
    exporter = OtlpExporter("routing", "1", f"http://{HOST}:{find_free_port()}")
    for _ in range(5 * QUEUE):
        exporter.export(a_span())

    # What the thread has taken meanwhile, a batch, made room in the queue.
    assert 4 * QUEUE - 2 * 512 <= dropped("full") - before <= 4 * QUEUE
    started = time.monotonic()
    await exporter.stop()
    assert time.monotonic() - started < scale_timeout(5, most=25)


async def test_a_collector_that_refuses_is_counted() -> None:
    before = dropped("not_taken")
    with run_receiver() as receiver:
        # Another address than that of traces: 400.
        exporter = OtlpExporter("routing", "1", f"{receiver.endpoint}/elsewhere")
        exporter.export(a_span())
        exporter.export(a_span())
        await exporter.stop()

    assert dropped("not_taken") - before == 2


@contextmanager
def run_odd_collector(status: int, headers: Mapping[str, str]) -> Iterator[str]:
    """Run a collector that gives every request one status, and a body without end."""

    class Odd(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(b"x" * 65536)

        def log_message(self, *_: object) -> None:
            """Log no request."""

    with ThreadingHTTPServer((HOST, 0), Odd) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("status", [301, 304, 308])
async def test_a_collector_that_redirects_is_counted(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    before = dropped("not_taken")
    with run_odd_collector(status, {"Location": "http://localhost:9/"}) as endpoint:
        exporter = OtlpExporter("routing", "1", endpoint)
        exporter.export(a_span())
        await exporter.stop()

    # Exporters of the tests before may still give up theirs.
    assert dropped("not_taken") - before >= 1
    assert f"the collector redirects: {status}" in caplog.text


async def test_an_answer_without_end_is_not_read() -> None:
    with run_odd_collector(200, {}) as endpoint:
        exporter = OtlpExporter("routing", "1", endpoint)
        exporter.export(a_span())
        started = time.monotonic()
        # It waits 3 s at most for an exporter that is still reading.
        await exporter.stop()

    assert time.monotonic() - started < 2.9


async def test_a_root_span_is_in_each_trace_that_it_moved() -> None:
    first, second, unmoved = new_id(), new_id(), new_id()
    with run_receiver() as receiver:
        exporter = OtlpExporter("routing", "1", receiver.endpoint)
        tracing.start(exporter)
        with open_root("POST", SpanKind.SERVER, CLIENT) as root:
            assert root is not None
            assert get_current_root() is root
            with run_under(None):
                assert get_current_root() is None
            root.add(compute_trace_id(first), [])
            root.add(compute_trace_id(second), [SpanEvent("act", time.time_ns(), {})])
            root.describe_request("POST", "/pieces", 201)
        # The client has gone, and what it sent is kept all the same.
        root.add(compute_trace_id(unmoved), [])
        with open_root("elapse"):
            pass
        tracing.start(None)
        await exporter.stop()
        seen = await receiver.list_spans()

    assert get_current_root() is None
    assert {each["trace"] for each in seen} == {
        compute_trace_id(each) for each in (first, second, unmoved)
    }
    assert {each["id"] for each in seen} == {root.span_id}
    assert {(each["name"], each["kind"], each["parent"]) for each in seen} == {
        ("POST /pieces", "SERVER", None)
    }
    assert all(each["links"] == [f"{CLIENT.trace_id}-{CLIENT.span_id}"] for each in seen)
    (moved,) = [each for each in seen if each["trace"] == compute_trace_id(second)]
    assert [each["name"] for each in moved["events"]] == ["act"]


async def test_a_service_that_is_told_to_stop_exports_what_it_still_holds(
    namespace: Namespace,
) -> None:
    namespace.provision()
    with run_receiver() as receiver:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", TOY),
            env=build_environ(namespace, receiver),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            await send_status(namespace, a_status("d1", 1))
            async with asyncio.timeout(scale_timeout(60)):
                assert process.stdout is not None
                while b"fact.delivery" not in await process.stdout.readline():
                    assert process.returncode is None
            # Its thread exports every second: most of the time the span still waits.
            process.terminate()
            await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        (span,) = await receiver.list_spans()

    assert (span["service"], span["name"]) == ("toy", "delivery travaux.statut.v1")


def build_environ(namespace: Namespace, receiver: Receiver) -> dict[str, str]:
    settings = namespace.settings(otlp_endpoint=receiver.endpoint, port=find_free_port())
    told = settings.model_dump(mode="json", exclude_unset=True)
    return {
        f"AIGUILLAGE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in told.items()
    }


async def send_status(namespace: Namespace, status: Event[StatusChanged]) -> None:
    kafka = namespace.platform.addresses.kafka
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(
            namespace.prefix + STATUT.name, encode(status), key=status.data.dossier_id.encode()
        )


def test_nobody_makes_a_root_span_while_tracing_is_off() -> None:
    with open_root("POST") as root:
        assert root is None
        assert get_current_root() is None
    assert isinstance(RootSpan("x", SpanKind.INTERNAL).span_id, str)


@pytest.mark.parametrize("variable", ["AIGUILLAGE_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_an_endpoint_is_named_by_our_variable_or_that_of_opentelemetry(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIGUILLAGE_KAFKA", "k")
    monkeypatch.setenv("AIGUILLAGE_MONGO", "m")
    assert RuntimeSettings().otlp_endpoint == ""

    monkeypatch.setenv(variable, "http://collector:4318")
    assert RuntimeSettings().otlp_endpoint == "http://collector:4318"


def test_without_an_endpoint_opentelemetry_is_not_even_loaded() -> None:
    program = (
        "import sys, services.routing.__main__, services.deposit.__main__;"
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    env = {name: value for name, value in os.environ.items() if "OTEL" not in name}  # noqa: TID251

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=env, check=False)

    assert done.returncode == 0
