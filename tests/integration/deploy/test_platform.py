"""What the launcher starts works, comes back after a kill, and is gone afterwards."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from deploy.local import Backend, LaunchError, Platform
from deploy.local.folder_lock import stop_launcher
from deploy.local.programs import ROOT
from deploy.topics import provision
from shared.contracts.topics import DOSSIER, STATUT, TOPICS
from tests.integration.deploy.conftest import NO_KAFKA, TOY
from tests.kit.namespaces import build_namespace
from tests.kit.processes import is_gone
from tests.kit.waiting import scale_timeout

_LONE_LAUNCHER = """
import sys
from pathlib import Path
from deploy.local import Backend, Platform
from deploy.local.signals import exit_on_signals

exit_on_signals()
platform = Platform(Backend.EMBEDDED, services=(), run_dir=Path(sys.argv[1])).start()
print(*map(platform.get_pid, platform.names), flush=True)
try:
    sys.stdin.read()
finally:
    platform.stop()
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


async def test_a_topic_of_another_number_of_partitions_is_named_and_left_as_it_is(
    platform: Platform,
) -> None:
    kafka = platform.addresses.kafka
    wanted = [replace(STATUT, name=f"essai.{name}.v1") for name in ("ancien", "sain", "mort")]
    dead_letters = replace(STATUT, name=wanted[2].dead_letters, partitions=2)
    provision(kafka, [replace(wanted[0], partitions=3), wanted[1], dead_letters])

    with pytest.raises(LaunchError) as refused:
        provision(kafka, wanted)

    assert "essai.ancien.v1 has 3 partitions instead of 12" in str(refused.value)
    assert "essai.sain.v1" not in str(refused.value)
    assert "essai.mort.v1.dlq has 2 partitions instead of 1" in str(refused.value)
    assert (await _partitions(platform))["essai.ancien.v1"] == 3


def test_the_command_exits_by_1_when_a_topic_has_another_number_of_partitions() -> None:
    old = [replace(STATUT, partitions=3)]
    with Platform(Backend.EMBEDDED, services=(), topics=old) as running:
        ended = subprocess.run(
            [sys.executable, "-m", "deploy.topics", "--kafka", running.addresses.kafka],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 1
    assert f"error: {STATUT.name} has 3 partitions instead of 12" in ended.stderr


async def test_a_topic_of_another_cleanup_policy_is_named_and_other_settings_are_told(
    native_backbone: Platform,
) -> None:
    # The other broker does not tell the settings of its topics.
    kafka, prefix = native_backbone.addresses.kafka, build_namespace(native_backbone).prefix
    kept = replace(STATUT, name=f"{prefix}garde")
    expiring = replace(STATUT, name=f"{prefix}expirant", retention_days=1)
    compacted = replace(expiring, retention_days=None)
    assert list(provision(kafka, [kept, expiring])) == []

    with pytest.raises(LaunchError) as refused:
        provision(kafka, [kept, compacted])
    remarks = provision(kafka, [replace(expiring, retention_days=2)])

    assert f"{prefix}expirant has cleanup.policy=delete instead of compact" in str(refused.value)
    assert "auto.create.topics.enable" in str(refused.value)
    assert f"{prefix}garde" not in str(refused.value)
    assert list(remarks) == [f"{prefix}expirant has retention.ms=86400000 instead of 172800000"]


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
    assert [each["url"] for each in told["issuers"]] == [platform.addresses.issuer]


def test_a_killed_service_comes_back_on_the_same_address(platform: Platform) -> None:
    first = platform.get_pid("toy")

    platform.kill("toy")
    assert is_gone(first)
    platform.restart("toy")

    assert platform.get_pid("toy") != first
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


def test_replicas_of_a_service_run_beside_one_another_each_from_its_own_source_tree(
    tmp_path: Path,
) -> None:
    _write_next_toy(tmp_path)
    with Platform(
        Backend.EMBEDDED, services=(TOY,), replicas=2, env={"AIGUILLAGE_MAX_BATCH": "7"}
    ) as platform:
        platform.install("toy-3", tmp_path, {"AIGUILLAGE_LOG_LEVEL": "ERROR"})
        platform.spawn("toy-3")
        platform.wait_until_ready("toy-3")
        roots = platform.addresses.replicas["toy"]
        told = [httpx.get(f"{root}/settings").json() for root in roots]
        versions = [httpx.get(f"{root}/version").status_code for root in roots]
        ending = platform.end("toy-2")
        alive = [platform.is_alive(name) for name in ("toy", "toy-2", "toy-3")]

    assert roots[0] == platform.addresses.roots["toy"]
    assert [each["instance"] for each in told] == ["1", "2", "3"]
    assert [each["max_batch"] for each in told] == [7, 7, 7]
    assert [each["log_level"] for each in told] == ["INFO", "INFO", "ERROR"]
    assert versions == [404, 404, 200]
    assert ending == "was ended by SIGTERM"
    assert alive == [True, False, True]


def _write_next_toy(tree: Path) -> None:
    """Write a source tree whose toy has one route more."""
    (tree / "shared").symlink_to(ROOT / "shared")
    path = Path(TOY.replace(".", "/") + ".py")
    text = (ROOT / path).read_text(encoding="utf-8")
    route = '    @app.get("/health/live")\n'
    assert route in text
    (tree / path).parent.mkdir(parents=True)
    (tree / path).write_text(text.replace(route, f'    @app.get("/version")\n{route}'))


def test_nothing_is_left_after_the_end() -> None:
    with Platform(Backend.EMBEDDED, services=()) as platform:
        pids = [platform.get_pid(name) for name in platform.names]
        log = platform.get_log("store")
        assert len(pids) == 3
        assert log.exists()

    assert all(map(is_gone, pids))
    assert not log.parent.exists()


@pytest.mark.native
@pytest.mark.skipif(NO_KAFKA is not None, reason=NO_KAFKA or "")
async def test_on_native_a_later_platform_finds_the_data_and_a_fresh_one_none(
    tmp_path: Path,
) -> None:
    with Platform(Backend.NATIVE, services=(), run_dir=tmp_path) as first:
        await _produce(first, b"hier")
        _documents(first).insert_one({"_id": "hier"})

    with Platform(Backend.NATIVE, services=(), run_dir=tmp_path) as second:
        assert b"hier" in await _records(second)
        assert _documents(second).count_documents({"_id": "hier"}) == 1

    with Platform(Backend.NATIVE, services=(), run_dir=tmp_path, fresh=True) as third:
        assert await _records(third) == []
        assert _documents(third).count_documents({}) == 0


def test_on_embedded_a_later_platform_begins_empty(tmp_path: Path) -> None:
    with Platform(Backend.EMBEDDED, services=(), run_dir=tmp_path) as first:
        _documents(first).insert_one({"_id": "hier"})

    with Platform(Backend.EMBEDDED, services=(), run_dir=tmp_path) as second:
        assert _documents(second).count_documents({}) == 0
        assert (tmp_path / "logs-before" / "store.log").exists()
        assert second.get_log("store").exists()


def test_a_folder_is_for_one_platform_at_a_time(tmp_path: Path) -> None:
    with (
        Platform(Backend.EMBEDDED, services=(), run_dir=tmp_path),
        pytest.raises(LaunchError, match=f"process {os.getpid()}.*make down"),
    ):
        Platform(Backend.EMBEDDED, services=(), run_dir=tmp_path).start()


def test_nothing_outlives_a_launcher_that_was_killed(tmp_path: Path) -> None:
    launcher, pids = _launch_alone(tmp_path)

    launcher.kill()
    launcher.communicate()

    _wait_until(lambda: all(map(is_gone, pids)))


def test_a_launcher_is_stopped_by_its_folder_alone(tmp_path: Path) -> None:
    launcher, pids = _launch_alone(tmp_path)

    assert stop_launcher(tmp_path)
    assert all(map(is_gone, pids))
    assert launcher.wait() == 0
    assert not stop_launcher(tmp_path)


def test_a_number_left_in_the_pid_file_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "launcher.pid").write_text(str(os.getpid()))

    assert not stop_launcher(tmp_path)


def _launch_alone(folder: Path) -> tuple["subprocess.Popen[str]", list[int]]:
    """Start a launcher in a process of its own; gives what it started as well."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", _LONE_LAUNCHER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    pids = [int(pid) for pid in launcher.stdout.readline().split()]
    assert len(pids) == 3
    return launcher, pids


def _documents(platform: Platform) -> Collection[dict[str, object]]:
    return MongoClient[dict[str, object]](platform.addresses.mongo)["toy"]["kept"]


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


def _wait_until(condition: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + scale_timeout(within_s)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
