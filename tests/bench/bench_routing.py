"""Bench of routing: pieces per second and CPU per piece, beside those of a floor written by hand.

`make bench`; ROUNDS= and DOSSIERS= make a short one.

Each round runs both, each on a platform of its own, in alternating order. The process is warm and
idle when the load is sent. The time runs from the sending to the last record; the CPU time is that
of the process, and apart from it that of the store. What was written is counted in the store and
read back from the broker. PARTITIONS="3 24" adds routing on topics of 3 and of 24 partitions.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from aiokafka import AIOKafkaConsumer
from bson import BSON
from pymongo import MongoClient
from rich.console import Console
from rich.table import Table

from deploy.local import Platform, choose
from deploy.local.platform import STORE
from services.routing.adapters.dossiers import create_indexes
from shared.contracts import topics
from shared.contracts.envelope import Event
from shared.runtime.clock import build_clock
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.store.database import Store, Transaction
from shared.vocabulary.roles import Role
from tests.kit.routing_load import PIECES, STRUCTURES, build_deposits, build_structures, send

WARM_DOSSIERS = 60
_ROUTING = "routing"
_TIMEOUT_S = 120
_TICKS = os.sysconf("SC_CLK_TCK")
_ROOT = Path(__file__).parents[2]
_FORWARDED_TO = (Role.MOE, Role.MOA, Role.SERVICE_FINANCIER)
_RECORDS = {topics.STATUT.name: 8}
_RECORDS |= {topic.name: int(role in _FORWARDED_TO) for role, topic in topics.ACTEUR.items()}
"""Number of records by topic, for each dossier: other roles get no piece on this circuit."""


@dataclass(frozen=True)
class Run:
    """Figures of one run: throughput, CPU time, size of the mean record and of the last dossier."""

    pieces_s: float
    cpu_us: float
    store_cpu_us: float
    record_bytes: float
    document_bytes: float


def main(rounds: int, dossiers: int, partitions: Sequence[int]) -> None:
    """Run `rounds` of `dossiers` each, and print the table."""
    choice = choose()
    variants = {
        "by hand": partial(measure_by_hand, dossiers),
        _ROUTING: partial(measure_routing, dossiers),
    }
    for count in partitions:
        counted = [replace(each, partitions=count) for each in topics.TOPICS]
        name = f"{_ROUTING}, {count} partitions"
        variants[name] = partial(measure_routing, dossiers, on=counted)
    runs: dict[str, list[Run]] = {name: [] for name in variants}
    for number in range(rounds):
        order = [*runs] if number % 2 == 0 else [*runs][::-1]
        for name in order:
            runs[name].append(asyncio.run(variants[name]()))
            print(f"round {number + 1}, {name}: {runs[name][-1].pieces_s:.0f} pieces/s", flush=True)
    _print(runs, f"{dossiers * len(PIECES)} pieces a run, backend {choice.backend}")


async def measure_routing(
    dossiers: int,
    env: Mapping[str, str] | None = None,
    on: Sequence[topics.Topic] = topics.TOPICS,
) -> Run:
    """Measure routing on a platform of its own; `env` holds further settings of routing."""
    services = ("services.routing",)
    with Platform(choose().backend, services=services, env=env, topics=on) as platform:
        addresses = platform.addresses
        db = MongoClient[dict[str, Any]](addresses.mongo)["routing"]
        await send(addresses.kafka, topics.STRUCTURE, [*build_structures()])
        await _wait_until(lambda: db["structures"].count_documents({}) == STRUCTURES)
        pids = platform.get_pid("routing"), platform.get_pid(STORE)
        return await _measure(addresses.kafka, db, pids, dossiers)


async def measure_by_hand(dossiers: int) -> Run:
    """Measure the floor, on a platform of its own."""
    with Platform(choose().backend, services=()) as platform:
        addresses = platform.addresses
        db = MongoClient[dict[str, Any]](addresses.mongo)["routing"]
        await _prepare_by_hand(addresses.mongo, db)
        with _run_floor(addresses.kafka, addresses.mongo) as pid:
            return await _measure(addresses.kafka, db, (pid, platform.get_pid(STORE)), dossiers)


async def _measure(
    kafka: str,
    db: Any,  # noqa: ANN401
    pids: tuple[int, int],
    dossiers: int,
) -> Run:
    """Measure a load after a warm-up: its time, and the CPU time of both processes in `pids`."""
    await _travel(kafka, db, WARM_DOSSIERS)
    before, started = [_read_cpu_s(pid) for pid in pids], time.perf_counter()
    record_bytes = await _travel(kafka, db, dossiers)
    took = time.perf_counter() - started
    pieces = dossiers * len(PIECES)
    client, store = (
        (_read_cpu_s(pid) - cpu) / pieces * 1e6 for pid, cpu in zip(pids, before, strict=True)
    )
    last = db["dossiers"].find_one(sort=[("_id", -1)])
    return Run(pieces / took, client, store, record_bytes, len(BSON.encode(last)))


async def _travel(kafka: str, db: Any, dossiers: int) -> float:  # noqa: ANN401
    """Send a load and wait until it is handled; return the mean size of a record, in bytes."""
    before = {name: db[name].count_documents({}) for name in ("dossiers", "audit", "inbox")}
    load = build_deposits(dossiers)
    async with _open_consumer(kafka) as consumer:
        await send(kafka, topics.PIECE_DEPOSEE, load)
        counts, size = await _read(consumer, dossiers)
    await _wait_until(lambda: db["outbox"].count_documents({}) == 0)
    after = {name: db[name].count_documents({}) - count for name, count in before.items()}
    pieces = dossiers * len(PIECES)
    assert after == {"dossiers": dossiers, "audit": pieces, "inbox": pieces}, after
    assert dossiers <= counts[topics.DOSSIER.name] <= pieces, counts
    return size / sum(counts.values())


@asynccontextmanager
async def _open_consumer(kafka: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Open a consumer at the end of every topic that routing writes here, within the block."""
    topics_written = (topics.STATUT, topics.DOSSIER, *topics.ACTEUR.values())
    names = [topic.name for topic in topics_written]
    consumer = AIOKafkaConsumer(*names, bootstrap_servers=kafka, auto_offset_reset="latest")
    await consumer.start()
    for partition in consumer.assignment():
        await consumer.position(partition)
    yield consumer
    await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, dossiers: int) -> tuple[Counter[str], int]:
    """Read until every status, forwarded piece and last state of the load was published."""
    counts: Counter[str] = Counter()
    size, last = 0, 0
    deadline = time.monotonic() + _TIMEOUT_S
    expected = {name: count * dossiers for name, count in _RECORDS.items()}
    while last < dossiers or any(counts[name] < count for name, count in expected.items()):
        assert time.monotonic() < deadline, counts
        for records in (await consumer.getmany(timeout_ms=50)).values():
            for record in records:
                counts[record.topic] += 1
                size += len(record.value)
                is_state = record.topic == topics.DOSSIER.name
                last += is_state and b'"role":"service_financier","structure"' in record.value
    assert all(counts[name] == count for name, count in expected.items()), counts
    return counts, size


@contextmanager
def _run_floor(kafka: str, mongo: str) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.bench.floor_routing", kafka, mongo]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


async def _prepare_by_hand(mongo: str, db: Any) -> None:  # noqa: ANN401
    """Write the directory and create the indexes that routing would have."""
    db["structures"].insert_many([{"_id": name, "version": 1} for name, _ in build_structures()])
    clock = build_clock()
    async with Store(mongo, "routing", clock) as store:
        await create_indexes(store)
        await Inbox(store, topics.PIECE_DEPOSEE, _handle_nothing, clock).prepare()


async def _handle_nothing(_: Transaction, __: Sequence[Event[Any]]) -> None:
    """Do nothing: handler of an inbox that only creates its indexes."""


def _read_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def _print(runs: dict[str, list[Run]], title: str) -> None:
    table = Table(
        "", "pieces/s", "CPU µs/piece", "the store's", "bytes/record", "bytes/dossier", title=title
    )
    for name, each in runs.items():
        table.add_row(
            name,
            " ".join(f"{run.pieces_s:.0f}" for run in each),
            " ".join(f"{run.cpu_us:.0f}" for run in each),
            " ".join(f"{run.store_cpu_us:.0f}" for run in each),
            f"{median(run.record_bytes for run in each):.0f}",
            f"{median(run.document_bytes for run in each):.0f}",
        )
    Console().print(table)
    ours = runs[_ROUTING]
    for name in [each for each in runs if each != _ROUTING]:
        pairs = [*zip(ours, runs[name], strict=True)]
        speed = median(a.pieces_s / b.pieces_s for a, b in pairs)
        cost = median(a.cpu_us / b.cpu_us for a, b in pairs)
        store = median(a.store_cpu_us / b.store_cpu_us for a, b in pairs)
        print(
            f"{_ROUTING} / {name}, medians: pieces/s {speed:.2f}, CPU per piece {cost:.2f}, "
            f"the store's {store:.2f}"
        )
