"""Followers are woken even where the store has no change stream."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from shared.runtime.notifier import Notifier
from shared.runtime.store import change_stream
from shared.runtime.store.change_stream import watch_inserts
from tests.kit.waiting import scale_timeout


class WithoutChanges:
    """A collection that refuses change streams."""

    def watch(self, _: list[dict[str, Any]]) -> None:
        raise OperationFailure("no change streams here")


async def test_without_a_change_stream_everybody_is_woken_to_look_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(change_stream, "_POLL_S", 0.001)
    notifier = Notifier()
    collection = cast("Any", WithoutChanges())
    watching = asyncio.create_task(
        watch_inserts(collection, lambda row: notifier.notify(row["_id"]), notifier.notify_all)
    )

    with notifier.subscribe("d") as one, notifier.subscribe("e") as other:
        for _ in range(3):
            async with asyncio.timeout(scale_timeout(5)):
                await one.wait()
                await other.wait()
            one.clear()
            other.clear()

    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
