"""Deaths by SIGKILL: routing, deposit and the broker end under traffic, and no piece is lost."""

import asyncio
from pathlib import Path

import pytest

from deploy.local.demo.actor import NEEDED_SERVICES
from deploy.local.platform import Platform
from tests.parcours.ledger import settle
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
