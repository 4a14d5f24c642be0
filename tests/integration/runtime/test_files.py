"""Files on a real store: one copy, no obstacle, nothing taken away too early."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

import pytest
from bson import ObjectId

from shared.runtime.errors import DamagedFileError
from shared.runtime.metrics import FILES_DAMAGED
from shared.runtime.store.database import Store
from shared.runtime.store.files import Files
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
async def files(store: Store, hands: Hands) -> Files:
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

    with pytest.raises(DamagedFileError):
        await files.get(old)
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


async def change_a_byte(store: Store, upload: ObjectId) -> None:
    chunks = store.collection("fs.chunks")
    chunk = await chunks.find_one({"files_id": upload, "n": 1})
    assert chunk is not None
    changed = b"y" + bytes(chunk["data"])[1:]
    await chunks.update_one({"_id": chunk["_id"]}, {"$set": {"data": changed}})


async def lose_a_chunk(store: Store, upload: ObjectId) -> None:
    await store.collection("fs.chunks").delete_one({"files_id": upload, "n": 1})


async def lose_the_bytes(store: Store, upload: ObjectId) -> None:
    await store.collection("fs.files").delete_one({"_id": upload})


async def cut_the_end(store: Store, upload: ObjectId) -> None:
    await store.collection("fs.files").update_one({"_id": upload}, {"$set": {"length": 8}})


async def name_another_upload(store: Store, upload: ObjectId) -> None:
    other = await store.collection("files").find_one({"upload": {"$ne": upload}})
    assert other is not None
    row = {"$set": {"upload": other["upload"]}}
    await store.collection("files").update_one({"upload": upload}, row)


async def lose_its_name(store: Store, upload: ObjectId) -> None:
    await store.collection("files").delete_one({"upload": upload})


DAMAGES = (
    *(change_a_byte, lose_a_chunk, lose_the_bytes, cut_the_end),
    *(name_another_upload, lose_its_name),
)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_file_is_not_served_until_it_is_sent_again(
    files: Files, store: Store, damage: Callable[[Store, ObjectId], Awaitable[None]]
) -> None:
    another = await files.put(b"another")
    kept = await files.put(CONTENT)
    row = await store.collection("files").find_one({"_id": kept})
    assert row is not None
    await damage(store, row["upload"])
    before = counted()

    with pytest.raises(DamagedFileError) as refused:
        await files.get(kept)

    assert refused.value.sha256 == kept
    assert counted() == before + 1
    assert await files.put(CONTENT) == kept
    assert await files.get(kept) == CONTENT
    assert await files.get(another) == b"another"


async def test_a_file_that_was_mended_leaves_none_of_its_damaged_bytes(
    files: Files, store: Store, hands: Hands
) -> None:
    kept = await files.put(CONTENT)
    whole = await leftovers(store)
    row = await store.collection("files").find_one({"_id": kept})
    assert row is not None
    await change_a_byte(store, row["upload"])

    await asyncio.gather(*(files.put(CONTENT) for _ in range(3)))
    hands.time += timedelta(days=1, seconds=1)
    await files.sweep(everything)

    assert await files.get(kept) == CONTENT
    assert await leftovers(store) == whole


def counted() -> float:
    (samples,) = FILES_DAMAGED.collect()
    return next(each.value for each in samples.samples if each.name.endswith("_total"))
