"""Rolling restarts: each of three replicas of every service ends by SIGTERM, under traffic."""

import asyncio
from pathlib import Path

import pytest

from deploy.local.platform import Platform
from tests.kit.waiting import scaled
from tests.parcours.conftest import BACKEND, MISSING
from tests.parcours.ledger import settle
from tests.parcours.support_model import train_support
from tests.parcours.traffic import Traffic, open_traffic

REPLICAS = 3
PIECES_EACH = 40
"""Pieces that move while each rank of replicas restarts, at least."""
_LIMIT_S = 300

pytestmark = pytest.mark.skipif(MISSING is not None, reason=f"needs a real Kafka: {MISSING}")


async def test_rolling_restarts_lose_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    platform = Platform(
        BACKEND, replicas=REPLICAS, ready_limit_s=scaled(60), env=train_support(tmp_path)
    )
    await asyncio.to_thread(platform.start)
    try:
        async with open_traffic(platform) as traffic:
            async with asyncio.timeout(scaled(_LIMIT_S)), asyncio.TaskGroup() as group:
                group.create_task(traffic.flow())
                endings = await _restart_each(platform, traffic)
                traffic.stop()
            findings = await settle(platform, traffic)
    finally:
        await asyncio.to_thread(platform.stop)

    with capsys.disabled():
        print(
            f"\nrolling restarts: {len(endings)} replicas ended by SIGTERM, "
            f"{traffic.describe()}, {findings.describe()}"
        )
    assert findings.list_wrong() == []
    assert set(endings) == {"was ended by SIGTERM"}
    assert len(endings) == REPLICAS * len(platform.addresses.services)


async def _restart_each(platform: Platform, traffic: Traffic) -> list[str]:
    """Restart one replica of every service, then the next; say how each ended."""
    endings: list[str] = []
    for rank in range(1, REPLICAS + 1):
        traffic.begin_phase(f"restart {rank}")
        restarts = (
            asyncio.to_thread(platform.restart, name) for name in platform.list_replicas(rank)
        )
        endings += await asyncio.gather(*restarts)
        await traffic.move(PIECES_EACH)
    return endings
