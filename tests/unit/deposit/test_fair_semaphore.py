"""Who sends many files waits for them; who sends one does not wait for the many."""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from services.deposit.application.fair_semaphore import FairSemaphore
from services.deposit.application.ports import SaturatedError
from tests.kit.waiting import scale_timeout

_LONG_S = 60.0


async def _all_wait() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class _Line:
    """Holders that take a place when it is theirs, and keep it until they are told to go."""

    def __init__(self, shares: FairSemaphore) -> None:
        self._shares = shares
        self.inside: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def send(self, holder: str, times: int = 1) -> None:
        self.tasks += [asyncio.create_task(self._hold(holder)) for _ in range(times)]

    async def _hold(self, holder: str) -> None:
        async with self._shares.acquire(holder):
            self.inside.append(holder)
            await asyncio.Event().wait()

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.mark.parametrize(("places", "most"), [(1, 1), (2, 1), (3, 2), (16, 12), (64, 48)])
async def test_one_sender_leaves_places_for_others(places: int, most: int) -> None:
    line = _Line(FairSemaphore(places, _LONG_S))

    line.send("many", 100)
    await _all_wait()
    before = list(line.inside)
    line.send("one")
    await _all_wait()

    assert before == ["many"] * most
    assert ("one" in line.inside) is (places > 1)
    await line.stop()


async def test_those_who_wait_are_served_in_turn_by_sender() -> None:
    shares = FairSemaphore(1, _LONG_S)
    served: list[str] = []

    async def read(holder: str) -> None:
        async with shares.acquire(holder):
            served.append(holder)
            await asyncio.sleep(0)

    await asyncio.gather(*(read(each) for each in ["a"] * 5 + ["b"] * 2 + ["c"]))

    assert served[:5] == ["a", "a", "b", "c", "a"]
    assert sorted(served) == ["a"] * 5 + ["b"] * 2 + ["c"]


async def test_who_waits_too_long_is_told_to_come_back_and_leaves_no_trace() -> None:
    shares = FairSemaphore(1, 0.01)

    async with shares.acquire("a"):
        for holder in ("a", "b"):
            with pytest.raises(SaturatedError):
                async with shares.acquire(holder):
                    pass

    async with shares.acquire("b"):
        pass


async def test_a_place_is_given_back_whatever_happens_inside_or_while_waiting() -> None:
    shares = FairSemaphore(2, _LONG_S)

    async def fail() -> None:
        async with shares.acquire("a"):
            raise ValueError

    for _ in range(5):
        with suppress(ValueError):
            await fail()
    async with shares.acquire("a"):
        given_up = asyncio.create_task(fail())
        await _all_wait()
        given_up.cancel()
        with suppress(asyncio.CancelledError):
            await given_up

    async with AsyncExitStack() as both:
        await both.enter_async_context(shares.acquire("a"))
        await both.enter_async_context(shares.acquire("b"))


async def test_a_place_that_comes_free_for_one_who_has_just_left_goes_to_the_next() -> None:
    shares = FairSemaphore(1, _LONG_S)
    inside = asyncio.Event()

    async def take(holder: str) -> None:
        async with shares.acquire(holder):
            if holder == "c":
                inside.set()

    async with shares.acquire("a"):
        left, stays = (asyncio.create_task(take(each)) for each in "bc")
        await _all_wait()
    left.cancel()

    await stays
    assert inside.is_set()
    with suppress(asyncio.CancelledError):
        await left


async def test_a_place_that_comes_free_just_when_somebody_gives_up_is_not_lost() -> None:
    shares = FairSemaphore(1, _LONG_S)

    async def take(holder: str) -> None:
        async with shares.acquire(holder):
            pass

    async with shares.acquire("a"):
        given_up = [asyncio.create_task(take(each)) for each in "bbc"]
        await _all_wait()
        # They have not run again when the place comes free, at the end of this block.
        for task in given_up:
            task.cancel()

    await asyncio.gather(*given_up, return_exceptions=True)
    await asyncio.wait_for(take("d"), scale_timeout(_LONG_S))
