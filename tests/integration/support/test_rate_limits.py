"""Counts by the hour, on a real store."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.support.access.adapters.rate_limits import HourlyRates
from shared.runtime.store.database import Store

NOW = datetime(2026, 11, 24, 9, 59, tzinfo=UTC)


async def test_each_comer_has_so_many_of_each_thing_in_each_hour(store: Store) -> None:
    now = NOW
    rates = HourlyRates(store, lambda: now)
    tickets, talks = rates.build_limit("ticket", 2), rates.build_limit("message", 1)

    assert [await tickets.count_request("a") for _ in range(3)] == [False, False, True]
    assert not await tickets.count_request("b")
    assert [await talks.count_request("a") for _ in range(2)] == [False, True]
    now = NOW + timedelta(minutes=1)
    assert not await tickets.count_request("a")


async def test_replicas_count_together_and_keep_nobody_in_clear(store: Store) -> None:
    replicas = [HourlyRates(store, lambda: NOW).build_limit("ticket", 5) for _ in range(2)]
    await HourlyRates(store, lambda: NOW).prepare()

    exceeded = await asyncio.gather(
        *(replicas[rank % 2].count_request("192.0.2.7") for rank in range(8))
    )

    assert sum(exceeded) == 3
    (row,) = [each async for each in store.collection("rates").find()]
    assert "192.0.2.7" not in str(row)
    # Kept until the hour that is counted is over, whenever in it somebody came.
    assert row["expires_at"] > NOW + timedelta(hours=1)
