"""Files on a real store: one copy, no obstacle, nothing taken away too early."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from bson import ObjectId

from shared.runtime.files import Files
from shared.runtime.store import Store
from tests.kit.events import NOW
from tests.kit.waiting import wait_until

CONTENT = b"%PDF-1.7" + b"x" * 600_000


class Hands:
    """A clock whose hands are moved by the test."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def files(store: Store, hands: Hands) -> Files:
    return Files(store, hands)


async def nothing(_: Iterable[str]) -> set[str]:
    return set()


async def everything(sha256s: Iterable[str]) -> set[str]:
    return set(sha256s)


async def leftovers(store: Store) -> dict[str, int]:
    names = ("files", "uploads", "fs.files", "fs.chunks")
    return {name: await store.collection(name).count_documents({}) for name in names}


async def test_a_file_reads_back_as_it_was_stored(files: Files) -> None:
    assert await files.get(await files.put(CONTENT)) == CONTENT
    assert await files.get(await files.put(b"")) == b""
    assert await files.get("0" * 64) is None


async def test_the_same_bytes_are_kept_once(files: Files, store: Store) -> None:
    first = await files.put(CONTENT)
    before = await leftovers(store)

    assert await files.put(CONTENT) == first

    assert await leftovers(store) == before
    assert before["fs.files"] == 1


async def test_an_upload_cut_short_hinders_nobody_and_is_swept(
    files: Files, store: Store, hands: Hands
) -> None:
    # What a kill leaves: the word that an upload began, and some of its chunks.
    cut_short = ObjectId()
    await store.collection("uploads").insert_one({"_id": cut_short, "at": NOW})
    await store.collection("fs.chunks").insert_one({"files_id": cut_short, "n": 0, "data": b"x"})

    kept = await files.put(CONTENT)
    hands.time += timedelta(days=1, seconds=1)
    await files.sweep(everything)

    assert await files.get(kept) == CONTENT
    assert await store.collection("fs.chunks").count_documents({"files_id": cut_short}) == 0
    assert await store.collection("uploads").count_documents({}) == 0


async def test_an_upload_leaves_word_of_itself_before_its_first_byte(
    files: Files, store: Store, hands: Hands
) -> None:
    async def has_begun() -> bool:
        return await store.collection("uploads").count_documents({}) == 1

    putting = asyncio.create_task(files.put(b"y" * 20_000_000))
    await wait_until(has_begun, "the upload begins")
    putting.cancel()
    await asyncio.gather(putting, return_exceptions=True)
    hands.time += timedelta(days=1, seconds=1)
    await files.sweep(everything)

    assert set((await leftovers(store)).values()) == {0}


async def test_a_sweep_takes_away_what_is_old_and_not_referred_to(
    files: Files, store: Store, hands: Hands
) -> None:
    old = await files.put(CONTENT)
    referred = await files.put(b"referred")
    hands.time += timedelta(days=1, seconds=1)
    fresh = await files.put(b"fresh")

    async def only_one(_: Iterable[str]) -> set[str]:
        return {referred}

    assert await files.sweep(only_one) == 1

    assert await files.get(old) is None
    assert await files.get(referred) == b"referred"
    assert await files.get(fresh) == b"fresh"
    assert (await leftovers(store))["fs.files"] == 2
    assert (await leftovers(store))["uploads"] == 0


async def test_a_sweep_spares_what_is_a_day_old_at_most(files: Files, hands: Hands) -> None:
    kept = await files.put(CONTENT)
    hands.time += timedelta(days=1)

    assert await files.sweep(nothing) == 0
    assert await files.get(kept) == CONTENT


async def test_a_file_stored_again_during_a_sweep_keeps_its_bytes(
    files: Files, hands: Hands
) -> None:
    kept = await files.put(CONTENT)
    hands.time += timedelta(days=2)

    async def while_it_is_stored_again(_: Iterable[str]) -> set[str]:
        await files.put(CONTENT)
        return set()

    assert await files.sweep(while_it_is_stored_again) == 0
    assert await files.get(kept) == CONTENT


async def test_an_upload_cut_short_after_it_was_named_keeps_its_bytes(
    files: Files, store: Store, hands: Hands
) -> None:
    kept = await files.put(CONTENT)
    named = await store.collection("files").find_one({"_id": kept})
    assert named is not None
    await store.collection("uploads").insert_one({"_id": named["upload"], "at": NOW})

    hands.time += timedelta(days=1, seconds=1)
    await files.sweep(everything)

    assert await files.get(kept) == CONTENT
    assert await store.collection("uploads").count_documents({}) == 0


async def test_a_sweep_reaches_what_lies_behind_its_first_page(
    files: Files, store: Store, hands: Hands
) -> None:
    rows = [
        {"_id": f"{rank:064d}", "upload": ObjectId(), "at": NOW - timedelta(minutes=500 - rank)}
        for rank in range(450)
    ]
    await store.collection("files").insert_many(rows)
    last = str(rows[-1]["_id"])

    async def all_but_the_last(sha256s: Iterable[str]) -> set[str]:
        return set(sha256s) - {last}

    hands.time += timedelta(days=1, seconds=1)

    assert await files.sweep(all_but_the_last) == 1
    assert await store.collection("files").count_documents({}) == 449
