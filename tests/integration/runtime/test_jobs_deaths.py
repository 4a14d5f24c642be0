"""Replicas that die or freeze amid their jobs: others carry them out, each once."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from shared.runtime.jobs.rows import Job, enqueue
from shared.runtime.store.database import Store
from tests.kit.namespaces import Namespace
from tests.kit.waiting import wait_until

REPLICA = "tests.integration.runtime.jobs_replica"
SERVER = "tests.integration.runtime.calls_server"
KEYS = [f"{n:02}" for n in range(20)]
_NOWHERE = "http://127.0.0.1:9"


@dataclass
class Replicas:
    """Replicas as processes, each under a name."""

    namespace: Namespace
    store: Store
    url: str = _NOWHERE
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        where = [self.namespace.platform.addresses.mongo, self.namespace.prefix, name, self.url]
        self.processes[name] = subprocess.Popen([sys.executable, "-m", REPLICA, *where])

    async def start_amid_a_batch(self, name: str, **payload: object) -> None:
        """Give it jobs, and start it: its first batch stops midway."""
        await put(self.store, "moves", KEYS, **payload)
        await self.store.collection("gates").insert_one({"_id": name})
        self.start(name)
        begun = self.store.collection("begun")
        await wait_until(lambda: begun.find_one({"by": name}), f"{name} is amid a batch", 30)

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.processes[name].pid, number)

    async def wake_and_see_at_work(self, frozen: str, *, instead_of: str) -> None:
        """Wake a frozen replica and give it a job, which it takes when it has left its old ones."""
        await self.store.collection("gates").delete_one({"_id": frozen})
        self.signal(frozen, signal.SIGCONT)
        await until_none_is_left(self.store)
        self.signal(instead_of, signal.SIGKILL)
        await put(self.store, "moves", ["new"])
        await until_none_is_left(self.store)

    def kill_all(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
async def replicas(namespace: Namespace, store: Store) -> AsyncIterator[Replicas]:
    # A transaction that creates a collection locks it whole.
    for name in ("done", "counts"):
        await store.db.create_collection(name)
    made = Replicas(namespace, store)
    yield made
    made.kill_all()


async def put(store: Store, kind: str, keys: Collection[str], **payload: object) -> None:
    await store.transaction(lambda tx: enqueue(tx, [Job(kind, key, payload) for key in keys]))


async def until_none_is_left(store: Store) -> None:
    async def is_empty() -> bool:
        return await store.collection("jobs").count_documents({}) == 0

    await wait_until(is_empty, "all are carried out", 60)


async def find_done(store: Store) -> list[tuple[str, str]]:
    return [(row["key"], row["by"]) async for row in store.collection("done").find()]


async def test_what_a_killed_replica_was_amid_is_carried_out_by_another_once(
    store: Store, replicas: Replicas
) -> None:
    await replicas.start_amid_a_batch("a")

    replicas.signal("a", signal.SIGKILL)
    replicas.start("b")
    await until_none_is_left(store)

    assert Counter(await find_done(store)) == Counter((key, "b") for key in KEYS)


async def test_what_a_frozen_replica_was_amid_is_carried_out_by_another_once(
    store: Store, replicas: Replicas
) -> None:
    await replicas.start_amid_a_batch("a")

    replicas.signal("a", signal.SIGSTOP)
    replicas.start("b")
    await until_none_is_left(store)
    await replicas.wake_and_see_at_work("a", instead_of="b")

    assert Counter(await find_done(store)) == Counter([*((key, "b") for key in KEYS), ("new", "a")])


async def test_documents_that_a_frozen_replica_has_locked_hold_up_no_other_and_change_once(
    store: Store, replicas: Replicas
) -> None:
    jobs = store.collection("jobs")
    await store.collection("counts").insert_many([{"_id": key, "count": 0} for key in KEYS])
    await replicas.start_amid_a_batch("a", locks=True)
    (holder,) = await jobs.distinct("holder", {"holder": {"$exists": True}})

    replicas.signal("a", signal.SIGSTOP)
    replicas.start("b")

    async def others_are_done_and_one_was_taken_over() -> bool:
        taken_over = {"holder": {"$ne": holder}}
        return await jobs.count_documents({}) == 5 and await jobs.find_one(taken_over) is not None

    await wait_until(others_are_done_and_one_was_taken_over, "the others pass", 60)
    await replicas.wake_and_see_at_work("a", instead_of="b")

    assert Counter(key for key, _ in await find_done(store)) == Counter([*KEYS, "new"])
    rows = await store.collection("counts").find().to_list(None)
    assert {row["_id"]: row["count"] for row in rows} == dict.fromkeys(KEYS, 1)


async def test_an_outside_effect_is_repeated_with_the_same_key_when_its_replica_is_killed(
    store: Store, replicas: Replicas, tmp_path: Path
) -> None:
    received = tmp_path / "received"
    invoices = [f"facture-{n}" for n in range(30)]
    await put(store, "calls", invoices)
    with calls_server(received) as url:
        replicas.url = url
        replicas.start("a")
        await wait_until(lambda: received.read_text().split(), "a call is being answered", 30)
        replicas.signal("a", signal.SIGKILL)
        cut = Counter(received.read_text().split())
        async with httpx.AsyncClient(base_url=url) as http:
            (await http.post("/release")).raise_for_status()
        replicas.start("b")
        await until_none_is_left(store)

    keys = Counter(received.read_text().split())
    assert {*keys} == {f"calls|{each}" for each in invoices}
    assert all(keys[each] > times for each, times in cut.items())


@contextmanager
def calls_server(received: Path) -> Iterator[str]:
    """Run somebody else's HTTP server as a process, which notes the keys that it receives."""
    received.touch()
    command = [sys.executable, "-m", SERVER, str(received)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()
