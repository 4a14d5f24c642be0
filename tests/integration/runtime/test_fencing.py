"""A relay that another has replaced publishes nothing more, whenever it wakes: on a real Kafka."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Self

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ProducerFenced

from shared.contracts.outgoing import Outgoing
from shared.runtime.messaging.broker import Broker
from shared.runtime.store.database import Store, Transaction
from shared.runtime.store.driver import ReturnDocument
from tests.integration.runtime.test_outbox import an_id_of
from tests.kit.events import NOTES, STATES, Noted
from tests.kit.namespaces import Namespace
from tests.kit.outbox import read_outbox
from tests.kit.waiting import wait_until

pytestmark = [pytest.mark.native, pytest.mark.usefixtures("native_backbone")]
_ROOT = Path(__file__).parents[3]
_KEYS = [f"s{number}" for number in range(24)]
_LEASE_S = 2.0
_AHEAD_S = (0, 600, -240)
_FAULTS = ("read", "handed", "kill")
_ROUNDS = 20


class Replica:
    """A process that only relays."""

    def __init__(self, namespace: Namespace, ahead_s: int) -> None:
        self.ahead_s = ahead_s
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.integration.runtime.replica"),
                *(namespace.settings().model_dump_json(), str(_LEASE_S), str(ahead_s)),
            ],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)

    def freeze(self, point: str) -> None:
        """Have it freeze when it next comes to that point."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{point}\n")
        self._process.stdin.flush()

    def holds(self, lease: str) -> bool:
        return f"holder {lease}\n" in self._lines

    def count(self, *words: str) -> int:
        return sum(any(word in line for word in words) for line in self._lines)

    @property
    def is_frozen(self) -> bool:
        return self.count("freezing") > 0

    @property
    def is_defeated(self) -> bool:
        """Whether it knows that another has replaced it."""
        return self.count("relay.fenced", "relay.lease_lost") > 0

    def wake(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Reader:
    """Reads the compacted topic to its end, again and again."""

    def __init__(self, namespace: Namespace) -> None:
        self._name = namespace.prefix + STATES.name
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=namespace.platform.addresses.kafka, auto_offset_reset="earliest"
        )
        self.records = 0
        self._versions: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        parts = [TopicPartition(self._name, part) for part in range(STATES.partitions)]
        self._consumer.assign(parts)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def read_versions(self) -> dict[str, int]:
        """Read the last version of each key."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        while any([await self._consumer.position(part) < end for part, end in ends.items()]):
            for records in (await self._consumer.getmany(timeout_ms=100)).values():
                self.records += len(records)
                for record in records:
                    self._versions[record.key.decode()] = json.loads(record.value)["data"][
                        "version"
                    ]
        return self._versions


async def write_all(store: Store) -> None:
    """Write the next version of every state, a transaction each, all side by side."""

    async def write(transaction: Transaction, key: str) -> None:
        state = await transaction.collection("states").find_one_and_update(
            {"_id": key},
            {"$inc": {"version": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=transaction.session,
        )
        assert state is not None
        told = Noted(text=key, version=state["version"])
        transaction.publish(Outgoing(STATES, key, key, told, "c"))

    await asyncio.gather(*(store.transaction(partial(write, key=key)) for key in _KEYS))


@asynccontextmanager
async def writing(store: Store) -> AsyncIterator[None]:
    """Write versions all the while, and to the end of the last round of them."""
    is_over = False

    async def write() -> None:
        while not is_over:
            await write_all(store)

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        is_over = True
        await task


async def read_states(store: Store) -> dict[str, int]:
    return {row["_id"]: row["version"] async for row in store.collection("states").find()}


async def wait_until_published(store: Store) -> None:
    async def is_empty() -> bool:
        return not await read_outbox(store)

    await wait_until(is_empty, "all is published", limit_s=60)


async def find_relay(store: Store, replicas: list[Replica]) -> Replica:
    """Find the replica that holds the lease, and has a producer."""
    found: list[Replica] = []

    async def is_found() -> bool:
        lease = await store.collection("leases").find_one({"_id": "relay"})
        found[:] = [each for each in replicas if lease and each.holds(lease["holder"])]
        return bool(found and found[0].count("producer.renewed"))

    await wait_until(is_found, "one of them is the relay", limit_s=60)
    return found[0]


@pytest.fixture
def start_replica(namespace: Namespace) -> Iterator[Callable[[int], Replica]]:
    started: list[Replica] = []

    def start(ahead_s: int) -> Replica:
        started.append(Replica(namespace, ahead_s))
        return started[-1]

    yield start
    for each in started:
        each.kill()


async def test_the_broker_refuses_an_older_producer_where_a_newer_one_has_written(
    namespace: Namespace,
) -> None:
    namespace.provision([NOTES])
    old, new = (Broker("essai", namespace.settings()) for _ in range(2))
    other = Broker("autre", namespace.settings())

    async def send(link: Broker) -> None:
        row = {"topic": NOTES.name, "key": "d1", "value": b"{}", "headers": []}
        await (await link.publish(row))

    for each in (other, old, new):
        await each.renew_producer()
    await send(old)
    await send(new)
    with pytest.raises(ProducerFenced):
        await send(old)
    await send(other)

    await old.renew_producer()
    await send(old)
    with pytest.raises(ProducerFenced):
        await send(new)
    for each in (other, old, new):
        await each.stop()


@pytest.mark.parametrize("point", ["read", "handed"])
async def test_a_relay_frozen_with_a_page_in_its_hands_publishes_nothing_old_when_it_wakes(
    namespace: Namespace, store: Store, start_replica: Callable[[int], Replica], point: str
) -> None:
    namespace.provision([STATES])
    frozen = start_replica(0)
    await find_relay(store, [frozen])
    frozen.freeze(point)
    async with writing(store):
        await wait_until(lambda: frozen.is_frozen, "it freezes", limit_s=60)
    successor = start_replica(0)
    await find_relay(store, [successor])
    await wait_until_published(store)
    await write_all(store)
    await wait_until_published(store)

    frozen.wake()
    await wait_until(lambda: frozen.is_defeated, "it finds itself replaced", limit_s=60)

    async with Reader(namespace) as reader:
        assert await reader.read_versions() == await read_states(store)
    assert not successor.is_defeated


async def test_compacted_topics_end_by_the_newest_version_after_freezes_skews_and_kills(
    namespace: Namespace,
    store: Store,
    start_replica: Callable[[int], Replica],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    namespace.provision([STATES])
    # Each id is made by another clock, as in transactions of several replicas.
    for module in ("database", "outbox_documents"):
        monkeypatch.setattr(
            f"shared.runtime.store.{module}.new_id",
            lambda: an_id_of(time.time() + random.choice(_AHEAD_S)),
        )
    replicas = [start_replica(ahead_s) for ahead_s in _AHEAD_S]
    async with Reader(namespace) as reader:
        for number in range(_ROUNDS):
            fault = _FAULTS[number % len(_FAULTS)]
            async with writing(store):
                deposed = await find_relay(store, replicas)
                replicas.remove(deposed)
                if fault == "kill":
                    deposed.kill()
                else:
                    deposed.freeze(fault)
                    await wait_until(lambda: deposed.is_frozen, "it freezes", limit_s=60)  # noqa: B023
                await find_relay(store, replicas)
                wakes_early = number % 2 == 0
                if fault != "kill" and wakes_early:
                    deposed.wake()
            await wait_until_published(store)
            if fault != "kill":
                deposed.wake()
                await wait_until(lambda: deposed.is_defeated, "it is replaced", limit_s=60)  # noqa: B023
                deposed.kill()
            replicas.append(start_replica(deposed.ahead_s))

            assert await reader.read_versions() == await read_states(store), (number, fault)
        count = sum((await read_states(store)).values())
    print(
        f"{_ROUNDS} freezes and kills, clocks {_AHEAD_S} s ahead: {len(_KEYS)} keys end by the "
        f"newest of {count} versions; {reader.records - count} published twice"
    )
