"""The store that stands in for MongoDB: an update leaves the index entries that do not change."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from secantus import SecantusDBServer
from secantus.storage import Storage

from deploy.local.secantus_server import keep_same_entries

_KEYS = (
    [("viewers", 1), ("status", 1)],
    [("viewers", 1), ("order", -1)],
    [("status", 1)],
    [("amount", 1), ("status", 1)],
)
_METHODS = ("_validate_geo_indexes", "_delete_index_entries", "_write_index_entries")


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Collection[dict[str, Any]]]:
    """An indexed collection of a server whose updates keep the entries that do not change."""
    for name in _METHODS:
        monkeypatch.setattr(Storage, name, vars(Storage)[name])
    keep_same_entries()
    with SecantusDBServer(storage_path=str(tmp_path / "files")) as server:
        client: MongoClient[dict[str, Any]] = MongoClient(server.uri)
        found = client["essai"]["pieces"]
        for key in _KEYS:
            found.create_index(key)
        found.create_index("number", unique=True, sparse=True)
        yield found
        client.close()


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
