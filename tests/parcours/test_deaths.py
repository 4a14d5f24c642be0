"""Deaths by SIGKILL: routing, deposit and the broker end under traffic, and no piece is lost.

At the end faults are planted, and the ledger finds each: it would have told.
"""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from pymongo import MongoClient

from deploy.local.demo.actor import NEEDED_SERVICES
from deploy.local.demo.checks import Fault
from deploy.local.platform import Platform
from shared.contracts.topics import PIECE_DEPOSEE
from shared.runtime.clock import build_clock
from tests.parcours.ledger import (
    DEAD_LETTERS,
    STUCK,
    Document,
    ask_readers,
    compare,
    settle,
)
from tests.parcours.platforms import needs_kafka, run_platform
from tests.parcours.traffic import Traffic, open_traffic

KILLED = ("routing", "deposit", "broker")
PIECES_EACH = 50
"""Pieces that move before each death, and after the last, at least."""


@needs_kafka
async def test_nothing_is_lost_when_processes_die(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        run_platform(tmp_path, services=NEEDED_SERVICES) as platform,
        open_traffic(platform) as traffic,
    ):
        async with traffic.flow():
            await _kill_each(platform, traffic)
        findings = await settle(platform, traffic)
        await _plant_faults(platform)
        planted = await compare(platform, traffic)
        shown = await ask_readers(platform, traffic)
        await asyncio.to_thread(platform.kill, "notification")
        unanswered = await ask_readers(platform, traffic, limit_s=1)

    with capsys.disabled():
        print(f"\ndeaths: {traffic.describe()}, {findings.describe()}")
    assert findings.list_wrong() == []
    assert {figure: len(texts) for figure, texts in planted.wrong.items() if texts} == {
        Fault.LOST: 1,
        DEAD_LETTERS: 1,
        STUCK: 3,
    }
    assert len([each for each in shown if "notification shows" in each]) == len(shown) == 2
    assert unanswered == ["services do not answer"]


async def _kill_each(platform: Platform, traffic: Traffic) -> None:
    for name in KILLED:
        traffic.begin_phase(f"before the death of {name}")
        await traffic.move(PIECES_EACH)
        await asyncio.to_thread(platform.kill, name)
        await asyncio.to_thread(platform.restart, name)
    traffic.begin_phase("after")
    await traffic.move(PIECES_EACH)


async def _plant_faults(platform: Platform) -> None:
    """Plant what the ledger must find: no platform that works gives it."""
    async with AIOKafkaProducer(bootstrap_servers=platform.addresses.kafka) as producer:
        await producer.send_and_wait(PIECE_DEPOSEE.dead_letters, b"")
    with MongoClient[Document](platform.addresses.mongo) as client:
        client["deposit"]["dossiers"].update_one({}, {"$inc": {"version": 1}})
        client["routing"]["inbox"].insert_one({"_id": "planted", "held": True})
        for service, why in (("routing", "attempts"), ("deposit", "waits")):
            due = build_clock()()
            job = {"kind": "planted", "key": "", "attempts": 0, "due": due, why: 1}
            client[service]["jobs"].insert_one(job)
        statuses = client["notification"]["statuses"]
        lost, twice = statuses.find({"sequence": 1}).limit(2)
        statuses.delete_one(lost)
        statuses.insert_one({**twice, "_id": "planted", "sequence": 1000})
