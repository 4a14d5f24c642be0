"""Room for uploads is neither lost nor given twice when somebody who waits gives up."""

import asyncio

from shared.runtime.web.body_limits import UploadQuota
from tests.kit.waiting import scale_timeout

_LONG_S = 60.0


async def test_room_that_comes_free_just_when_somebody_gives_up_is_not_lost() -> None:
    quota = UploadQuota("known", 100, _LONG_S)

    async def send(holder: str, size: int) -> None:
        async with quota.reserve(holder, size):
            pass

    async with quota.reserve("a", 100):
        given_up = [asyncio.create_task(send(each, 25)) for each in "bcd"]
        stays = asyncio.create_task(send("e", 100))
        await asyncio.sleep(0)
        # They have not run again when the room comes free, at the end of this block.
        for task in given_up:
            task.cancel()

    ends = await asyncio.gather(*given_up, return_exceptions=True)
    await asyncio.wait_for(stays, scale_timeout(_LONG_S))
    assert all(isinstance(each, asyncio.CancelledError) for each in ends)
    await asyncio.wait_for(send("f", 100), scale_timeout(_LONG_S))
