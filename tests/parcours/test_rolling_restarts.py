"""Rolling restarts: each of three replicas of every service ends by SIGTERM, under traffic."""

import asyncio
from pathlib import Path

import pytest

from deploy.local.platform import Platform
from tests.parcours.ledger import settle
from tests.parcours.platforms import needs_kafka, run_platform
from tests.parcours.traffic import Traffic, open_traffic

REPLICAS = 3
PIECES_EACH = 40
"""Pieces that move while each rank of replicas restarts, and just after, at least."""


@needs_kafka
async def test_rolling_restarts_lose_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        run_platform(tmp_path, replicas=REPLICAS) as platform,
        open_traffic(platform) as traffic,
    ):
        async with traffic.flow():
            endings = await _restart_each(platform, traffic)
        findings = await settle(platform, traffic)

    with capsys.disabled():
        print(
            f"\nrolling restarts: {len(endings)} replicas ended by SIGTERM, "
            f"{traffic.describe()}, {findings.describe()}"
        )
    assert findings.list_wrong() == []
    assert set(endings) == {"was ended by SIGTERM"}
    assert len(endings) == REPLICAS * len(platform.addresses.services)


async def _restart_each(platform: Platform, traffic: Traffic) -> list[str]:
    """Restart one replica of every service, then the next one; return how each ended."""
    endings: list[str] = []
    for rank in range(1, REPLICAS + 1):
        traffic.begin_phase(f"restart {rank}")
        restarts = (
            asyncio.to_thread(platform.restart, name) for name in platform.list_replicas(rank)
        )
        endings += await asyncio.gather(*restarts)
        assert traffic.moved[f"restart {rank}"], "nothing moved meanwhile"
        await traffic.move(PIECES_EACH)
    return endings
