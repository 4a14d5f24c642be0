"""Deaths by SIGKILL: routing, deposit and the broker end under traffic, and no piece is lost."""

import asyncio

import pytest

from deploy.local.demo.actor import NEEDED_SERVICES
from deploy.local.platform import Platform
from tests.kit.waiting import scaled
from tests.parcours.conftest import BACKEND, MISSING
from tests.parcours.ledger import settle
from tests.parcours.traffic import Traffic, open_traffic

KILLED = ("routing", "deposit", "broker")
PIECES_EACH = 50
"""Pieces that move before each death, and after the last, at least."""
_LIMIT_S = 300

pytestmark = pytest.mark.skipif(MISSING is not None, reason=f"needs a real Kafka: {MISSING}")


async def test_nothing_is_lost_when_processes_die(capsys: pytest.CaptureFixture[str]) -> None:
    platform = Platform(BACKEND, services=NEEDED_SERVICES, ready_limit_s=scaled(60))
    await asyncio.to_thread(platform.start)
    try:
        async with open_traffic(platform) as traffic:
            async with asyncio.timeout(scaled(_LIMIT_S)), asyncio.TaskGroup() as group:
                group.create_task(traffic.flow())
                await _kill_each(platform, traffic)
                traffic.stop()
            findings = await settle(platform, traffic)
    finally:
        await asyncio.to_thread(platform.stop)

    with capsys.disabled():
        print(f"\ndeaths: {traffic.describe()}, {findings.describe()}")
    assert findings.list_wrong() == []


async def _kill_each(platform: Platform, traffic: Traffic) -> None:
    for name in KILLED:
        traffic.begin_phase(f"before the death of {name}")
        await traffic.move(PIECES_EACH)
        await asyncio.to_thread(platform.kill, name)
        await asyncio.to_thread(platform.restart, name)
    traffic.begin_phase("after")
    await traffic.move(PIECES_EACH)
