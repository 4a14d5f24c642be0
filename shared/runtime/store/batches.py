"""Batches of calls to the store: those that are made while one is in progress share the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

_LIMIT = 50
"""Calls that share one, at most: SecantusDB looks ids up in the square of their number."""


class Batches(Generic[Asked, Answer]):
    """Batches of calls that are made side by side.

    A call that is made alone is carried out at once. Calls that share one have one fate: an error
    is raised to each of them.
    """

    def __init__(self, carry_out: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]]) -> None:
        """Carry calls out by this function, which returns an answer for each, in their order."""
        self._carry_out = carry_out
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    async def call(self, asked: Asked) -> Answer:
        """Carry out a call, with others. Raises what the shared call raises."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_LIMIT], self._waiting[_LIMIT:]
                await self._carry_out_batch(batch)
        finally:
            self._task = None
            # Whoever waits must not wait for a task that has been cancelled.
            for _, answer in self._waiting:
                answer.cancel()
            self._waiting = []

    async def _carry_out_batch(self, batch: Sequence[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        # Who has been cancelled meanwhile asks no more.
        asking = [(asked, answer) for asked, answer in batch if not answer.done()]
        if not asking:
            return
        try:
            found = await self._carry_out([asked for asked, _ in asking])
        except Exception as error:  # noqa: BLE001 - raised to each who asks
            for _, answer in asking:
                if not answer.done():
                    answer.set_exception(error)
        except BaseException:
            for _, answer in asking:
                answer.cancel()
            raise
        else:
            for (_, answer), each in zip(asking, found, strict=True):
                if not answer.done():
                    answer.set_result(each)
