"""A crowd at the chat: strangers take the places of nobody else."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from deploy.local import Platform, choose
from tests.integration.support.chat_site import (
    THE_DAY_BEFORE,
    Site,
    a_twin,
    is_ready,
    offset_to,
    somebody,
)
from tests.kit.access import get_access
from tests.kit.waiting import scale_timeout, wait_until


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowded() -> AsyncIterator[tuple[Site, str]]:
    few = {"chat_sockets": 3, "chat_sockets_open": 3, "chat_sockets_desk": 1}
    with (
        Platform(choose().backend, services=()) as platform,
        a_twin(
            platform, offset_to(THE_DAY_BEFORE), **few, chat_sockets_before_first_frame=2
        ) as url,
    ):
        await wait_until(lambda: is_ready(url), "the service is ready", 60)
        async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(30)) as http:
            yield Site(platform, http), url


async def test_strangers_take_neither_the_places_of_callers_nor_those_of_desks(
    crowded: tuple[Site, str],
) -> None:
    site, url = crowded
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(site.asking(at=url))
        with pytest.raises(InvalidStatus, match="503"):
            await stack.enter_async_context(site.socket("/chats", at=url))

        me = somebody()
        _, mine = await stack.enter_async_context(site.asking(me, at=url))
        path = f"/desk/chats/{mine['chat_id']}"
        ali, eve = (get_access().desk_headers("technique", name) for name in ("Ali", "Eve"))
        agent = await stack.enter_async_context(site.socket(path, ali, at=url))
        assert (await agent.next("session"))["chat_id"] == mine["chat_id"]
        with pytest.raises(InvalidStatus, match="503"):
            await stack.enter_async_context(site.socket(path, eve, at=url))


async def test_who_says_nothing_makes_room_for_who_comes(crowded: tuple[Site, str]) -> None:
    site, url = crowded
    async with site.socket("/chats", at=url) as first, site.socket("/chats", at=url) as second:
        async with site.asking(at=url):
            assert await first.closed() == 4408
        # Whoever spoke counts among the silent no more: the second one may stay.
        await second.send(type="commencer")
        assert await second.next("session")


async def test_the_page_of_another_site_is_refused(crowded: tuple[Site, str]) -> None:
    site, url = crowded
    with pytest.raises(InvalidStatus, match="403"):
        async with site.socket("/chats", {"Origin": "https://evil.example"}, at=url):
            pass
    own_page = {"Origin": str(httpx.URL(url).join("/"))}
    async with site.socket("/chats", {**somebody(), **own_page}, at=url) as socket:
        await socket.send(type="commencer")
        assert await socket.next("session")
