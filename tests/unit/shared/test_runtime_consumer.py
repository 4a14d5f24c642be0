"""A consumer whose poll fails goes back to what is committed before it polls again."""

from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError

from shared.runtime.messaging.consumer import WatchedConsumer

_PARTITION = TopicPartition("notes", 0)


async def test_what_a_failed_poll_dropped_is_read_again_however_often_going_back_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    faults: list[Exception] = [
        ValueError("a record that cannot be read"),
        GroupAuthorizationFailedError("essai"),
        GroupAuthorizationFailedError("essai"),
        GroupAuthorizationFailedError("essai"),
    ]

    def step(name: str) -> None:
        done.append(name)
        if faults:
            raise faults.pop(0)

    async def poll(*_: object, **__: object) -> dict[TopicPartition, list[object]]:
        step("poll")
        return {_PARTITION: [SimpleNamespace(offset=3)]}

    async def go_back(*_: object) -> dict[TopicPartition, int]:
        step("back")
        return {_PARTITION: 3}

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", poll)
    monkeypatch.setattr(AIOKafkaConsumer, "seek_to_committed", go_back)
    monkeypatch.setattr(AIOKafkaConsumer, "assignment", lambda _: {_PARTITION})
    consumer = WatchedConsumer(group_id="essai")

    for _ in range(2):
        with pytest.raises(KafkaError):
            await consumer.getmany()
    given = await consumer.getmany()
    await consumer.getmany()
    await consumer.stop()

    assert [record.offset for record in given[_PARTITION]] == [3]
    assert done == ["poll", "back", "back", "back", "back", "poll", "poll"]
