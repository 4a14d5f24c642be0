"""Bells ring even where the store has no change stream."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from shared.runtime import live
from shared.runtime.live import Bells, ring_inserts


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
