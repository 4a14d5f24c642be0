"""Faults of the world and faults of a message: told apart, waited out, isolated."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    OperationFailure,
    ServerSelectionTimeoutError,
)

from shared.runtime.backoff import retry_forever, retry_transient
from shared.runtime.errors import TransientError, is_transient
from shared.runtime.messaging.isolation import isolate
from shared.runtime.messaging.parsing import Incoming
from shared.runtime.settings import RuntimeSettings
from tests.kit.events import a_record, an_event

LABELLED = OperationFailure("x", 251, {"errorLabels": ["TransientTransactionError"]})


def caused_by(cause: Exception) -> Exception:
    error = RuntimeError("wrapped")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        TransientError("x"),
        AutoReconnect("x"),
        ServerSelectionTimeoutError("x"),
        LABELLED,
        OperationFailure("conflict", 112),
        OperationFailure("cursor not found", 43),
        KafkaConnectionError("x"),
        ConnectionResetError("x"),
        TimeoutError(),
        caused_by(AutoReconnect("x")),
    ],
)
def test_waiting_can_cure_a_fault_of_the_world(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        KeyError("x"),
        DuplicateKeyError("x"),
        OperationFailure("bad value", 2),
        FileNotFoundError("x"),
        MessageSizeTooLargeError("x"),
        caused_by(KeyError("x")),
    ],
)
def test_waiting_cannot_cure_a_bug(error: Exception) -> None:
    assert not is_transient(error)


class Failing:
    """Fails by each of `faults` in turn, then passes."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)

    async def __call__(self) -> str:
        if self.faults:
            raise self.faults.pop(0)
        return "passed"


async def test_a_fault_of_the_world_is_waited_out() -> None:
    assert (
        await retry_transient("essai", Failing(AutoReconnect("x"), TransientError("x"))) == "passed"
    )


async def test_a_bug_is_not_waited_out() -> None:
    with pytest.raises(KeyError):
        await retry_transient("essai", Failing(KeyError("x")))


async def test_the_plumbing_keeps_trying_whatever_happens() -> None:
    assert await retry_forever("essai", Failing(KeyError("x"), AutoReconnect("x"))) == "passed"


async def test_waiting_ends_when_it_is_told_to() -> None:
    async def for_ever() -> None:
        raise TransientError

    waiting = asyncio.create_task(retry_forever("essai", for_ever))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def a_batch(size: int) -> list[Incoming]:
    return [
        Incoming(a_record(an_event(f"d{rank}")), f"e{rank}", f"d{rank}", 1) for rank in range(size)
    ]


@settings(max_examples=10, deadline=None)  # each burial takes three attempts, and their pauses
@given(st.integers(1, 24), st.data())
async def test_every_message_is_taken_or_dead_once_and_in_order(
    size: int, data: st.DataObject
) -> None:
    guilty = data.draw(st.sets(st.sampled_from([f"e{rank}" for rank in range(size)]), max_size=3))
    done: list[str] = []
    dead: list[str] = []

    async def take(batch: Sequence[Incoming]) -> None:
        if guilty & {message.id for message in batch}:
            raise ValueError
        done.extend(message.id for message in batch)

    async def write_dead_letter(message: Incoming, _: str) -> None:
        dead.append(message.id)
        done.append(message.id)

    await isolate(a_batch(size), take, write_dead_letter)

    assert done == [f"e{rank}" for rank in range(size)]
    assert set(dead) == guilty


async def test_a_message_gets_three_attempts_alone() -> None:
    attempts = 0

    async def take(_: Sequence[Incoming]) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ValueError

    async def write_dead_letter(_: Incoming, reason: str) -> None:
        raise AssertionError(reason)

    await isolate(a_batch(1), take, write_dead_letter)

    assert attempts == 3


async def test_nothing_is_dead_for_a_fault_of_the_world() -> None:
    dead: list[str] = []

    async def take(batch: Sequence[Incoming]) -> None:
        raise (TransientError() if len(batch) == 1 else ValueError())

    async def write_dead_letter(message: Incoming, _: str) -> None:
        dead.append(message.id)

    with pytest.raises(TransientError):
        await isolate(a_batch(4), take, write_dead_letter)
    assert dead == []


@pytest.mark.parametrize("namespace", ["a", "A-", "a b-", "-", "../"])
def test_a_namespace_is_a_prefix_that_every_system_takes(namespace: str) -> None:
    with pytest.raises(ValidationError):
        RuntimeSettings(kafka="k", mongo="m", namespace=namespace)
