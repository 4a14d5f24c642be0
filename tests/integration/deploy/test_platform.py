"""What the launcher starts works, comes back after a kill, and is gone afterwards."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from deploy.local import Backend, Platform
from shared.contracts.topics import DOSSIER, STATUT, TOPICS
from tests.kit.waiting import scaled

_LONE_LAUNCHER = """
import sys
from pathlib import Path
from deploy.local import Backend, Platform

platform = Platform(Backend.EMBEDDED, services=(), run_dir=Path(sys.argv[1])).start()
print(*map(platform.pid, platform.names), flush=True)
sys.stdin.read()
"""


async def test_the_broker_gives_back_what_it_took(platform: Platform) -> None:
    await _produce(platform, b"avant")

    assert b"avant" in await _records(platform)


async def test_every_topic_of_the_registry_exists_and_so_do_its_dead_letters(
    platform: Platform,
) -> None:
    partitions = await _partitions(platform)

    assert {topic.name: topic.partitions for topic in TOPICS}.items() <= partitions.items()
    assert {topic.dead_letters: 1 for topic in TOPICS}.items() <= partitions.items()


def test_the_store_runs_transactions(platform: Platform) -> None:
    with MongoClient[dict[str, object]](platform.addresses.mongo) as client:
        pieces = client["toy"]["pieces"]
        with client.start_session() as session:
            with session.start_transaction():
                pieces.insert_one({"_id": "kept"}, session=session)
            session.start_transaction()
            pieces.insert_one({"_id": "undone"}, session=session)
            with pytest.raises(OperationFailure):
                pieces.insert_one({"_id": "kept"}, session=session)

        assert [piece["_id"] for piece in pieces.find()] == ["kept"]


def test_a_service_is_told_where_it_runs_and_what_its_broker_can_do(platform: Platform) -> None:
    told = httpx.get(f"{platform.addresses.roots['toy']}/settings").json()

    real = platform.backend.has_real_kafka
    assert told["kafka"] == platform.addresses.kafka
    assert told["mongo"] == platform.addresses.mongo
    assert (told["idempotent_producer"], told["end_offsets_reliable"]) == (real, real)
    assert told["trust_headers"] is True


def test_a_killed_service_comes_back_on_the_same_address(platform: Platform) -> None:
    first = platform.pid("toy")

    platform.kill("toy")
    assert _is_gone(first)
    platform.restart("toy")

    assert platform.pid("toy") != first
    assert httpx.get(f"{platform.addresses.roots['toy']}/health/live").is_success


def test_a_killed_store_keeps_what_it_acknowledged(platform: Platform) -> None:
    with MongoClient[dict[str, object]](platform.addresses.mongo) as client:
        client["toy"]["acknowledged"].insert_one({"_id": 1})

    platform.kill("store")
    platform.restart("store")

    with MongoClient[dict[str, object]](platform.addresses.mongo) as client:
        assert client["toy"]["acknowledged"].count_documents({}) == 1


async def test_a_killed_broker_comes_back_with_its_topics_and_if_real_with_its_records(
    platform: Platform,
) -> None:
    await _produce(platform, b"acquitte")

    platform.kill("broker")
    platform.restart("broker")

    assert (await _partitions(platform))[DOSSIER.name] == DOSSIER.partitions
    kept = b"acquitte" in await _records(platform)
    assert kept is platform.backend.has_real_kafka


def test_nothing_is_left_after_the_end() -> None:
    with Platform(Backend.EMBEDDED, services=()) as platform:
        pids = [platform.pid(name) for name in platform.names]
        log = platform.log("store")
        assert len(pids) == 2
        assert log.exists()

    assert all(map(_is_gone, pids))
    assert not log.parent.exists()


def test_nothing_outlives_a_launcher_that_was_killed(tmp_path: Path) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", _LONE_LAUNCHER, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    pids = [int(pid) for pid in launcher.stdout.readline().split()]
    assert len(pids) == 2

    launcher.kill()
    launcher.communicate()

    _wait_until(lambda: all(map(_is_gone, pids)))


async def _produce(platform: Platform, value: bytes) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=platform.addresses.kafka,
        enable_idempotence=platform.backend.has_real_kafka,
        acks="all",
    ) as producer:
        await producer.send_and_wait(STATUT.name, value, partition=0)


async def _records(platform: Platform) -> list[bytes]:
    """Read without a group: joining one takes the embedded broker seconds."""
    async with AIOKafkaConsumer(
        bootstrap_servers=platform.addresses.kafka, auto_offset_reset="earliest"
    ) as consumer:
        partition = TopicPartition(STATUT.name, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        batches = await consumer.getmany(partition, timeout_ms=2_000)
    return [record.value for records in batches.values() for record in records]


async def _partitions(platform: Platform) -> dict[str, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.addresses.kafka)
    await admin.start()
    try:
        topics: Iterable[dict[str, list[object]]] = await admin.describe_topics()
    finally:
        await admin.close()
    return {str(topic["topic"]): len(topic["partitions"]) for topic in topics}


def _is_gone(pid: int) -> bool:
    """Ask ps rather than signal 0: an orphan that nobody reaps still has its number."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return not state or state.startswith("Z")


def _wait_until(condition: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + scaled(within_s)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
