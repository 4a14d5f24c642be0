"""Connections to the chat that say nothing: not many, and not for long."""

import asyncio

from services.support.chat.entrypoints.first_frame_limit import FirstFrameLimit
from tests.kit.waiting import scale_timeout


async def wait(limit: FirstFrameLimit, name: str, left: list[str]) -> None:
    try:
        async with limit.count_silent():
            await asyncio.Event().wait()
    except TimeoutError:
        left.append(name)


async def test_when_too_many_are_silent_the_one_who_has_waited_longest_leaves() -> None:
    limit, left = FirstFrameLimit(2, seconds=60), list[str]()
    async with asyncio.TaskGroup() as group:
        tasks = {}
        for name in "abcd":
            tasks[name] = group.create_task(wait(limit, name, left))
            await asyncio.sleep(0)
        async with asyncio.timeout(scale_timeout(5)):
            await tasks["a"]
            await tasks["b"]
        # Who speaks at once gets through, and the oldest makes room once more.
        async with limit.count_silent():
            pass
        async with asyncio.timeout(scale_timeout(5)):
            await tasks["c"]
        assert left == ["a", "b", "c"]
        tasks["d"].cancel()
    # Nobody is silent any more.
    async with limit.count_silent(), limit.count_silent():
        assert left == ["a", "b", "c"]


async def test_nobody_stays_silent_for_long() -> None:
    left: list[str] = []

    await wait(FirstFrameLimit(2, seconds=0.01), "a", left)

    assert left == ["a"]
