"""Bells ring even where the store has no change stream."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from shared.runtime.web import live
from shared.runtime.web.live import Bells, Hall, ring_inserts


class WithoutChanges:
    """A collection that refuses change streams."""

    def watch(self, _: list[dict[str, Any]]) -> None:
        raise OperationFailure("no change streams here")


async def test_without_a_change_stream_everybody_is_woken_to_look_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_POLL_S", 0.001)
    bells = Bells()
    collection = cast("Any", WithoutChanges())
    ringing = asyncio.create_task(ring_inserts(collection, bells, lambda row: [row["_id"]]))

    with bells.listen("d") as one, bells.listen("e") as other:
        for _ in range(3):
            async with asyncio.timeout(5):
                await one.wait()
                await other.wait()
            one.clear()
            other.clear()

    ringing.cancel()
    with suppress(asyncio.CancelledError):
        await ringing


def test_a_bell_of_several_keys_rings_for_each_and_is_taken_down_whole() -> None:
    bells = Bells()

    with bells.listen("d", "e") as bell:
        for key, rings in (("d", True), ("e", True), ("f", False)):
            bell.clear()
            bells.ring(key)
            assert bell.is_set() is rings
        assert bells.listeners == 2

    assert bells.listeners == 0


async def stands(hall: Hall, name: str, left: list[str]) -> None:
    try:
        async with hall.waiting():
            await asyncio.Event().wait()
    except TimeoutError:
        left.append(name)


async def test_when_the_hall_is_full_who_has_waited_longest_leaves() -> None:
    hall, left = Hall(2, seconds=60), list[str]()
    async with asyncio.TaskGroup() as group:
        tasks = {}
        for name in "abcd":
            tasks[name] = group.create_task(stands(hall, name, left))
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await tasks["a"]
            await tasks["b"]
        # Who speaks passes through, and the oldest makes room once more.
        async with hall.waiting():
            pass
        async with asyncio.timeout(5):
            await tasks["c"]
        assert left == ["a", "b", "c"]
        tasks["d"].cancel()
    # Nobody stands there any more.
    async with hall.waiting(), hall.waiting():
        assert left == ["a", "b", "c"]


async def test_nobody_stands_in_the_hall_for_long() -> None:
    left: list[str] = []

    await stands(Hall(2, seconds=0.01), "a", left)

    assert left == ["a"]
