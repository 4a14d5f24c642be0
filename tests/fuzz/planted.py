"""Planted faults, one of each sort, to check that the fuzzer detects it."""

import asyncio
import itertools
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from structlog.testing import capture_logs

from deploy.local.platform import Platform
from deploy.local.ports import HOST, accepts, find_free_port
from shared.runtime.messaging.broker import Broker
from shared.runtime.messaging.parsing import Record
from tests.fuzz.calls import fuzz_service
from tests.fuzz.corpus import File
from tests.fuzz.faults import SLOW_S, Sort, Tally
from tests.fuzz.files import MEMORY_MB, read_all
from tests.fuzz.fixtures import Known
from tests.fuzz.groups import open_groups
from tests.fuzz.memory import Watched
from tests.fuzz.workers import Reader, Reading
from tests.kit.events import NOTES
from tests.kit.namespaces import Namespace, build_namespace
from tests.kit.waiting import wait_until

Route = Callable[[int], Awaitable[int]]
_READ = Reading("read", is_parsed=True)
_calls = itertools.count()
_STILL_S = 2.0


def fail(content: bytes, name: str) -> Reading:
    """Raise an exception that no reader may raise."""
    raise LookupError(f"{name}: {len(content)}")


def hold(content: bytes, name: str) -> Reading:  # noqa: ARG001 - a reader's arguments
    """Compute for longer than the time limit of an input."""
    begin = time.process_time()
    while time.process_time() - begin < SLOW_S + 0.2:
        pass
    return _READ


def grow(content: bytes, name: str) -> Reading:  # noqa: ARG001 - a reader's arguments
    """Allocate more memory than the limit of a reader."""
    return Reading(str(len(bytearray((MEMORY_MB + 1) * 1024 * 1024))), is_parsed=True)


def waver(content: bytes, name: str) -> Reading:  # noqa: ARG001 - a reader's arguments
    """Return another reading of the same file each time."""
    return Reading(str(next(_calls)), is_parsed=True)


def pass_by(content: bytes, name: str) -> Reading:  # noqa: ARG001 - a reader's arguments
    """Return a reading without a fault."""
    return _READ


READERS: Mapping[Sort, Reader] = {
    Sort.EXCEPTION: fail,
    Sort.SLOW: hold,
    Sort.MEMORY: grow,
    Sort.UNLIKE: waver,
}


def detect_in_files(reader: Reader) -> list[Sort]:
    """Read one file by `reader`; return the sorts of the detected faults."""
    return [fault.sort for fault in read_all([File("planted", b"<a/>")], reader).faults]


async def divide(rank: int) -> int:
    """Raise, so that the route answers 500."""
    return 1 // (rank * 0)


async def promise(rank: int) -> int:  # noqa: ARG001 - a route's argument
    """Answer otherwise than the OpenAPI describes."""
    return JSONResponse({})  # type: ignore[return-value]


ROUTES: Mapping[Sort, Route] = {Sort.SERVER_ERROR: divide, Sort.UNDESCRIBED: promise}


def detect_in_calls(route: Route) -> list[Sort]:
    """Send requests to a service with this route; return the sorts of the detected faults."""
    app = FastAPI()
    app.get("/things")(route)
    tally = Tally("http")
    with _serve(app) as url:
        fuzz_service(url, 1, 20, Known(), Watched({}, {}), tally)
    return sorted({fault.sort for fault in tally.faults})


def detect_in_memory() -> list[Sort]:
    """Watch a process over its memory limit; return the sorts of the detected faults."""
    tally = Tally("http")
    Watched({"planted": os.getpid()}, {"planted": 1}).look(tally, "nothing")
    return [fault.sort for fault in tally.faults]


async def detect_in_groups(namespace: Namespace) -> list[Sort]:
    """Let a group consume a record without end; return the sorts of the detected faults."""
    namespace.provision([NOTES])
    topic = namespace.prefix + NOTES.name
    broker = Broker("planted", namespace.settings())
    group = broker.subscribe("", {NOTES: _Stuck()})
    await broker.start()
    try:
        kafka = namespace.platform.addresses.kafka
        async with AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=False) as producer:
            await producer.send_and_wait(topic, b"{}")
        async with open_groups(kafka) as groups:
            read = {namespace.prefix + group.name: {topic: NOTES.partitions}}
            still = await groups.find_stalled_groups(read, _STILL_S)
    finally:
        await broker.stop()
    return [Sort.STILL for _ in still]


class _Stuck:
    """Inbox that never finishes a record."""

    async def process(self, records: Sequence[Record]) -> None:  # noqa: ARG002 - a taker's argument
        await asyncio.Event().wait()


@contextmanager
def _serve(app: FastAPI) -> Iterator[str]:
    port = find_free_port()
    server = uvicorn.Server(uvicorn.Config(app, HOST, port, log_config=None, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    asyncio.run(wait_until(lambda: accepts(port), "the planted service answers"))
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def check_planted(backbone: Platform) -> list[Sort]:
    """Plant one fault of each sort, print how many are detected, and return the other ones."""
    seen = [
        *((sort, detect_in_files(reader)) for sort, reader in READERS.items()),
        *((sort, detect_in_calls(route)) for sort, route in ROUTES.items()),
        (Sort.MEMORY, detect_in_memory()),
    ]
    if backbone.backend.has_real_kafka:
        with capture_logs():  # errors of the planted fault are not to be printed
            seen.append((Sort.STILL, asyncio.run(detect_in_groups(build_namespace(backbone)))))
    unseen = [sort for sort, found in seen if found != [sort]]
    print(f"planted: {len(seen) - len(unseen)} of {len(seen)} seen", *unseen, sep=", not seen: ")
    return unseen
