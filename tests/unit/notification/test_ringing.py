"""Bells ring even where the store has no change stream."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from services.notification import adapters
from services.notification.adapters import MongoStatuses
from services.notification.application import Bells
from shared.runtime.store import Store


class WithoutChanges:
    """A store, and its one collection, that refuses change streams."""

    def collection(self, _: str) -> "WithoutChanges":
        return self

    def watch(self, _: list[dict[str, Any]]) -> None:
        raise OperationFailure("no change streams here")


async def test_without_a_change_stream_everybody_is_woken_to_look_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapters, "_POLL_S", 0.001)
    bells = Bells()
    ringing = asyncio.create_task(MongoStatuses(cast("Store", WithoutChanges())).ring(bells))

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
