"""The store that stands in for MongoDB: what it is changed to do still keeps its promises."""

import functools
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from secantus import SecantusDBServer, server, storage
from secantus.sessions import SessionRegistry
from secantus.storage import Storage
from secantus.transactions import TransactionRegistry

from deploy.local.secantus_server import (
    Turns,
    keep_same_entries,
    let_collections_go,
    look_once_a_second,
    run_one_statement_at_a_time,
)

_KEYS = (
    [("viewers", 1), ("status", 1)],
    [("viewers", 1), ("order", -1)],
    [("status", 1)],
    [("amount", 1), ("status", 1)],
)
_REPLACED = (
    (Storage, "_validate_geo_indexes"),
    (Storage, "_delete_index_entries"),
    (Storage, "_write_index_entries"),
    (Storage, "_update_matching_chunked"),
    (Storage, "_delete_matching_chunked"),
    (SessionRegistry, "_prune_locked"),
    (TransactionRegistry, "_prune_locked"),
    (TransactionRegistry, "_prune_retryable_locked"),
    (server, "dispatch"),
    (storage, "_time"),
)


@pytest.fixture
def _changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is changed of the server, until the test ends."""
    for owner, name in _REPLACED:
        monkeypatch.setattr(owner, name, vars(owner)[name])
    keep_same_entries()
    run_one_statement_at_a_time()
    let_collections_go()
    look_once_a_second()


@pytest.fixture
def pieces(_changed: None, tmp_path: Path) -> Iterator[Collection[dict[str, Any]]]:
    """An indexed collection of the changed server."""
    with SecantusDBServer(storage_path=str(tmp_path / "files"), replica_set_name="rs") as started:
        client: MongoClient[dict[str, Any]] = MongoClient(
            started.uri, directConnection=True, retryWrites=False, socketTimeoutMS=10_000
        )
        found = client["essai"]["pieces"]
        for key in _KEYS:
            found.create_index(key)
        found.create_index("number", unique=True, sparse=True)
        yield found
        client.close()


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


def _has_waiting(turns: Turns, expected: int) -> bool:
    return len(turns) == expected


def _build_piece(draw: random.Random, piece: int) -> dict[str, Any]:
    document = {
        "_id": piece,
        "viewers": draw.sample("abcdef", draw.randrange(4)),
        "status": draw.choice(["DEPOSEE", "REFUSEE", None]),
        "order": draw.randrange(5),
        "amount": draw.randrange(3),
    }
    return document | ({"number": f"N-{piece}"} if draw.randrange(2) else {})


def test_each_index_finds_what_a_scan_finds_after_updates(
    pieces: Collection[dict[str, Any]],
) -> None:
    draw = random.Random(1)
    for _ in range(400):
        piece = draw.randrange(30)
        match draw.randrange(4):
            case 0:
                pieces.delete_one({"_id": piece})
            case 1:
                pieces.update_many({"order": draw.randrange(5)}, {"$inc": {"amount": 1}})
            case _:
                pieces.replace_one({"_id": piece}, _build_piece(draw, piece), upsert=True)

    kept = list(pieces.find())
    assert len(kept) > 10
    for viewer in "abcdef":
        expected = sorted(each["_id"] for each in kept if viewer in each["viewers"])
        for key in _KEYS[:2]:
            found = [each["_id"] for each in pieces.find({"viewers": viewer}).hint(key)]
            assert sorted(found) == expected, (viewer, key)
    for status in ("DEPOSEE", "REFUSEE"):
        expected = sorted(each["_id"] for each in kept if each["status"] == status)
        found = [each["_id"] for each in pieces.find({"status": status}).hint(_KEYS[2])]
        assert sorted(found) == expected
    for amount in range(1, 6):
        expected = sorted(each["_id"] for each in kept if each["amount"] == amount)
        found = [each["_id"] for each in pieces.find({"amount": amount}).hint(_KEYS[3])]
        assert sorted(found) == expected


def test_what_an_update_or_a_deletion_frees_of_a_unique_index_is_free(
    pieces: Collection[dict[str, Any]],
) -> None:
    pieces.insert_one({"_id": 1, "number": "N-1"})
    pieces.update_one({"_id": 1}, {"$set": {"status": "DEPOSEE"}})
    assert pieces.update_one({"number": "N-1"}, {"$set": {"number": "N-2"}}).modified_count == 1
    pieces.insert_one({"_id": 2, "number": "N-1"})
    pieces.delete_one({"_id": 1})
    pieces.insert_one({"_id": 3, "number": "N-2"})
    assert sorted(each["number"] for each in pieces.find()) == ["N-1", "N-2"]


def _increase_one(pieces: Collection[dict[str, Any]]) -> None:
    pieces.update_one({"_id": 1}, {"$inc": {"amount": 10}})


def _increase_all(pieces: Collection[dict[str, Any]]) -> None:
    pieces.update_many({"amount": {"$lt": 100}}, {"$inc": {"amount": 10}})


def _delete_all(pieces: Collection[dict[str, Any]]) -> None:
    pieces.delete_many({"amount": {"$lt": 100}})


@pytest.mark.parametrize(
    ("write", "expected"),
    [(_increase_one, [11, 1]), (_increase_all, [11, 11]), (_delete_all, [])],
)
def test_a_write_waits_for_the_transaction_it_meets_which_goes_on(
    pieces: Collection[dict[str, Any]],
    write: Callable[[Collection[dict[str, Any]]], None],
    expected: list[int],
) -> None:
    pieces.insert_many([{"_id": 1, "amount": 0}, {"_id": 2, "amount": 0}])
    with (
        pieces.database.client.start_session() as session,
        ThreadPoolExecutor(1) as other,
        session.start_transaction(),
    ):
        pieces.update_one({"_id": 1}, {"$inc": {"amount": 1}}, session=session)
        written = other.submit(write, pieces)
        time.sleep(0.2)
        assert not written.done()
        pieces.update_one({"_id": 2}, {"$inc": {"amount": 1}}, session=session)
        session.commit_transaction()
        written.result(timeout=20)
    assert [each["amount"] for each in pieces.find().sort("_id")] == expected


def test_a_change_stream_waits_without_stopping_the_writes_it_waits_for(
    pieces: Collection[dict[str, Any]],
) -> None:
    with pieces.watch(max_await_time_ms=30_000) as changes, ThreadPoolExecutor(1) as other:
        seen = other.submit(next, changes)
        time.sleep(0.2)
        pieces.insert_one({"_id": 1})
        assert seen.result(timeout=20)["documentKey"] == {"_id": 1}


def test_turns_go_to_those_who_wait_in_the_order_in_which_they_ask() -> None:
    turns = Turns()
    served: list[int] = []

    def take(number: int) -> None:
        with turns.take():
            served.append(number)

    with turns.take(), ThreadPoolExecutor(5) as others:
        for number in range(5):
            others.submit(take, number)
            _wait_until(functools.partial(_has_waiting, turns, number + 1))
        with turns.give():
            _wait_until(lambda: len(served) == 5)
    assert served == [0, 1, 2, 3, 4]


def test_only_one_thread_at_a_time_holds_the_turn() -> None:
    turns = Turns()
    inside = threading.Lock()

    def hold() -> None:
        assert inside.acquire(blocking=False)
        time.sleep(0)
        inside.release()

    def take(_: int) -> None:
        for _ in range(200):
            with turns.take():
                hold()
                with turns.give():
                    pass
                hold()

    with ThreadPoolExecutor(8) as others:
        list(others.map(take, range(8)))


@pytest.mark.usefixtures("_changed")
def test_a_server_looks_for_what_to_forget_at_most_once_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    sessions = SessionRegistry(idle_ttl_seconds=10, time_func=lambda: now)
    for at, name in ((100.0, b"a"), (100.5, b"b"), (110.2, b"c"), (110.9, b"d")):
        now = at
        sessions.register(name * 16)
    assert [name for name in (b"a", b"b", b"c", b"d") if not sessions.is_known(name * 16)] == [b"a"]
    now = 111.3
    assert sessions.prune_idle() == 1
    assert not sessions.is_known(b"b" * 16)
