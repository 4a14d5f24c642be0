"""Batches of calls: those made side by side share one, each gets its own answer or error."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.runtime.store.batches import Batches


class _Doubling:
    """Doubles numbers, keeps which were asked together, and waits for a permit each time."""

    def __init__(self) -> None:
        self.permits = asyncio.Semaphore(0)
        self.asked: list[list[int]] = []
        self.batches = Batches(self._double)

    async def _double(self, numbers: Sequence[int]) -> Sequence[int]:
        self.asked.append(list(numbers))
        await self.permits.acquire()
        if 13 in numbers:
            raise LookupError
        return [2 * each for each in numbers]

    async def ask(self, *numbers: int) -> list[asyncio.Task[int]]:
        tasks = [asyncio.create_task(self.batches.call(each)) for each in numbers]
        await asyncio.sleep(0.01)
        return tasks


async def test_calls_that_are_made_while_one_is_in_progress_share_the_next() -> None:
    doubling = _Doubling()
    first = await doubling.ask(1)
    others = [*await doubling.ask(2), *await doubling.ask(3, 2)]
    doubling.permits.release()
    doubling.permits.release()
    assert await asyncio.gather(*first, *others) == [2, 4, 6, 4]
    assert doubling.asked == [[1], [2, 3, 2]]


async def test_no_more_than_fifty_share_one() -> None:
    doubling = _Doubling()
    doubling.permits = asyncio.Semaphore(10)
    asked = await doubling.ask(*range(100, 220))
    assert await asyncio.gather(*asked) == list(range(200, 440, 2))
    assert [len(each) for each in doubling.asked] == [50, 50, 20]


async def test_an_error_is_raised_to_those_who_share_it_and_to_no_other() -> None:
    doubling = _Doubling()
    doubling.permits = asyncio.Semaphore(10)
    first, second = await doubling.ask(13, 1)
    with pytest.raises(LookupError):
        await first
    with pytest.raises(LookupError):
        await second
    assert await doubling.batches.call(2) == 4


async def test_one_who_is_cancelled_stops_no_other() -> None:
    doubling = _Doubling()
    [leading] = await doubling.ask(1)
    leaving, staying = await doubling.ask(2, 3)
    leading.cancel()
    leaving.cancel()
    await asyncio.sleep(0)
    doubling.permits.release()
    doubling.permits.release()
    assert await staying == 6
    assert doubling.asked == [[1], [3]]
