"""The store goes away and comes back: callers are asked to come back, and nothing is lost."""

import asyncio

import httpx

from deploy.local import Platform, einvoices
from shared.vocabulary.roles import Role
from tests.integration.deposit.world import World, acting, an_opener, beside
from tests.kit.waiting import scale_timeout


async def test_a_deposit_waits_for_nobody_while_the_store_is_away(
    platform: Platform, world: World
) -> None:
    content = einvoices.write_ubl(an_opener())
    headers = acting(Role.TITULAIRE, **{"Idempotency-Key": "k-away"})
    await asyncio.to_thread(platform.kill, "store")
    try:
        async with asyncio.timeout(scale_timeout(20)):
            away = await world.deposit(content, beside(), headers)
            ready = await world.http.get(world.http.base_url.join("/health/ready"))
    finally:
        await asyncio.to_thread(platform.restart, "store")

    assert (away.status_code, ready.status_code) == (503, 503)
    assert int(away.headers["Retry-After"]) > 0
    answer = await _insist(world, content, headers)
    assert answer.status_code == 201, answer.text
    assert len(await world.read_deposits(answer.json()["dossier_id"], 1)) == 1


async def _insist(world: World, content: bytes, headers: dict[str, str]) -> httpx.Response:
    """Come back as asked, with the same key."""
    async with asyncio.timeout(scale_timeout(30)):
        while True:
            answer = await world.deposit(content, beside(), headers)
            if answer.status_code != 503:
                return answer
