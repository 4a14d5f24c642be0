"""A service as a process: settings, health, logs, dead letters, stop."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import Platform
from deploy.local.platform import BROKER, STORE
from deploy.topics import provision
from shared.contracts.envelope import encode
from shared.contracts.topics import STATUT, STRUCTURE
from shared.runtime.clock import build_clock
from shared.runtime.store.database import Store
from tests.kit.access import get_access, run_services
from tests.kit.events import NOW
from tests.kit.states import a_status
from tests.kit.topics import delete_topic
from tests.kit.waiting import scale_timeout, wait_until

TOY = "tests.integration.runtime.toy"
_GRACE_S = 29
"""Less than the 30 s after which Kubernetes kills what it told to stop."""


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with run_services(TOY) as running:
        yield running


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=platform.addresses.services["toy"], timeout=scale_timeout(15)
    ) as opened:
        yield opened


@pytest.fixture
async def db(platform: Platform) -> AsyncIterator[Store]:
    async with Store(platform.addresses.mongo, "toy", lambda: NOW) as opened:
        yield opened


async def health(http: httpx.AsyncClient, path: str) -> httpx.Response:
    """Ask at the root of the service, where operators ask."""
    return await http.get(http.base_url.join(path))


async def send(platform: Platform, *records: tuple[str, str, bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=platform.addresses.kafka) as producer:
        for topic, key, value in records:
            await producer.send_and_wait(topic, value, key=key.encode())


def dead_letters(platform: Platform, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shared.runtime.messaging.dead_letters", "--service", "toy", *words],
        env={**_environ(), "AIGUILLAGE_MONGO": platform.addresses.mongo},
        capture_output=True,
        text=True,
        timeout=scale_timeout(30),
        check=False,
    )


def listed(platform: Platform, *filters: str) -> list[str]:
    """List entries by the command; give their ids."""
    done = dead_letters(platform, "list", *filters)
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    return [row.split()[0] for row in rows if row.startswith((" many", " odd", "many", "odd"))]


def build_me() -> dict[str, str]:
    return get_access().headers("35600000000048", "moe")


def start(platform: Platform, **changes: str) -> "subprocess.Popen[str]":
    env = {
        **_environ(),
        "AIGUILLAGE_KAFKA": platform.addresses.kafka,
        "AIGUILLAGE_MONGO": platform.addresses.mongo,
        "AIGUILLAGE_NAMESPACE": "autre-",
        **changes,
    }
    return subprocess.Popen(
        [sys.executable, "-m", TOY],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _environ() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name != "AIGUILLAGE_MONGO"}  # noqa: TID251


async def kept(db: Store, dossier: str) -> list[int]:
    rows = db.collection("kept").find({"dossier": dossier}).sort("_id", 1)
    return [row["rank"] async for row in rows]


async def dead_entry(db: Store, dossier: str) -> str:
    entry = await db.collection("inbox").find_one({"stream": dossier, "state": "dead"})
    assert entry is not None
    return str(entry["_id"])


async def test_a_taken_port_ends_the_process_and_says_so(platform: Platform) -> None:
    port = platform.addresses.roots["toy"].rpartition(":")[2]
    process = start(platform, AIGUILLAGE_PORT=port)
    out, err = await asyncio.to_thread(process.communicate, timeout=scale_timeout(20))

    assert process.returncode != 0
    assert "address already in use" in out + err
    assert "Traceback" not in err


async def test_what_was_loaded_at_start_is_left_out_of_collections(
    http: httpx.AsyncClient,
) -> None:
    assert (await http.get("/settled", headers=build_me())).json() > 10_000


async def test_one_dead_letter_is_listed_shown_replayed_and_what_waited_follows(
    platform: Platform, db: Store
) -> None:
    events = [a_status("d1", 1), a_status("d1", 2, "BOGUE"), a_status("d1", 3), a_status("d2", 1)]
    await send(platform, *((STATUT.name, e.dossierid or "", encode(e)) for e in events))
    await wait_until(
        lambda: db.collection("inbox").find_one({"_id": "d1-2", "state": "dead"}), "it is dead"
    )
    await wait_until(
        lambda: db.collection("kept").find_one({"dossier": "d2"}), "the other dossier passes"
    )
    assert await kept(db, "d1") == [1]

    listed = dead_letters(platform, "list")
    assert listed.returncode == 0, listed.stderr
    assert "d1-2" in listed.stdout
    assert "a bug of the handler" in listed.stdout
    assert "d1-3" in listed.stdout
    shown = dead_letters(platform, "show", "d1-2")
    assert encode(events[1]).decode() in shown.stdout.replace("\n", "")
    assert dead_letters(platform, "replay", "absent").returncode != 0
    typo = dead_letters(platform, "--service", "tov", "list")
    assert typo.returncode != 0
    assert "there are: toy" in " ".join(typo.stderr.replace("│", " ").split())
    assert dead_letters(platform, "replay", "d1-3").returncode != 0

    assert dead_letters(platform, "replay", "d1-2").returncode == 0
    is_dead = {"_id": "d1-2", "state": "dead", "replayed_at": {"$exists": True}}
    await wait_until(lambda: db.collection("inbox").find_one(is_dead), "it fails again")
    (tried,) = (row for row in dead_letters(platform, "list").stdout.splitlines() if "bug" in row)
    # One moment since when it is held, one of its last replay.
    assert len(re.findall(r"\d\d:\d\d:\d\d", tried)) == 2
    await db.collection("fixed").insert_one({})
    assert dead_letters(platform, "replay", "d1-2").returncode == 0
    await wait_until(
        lambda: db.collection("kept").find_one({"dossier": "d1", "rank": 3}), "all follow"
    )
    await db.collection("fixed").delete_many({})

    assert await kept(db, "d1") == [1, 2, 3]
    assert "d1-" not in dead_letters(platform, "list").stdout


async def test_a_dead_letter_is_replayed_with_a_corrected_body(
    platform: Platform, db: Store, tmp_path: Path
) -> None:
    await send(platform, (STATUT.name, "d3", b"{"))
    await send(platform, (STATUT.name, "d3", encode(a_status("d3", 2))))
    await wait_until(lambda: db.collection("inbox").find_one({"_id": "d3-2"}), "the second waits")
    entry_id = await dead_entry(db, "d3")
    body = tmp_path / "corrected.json"
    body.write_bytes(encode(a_status("d3", 1)))
    saved = tmp_path / "saved.json"
    assert dead_letters(platform, "show", entry_id, "--save", str(saved)).returncode == 0
    assert saved.read_bytes() == b"{"
    assert dead_letters(platform, "show", entry_id, "--save", str(saved)).returncode == 2
    missing = dead_letters(platform, "replay", entry_id, "--body", str(tmp_path / "absent.json"))
    assert missing.returncode == 2
    assert "does not exist" in missing.stderr
    assert "Traceback" not in missing.stderr
    large = tmp_path / "large.json"
    large.write_bytes(b" " * 1_000_001)
    assert dead_letters(platform, "replay", entry_id, "--body", str(large)).returncode != 0

    replayed = dead_letters(platform, "replay", entry_id, "--body", str(body))
    assert replayed.returncode == 0, replayed.stderr
    assert "its stored event is replaced" in replayed.stdout
    await wait_until(
        lambda: db.collection("kept").find_one({"dossier": "d3", "rank": 2}), "both follow"
    )

    assert await kept(db, "d3") == [1, 2]


async def test_a_dead_letter_is_discarded(platform: Platform, db: Store) -> None:
    await send(platform, (STATUT.name, "d4", b"{"))
    await send(platform, (STATUT.name, "d4", encode(a_status("d4", 2))))
    await wait_until(lambda: db.collection("inbox").find_one({"_id": "d4-2"}), "the second waits")
    entry_id = await dead_entry(db, "d4")

    assert dead_letters(platform, "discard", entry_id, "--rank", "1").returncode == 0
    await wait_until(
        lambda: db.collection("kept").find_one({"dossier": "d4"}), "the second follows"
    )

    assert await kept(db, "d4") == [2]


async def test_many_dead_letters_are_found_by_filters_replayed_and_discarded(
    platform: Platform, db: Store
) -> None:
    events = [a_status(f"many{rank}", 1, "BOGUE") for rank in range(1, 61)]
    await send(
        platform,
        *((STATUT.name, event.dossierid or "", encode(event)) for event in events),
        (STATUT.name, "odd1", b"{"),
        (STATUT.name, "odd1", encode(a_status("odd1", 2))),
    )
    inbox = db.collection("inbox")
    mine = {"stream": {"$regex": "^(many|odd)"}}

    async def are_dead() -> bool:
        return await inbox.count_documents(mine | {"state": "dead"}) == 61

    await wait_until(are_dead, "all are dead", limit_s=40)
    await wait_until(lambda: inbox.find_one({"_id": "odd1-2"}), "one waits behind")

    bugs = "--topic", STATUT.name, "--reason", "a bug of the handler"
    assert listed(platform, *bugs, "--dossier", "many7") == ["many7-1"]
    assert listed(platform, "--dossier", "odd1", "--state", "parked") == ["odd1-2"]
    assert listed(platform, *bugs, "--until", "2026-01-01") == []
    assert len(listed(platform, *bugs, "--since", "2026-01-01T00:00+01:00")) == 60
    assert dead_letters(platform, "list", "--since", "hier").returncode == 2

    for wrong in ("replay",), ("replay", "many1-1", *bugs), ("discard", *bugs, "--state", "done"):
        assert dead_letters(platform, *wrong).returncode == 2
    dry = dead_letters(platform, "replay", *bugs, "--dry-run")
    assert "replay of 60; nothing is changed" in dry.stdout
    assert await inbox.count_documents(mine | {"state": "dead"}) == 61

    await db.collection("fixed").insert_one({})
    done = dead_letters(platform, "replay", *bugs)
    assert "replay of 60 asked for; " in done.stdout, done.stderr
    assert "decisions to carry out" in done.stdout
    kept = db.collection("kept")

    async def are_kept() -> bool:
        return await kept.count_documents({"dossier": {"$regex": "^many"}}) == 60

    await wait_until(are_kept, "all are replayed", limit_s=40)
    await db.collection("fixed").delete_many({})

    await send(platform, (STATUT.name, "odd2", b"["))
    await wait_until(lambda: inbox.find_one({"stream": "odd2"}), "another one is dead")
    dead = await dead_entry(db, "odd1")
    assert dead_letters(platform, "discard", dead, "--state", "parked").returncode == 2
    # What is parked behind a dead letter is not discarded with it.
    for dossier in ("odd1", "odd2"):
        done = dead_letters(platform, "discard", "--reason", "JSON", "--dossier", dossier)
        assert "discard of 1 asked for" in done.stdout, done.stderr
    assert listed(platform, "--dossier", "odd1") == ["odd1-2"]
    assert dead_letters(platform, "discard", "odd1-2").returncode == 0
    assert dead_letters(platform, "discard", "odd1-2").returncode == 2
    assert listed(platform, "--dossier", "odd1") == []


async def test_a_poisoned_structure_waits_for_the_operator_and_holds_nothing_back(
    platform: Platform, db: Store
) -> None:
    await send(platform, (STRUCTURE.name, "s1", b"{"))
    await wait_until(
        lambda: db.collection("inbox").find_one({"stream": "s1"}), "it is a dead letter"
    )

    entry_id = await dead_entry(db, "s1")
    assert dead_letters(platform, "discard", entry_id).returncode == 0
    await wait_until(
        lambda: db.collection("inbox").find_one({"_id": entry_id, "state": "discarded"}), "it goes"
    )


async def test_a_dead_letter_as_large_as_the_broker_allows_reaches_its_topic(
    platform: Platform, db: Store
) -> None:
    largest = b"x" * 1_048_300
    await send(platform, (STATUT.name, "d6", largest))
    await wait_until(lambda: db.collection("inbox").find_one({"stream": "d6"}), "it is dead")
    entry_id = await dead_entry(db, "d6")

    consumer = AIOKafkaConsumer(
        STATUT.dead_letters,
        bootstrap_servers=platform.addresses.kafka,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4_000_000,
    )
    async with consumer:
        record = await asyncio.wait_for(consumer.getone(), scale_timeout(20))
        while record.key != b"d6":
            record = await asyncio.wait_for(consumer.getone(), scale_timeout(20))

    assert record.value == largest
    assert dict(record.headers)["x-entry"] == entry_id.encode()


async def test_every_line_of_the_log_is_json_and_names_what_it_is_about(
    platform: Platform, http: httpx.AsyncClient, db: Store
) -> None:
    await send(platform, (STATUT.name, "d5", encode(a_status("d5", 1, "BOGUE"))))
    await wait_until(lambda: db.collection("inbox").find_one({"_id": "d5-1"}), "it is dead")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    traceparent = f"00-{trace}-00f067aa0ba902b7-01"
    await http.post("/things", headers=build_me() | {"traceparent": traceparent})

    await wait_until(
        lambda: "fact.dead_letter" in platform.get_log("toy").read_text(), "it is logged"
    )

    lines = [json.loads(line) for line in platform.get_log("toy").read_text().splitlines()]
    assert {"toy"} == {line["service"] for line in lines}
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    failed = [line for line in lines if line.get("message_id") == "d5-1"]
    assert {"message.failed", "fact.dead_letter"} <= {line["event"] for line in failed}
    assert {"d5"} == {line["dossier_id"] for line in failed}
    assert {"journey of d5"} == {line["correlation_id"] for line in failed}
    (made,) = [line for line in lines if line["event"] == "thing.made"]
    assert made["correlation_id"] == trace


async def test_a_fact_is_logged_once_by_a_process_that_dies_in_its_transaction(
    platform: Platform, db: Store
) -> None:
    events = [a_status("d9", 1), a_status("d9", 2, "MORT"), a_status("d9", 3)]
    await send(platform, *((STATUT.name, "d9", encode(each)) for each in events))
    await wait_until(lambda: not platform.is_alive("toy"), "it is dead")
    await asyncio.to_thread(platform.restart, "toy")
    await wait_until(lambda: db.collection("kept").find_one({"dossier": "d9", "rank": 3}), "all")
    await send(platform, (STATUT.name, "d9", encode(a_status("d9", 4))))

    def delivered() -> list[str]:
        lines = [json.loads(line) for line in platform.get_log("toy").read_text().splitlines()]
        facts = [line for line in lines if line["event"] == "fact.delivery"]
        return [line["message_id"] for line in facts if line["dossier_id"] == "d9"]

    await wait_until(lambda: "d9-4" in delivered(), "it goes on")
    assert delivered() == ["d9-1", "d9-2", "d9-3", "d9-4"]


async def test_a_service_without_its_broker_is_live_and_works_but_is_not_ready(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    platform.kill(BROKER)

    async def is_not_ready() -> bool:
        return (await health(http, "/health/ready")).status_code == 503

    await wait_until(is_not_ready, "it notices")
    assert "bus de messages" in (await health(http, "/health/ready")).json()["detail"]
    assert (await health(http, "/health/live")).status_code == 200
    assert (await http.post("/things", headers=build_me())).status_code == 200
    await asyncio.to_thread(platform.restart, BROKER)

    async def is_ready() -> bool:
        return (await health(http, "/health/ready")).status_code == 200

    await wait_until(is_ready, "it is ready again", limit_s=30)


async def test_a_service_whose_broker_is_away_counts_the_lines_of_the_client_and_leaves_them_out(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    log = platform.get_log("toy")
    before = len(log.read_text().splitlines())
    platform.kill(BROKER)

    def read_lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in log.read_text().splitlines()[before:]]

    def of_the_client() -> list[dict[str, Any]]:
        return [line for line in read_lines() if line["logger"].startswith("aiokafka")]

    await wait_until(
        lambda: any(line.get("suppressed", 0) > 100 for line in of_the_client()),
        "lines are left out and counted",
        limit_s=60,
    )
    for _ in range(9):
        assert (await http.post("/things", headers=build_me())).status_code == 200
    lines = read_lines()
    await asyncio.to_thread(platform.restart, BROKER)

    # A dozen of templates, each of them twice.
    assert len([line for line in lines if line["logger"].startswith("aiokafka")]) < 30
    assert len([line for line in lines if line["event"] == "thing.made"]) == 9

    async def is_ready() -> bool:
        return (await health(http, "/health/ready")).status_code == 200

    await wait_until(is_ready, "it is ready again", limit_s=30)


async def test_a_service_without_its_store_is_live_and_asks_to_come_back(
    platform: Platform, http: httpx.AsyncClient, db: Store
) -> None:
    platform.kill(STORE)

    refused = await http.post("/things", headers=build_me())
    assert refused.status_code == 503, refused.text
    assert refused.headers["retry-after"]
    assert "la base ne répond pas" in (await health(http, "/health/ready")).json()["detail"]
    assert (await health(http, "/health/live")).status_code == 200
    await asyncio.to_thread(platform.restart, STORE)

    async def is_ready() -> bool:
        return (await health(http, "/health/ready")).status_code == 200

    await wait_until(is_ready, "it is ready again", limit_s=30)
    assert (await http.post("/things", headers=build_me())).status_code == 200
    await send(platform, (STATUT.name, "d9", encode(a_status("d9", 1))))
    await wait_until(
        lambda: db.collection("kept").find_one({"dossier": "d9"}), "it consumes", limit_s=30
    )


async def test_a_service_told_to_stop_ends_by_itself_and_says_nothing_wrong(
    platform: Platform,
) -> None:
    began = build_clock()().isoformat()

    os.kill(platform.get_pid("toy"), signal.SIGTERM)
    await wait_until(lambda: not platform.is_alive("toy"), "it ends", limit_s=8, most=_GRACE_S)

    # By their time: a line of the client that was left out before may be logged now.
    lines = [json.loads(line) for line in platform.get_log("toy").read_text().splitlines()]
    last = [line for line in lines if line["timestamp"] > began]
    assert not [line for line in last if line["level"] in {"error", "critical"}]
    await asyncio.to_thread(platform.restart, "toy")


async def test_a_service_ends_in_time_though_its_broker_is_away(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    platform.kill(BROKER)
    for _ in range(20):
        assert (await http.post("/things", headers=build_me())).status_code == 200

    os.kill(platform.get_pid("toy"), signal.SIGTERM)

    await wait_until(lambda: not platform.is_alive("toy"), "it ends", limit_s=25, most=_GRACE_S)


async def test_a_service_that_starts_before_its_broker_is_ready_once_the_broker_is(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    for name in ("toy", BROKER):
        if platform.is_alive(name):
            platform.kill(name)
    starting = asyncio.create_task(asyncio.to_thread(platform.restart, "toy"))

    async def is_live() -> bool:
        return (await health(http, "/health/live")).status_code == 200

    await wait_until(is_live, "it is live")
    assert (await health(http, "/health/ready")).status_code == 503
    # It has not read its directories: it would answer by half of them.
    assert (await http.post("/things", headers=build_me())).status_code == 503
    assert not starting.done()
    await asyncio.to_thread(platform.restart, BROKER)

    await asyncio.wait_for(starting, scale_timeout(50))
    assert "Unclosed" not in platform.get_log("toy").read_text()


async def test_a_service_whose_topic_was_deleted_is_not_ready_until_it_reads_it_again(
    platform: Platform, http: httpx.AsyncClient, db: Store
) -> None:
    if not platform.backend.has_real_kafka:
        pytest.skip("needs the real Apache Kafka")
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.addresses.kafka)
    await admin.start()
    await delete_topic(admin, STATUT.name)
    await admin.close()

    async def says_so() -> bool:
        answer = await health(http, "/health/ready")
        return answer.status_code == 503 and STATUT.name in answer.json()["detail"]

    # It took 296 s, and readiness said nothing.
    await wait_until(says_so, "it says so", limit_s=60, most=200)
    await asyncio.to_thread(provision, platform.addresses.kafka)
    await send(platform, (STATUT.name, "d10", encode(a_status("d10", 1))))
    await wait_until(
        lambda: db.collection("kept").find_one({"dossier": "d10"}), "it reads", limit_s=60, most=200
    )

    async def is_ready() -> bool:
        return (await health(http, "/health/ready")).status_code == 200

    await wait_until(is_ready, "it is ready again")
