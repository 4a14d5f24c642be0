"""Use cases of the chat: come, wait, be answered, write, end, read again."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from services.support.application.ports import Clock, Rate, Structures, named
from services.support.application.tokens import fresh_token, hashed
from services.support.domain import chat_rules, hours
from services.support.domain.catalogue import Catalogue
from services.support.domain.chat import (
    Bounds,
    Chat,
    Ending,
    Line,
    Queue,
    Said,
    Step,
    Wish,
    ended,
    judge_hour,
    judge_repeat,
    judge_said,
    judge_wish,
    passed,
    prefilled_by,
    queue_of,
    said_in,
    taken,
)
from services.support.domain.conversation import Asker, Prefill
from services.support.domain.parties import Recipient
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side

T = TypeVar("T")
Violations = tuple[Violation, ...]
"""Why something was refused."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who comes to the chat, with or without an account."""

    asker: Asker | None
    address: str

    @property
    def owner(self) -> str:
        """Whose chats are counted together; addresses are not kept in clear."""
        if self.asker:
            return f"structure|{self.asker.structure}"
        return f"adresse|{hashed(self.address)}"


@dataclass(frozen=True, slots=True)
class Begun:
    """A chat that begins."""

    chat: Chat
    token: str | None
    """What resumes it without an account."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the queue, from 1."""

    position: int


@dataclass(frozen=True, slots=True)
class Present:
    """An open chat, and when its issuer was last there."""

    chat: Chat
    seen_at: datetime


class ChatChange(Protocol):
    """One transaction over chats: a chat, its lines and its queue change together."""

    async def load(self, chat: str) -> Chat | None:
        """Read a chat."""

    async def waiting(self, queue: Queue) -> int:
        """Count those who wait in a queue."""

    async def join(self, queue: Queue) -> int:
        """Take the next place of a queue."""

    async def leave(self, queue: Queue) -> None:
        """Leave a queue."""

    async def first(self, queue: Queue) -> Chat | None:
        """Find who waits first."""

    async def open_of(self, owner: str) -> int:
        """Count the open chats of an owner."""

    async def said(self, chat: str, key: str) -> Line | None:
        """Find the line that a key stands for."""

    async def insert(self, step: Step, owner: str, token_hash: str | None) -> None:
        """Write a chat that is new; `token_hash` is of what resumes it without an account."""

    async def save(self, step: Step) -> None:
        """Write what a chat becomes."""


class Chats(Protocol):
    """All the chats."""

    async def change(self, work: Callable[[ChatChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, chat: str) -> Chat | None:
        """Read a chat."""

    async def of_token(self, chat: str, token_hash: str) -> Chat | None:
        """Read a chat by what resumes it without an account."""

    async def since(self, chat: str, after: int) -> Sequence[Line]:
        """List the lines beyond a rank, in order."""

    async def position(self, chat: Chat) -> int:
        """Count who waits before a chat, and itself."""

    async def of_queue(self, queue: Queue) -> Sequence[Chat]:
        """List the open chats of a queue: those that wait, in order, then those that go on."""

    async def present(self) -> Sequence[Present]:
        """List every open chat."""

    async def seen(self, chat: str, at: datetime) -> None:
        """Note that the issuer of a chat is there."""


class Bells(Protocol):
    """Wakes those who follow a chat or a queue when it has something new."""

    is_closed: bool
    """Everybody is sent home."""

    def listen(self, *keys: str) -> AbstractContextManager[asyncio.Event]:
        """Give a bell that rings at news of one of `keys`, until the block is left."""


@dataclass(frozen=True, slots=True)
class ChatPorts:
    """All that the chat needs."""

    chats: Chats
    bells: Bells
    catalogue: Catalogue
    structures: Structures
    begun: Rate
    """Chats without an account, by network address."""
    clock: Clock
    new_id: Callable[[], str]
    heartbeat_s: float
    """How long a follower rests before it looks again."""


class ChatRoom:
    """The chat, for those who ask and for the desks."""

    def __init__(self, ports: ChatPorts, bounds: Bounds) -> None:
        """Use these ports, within these bounds."""
        self._ports = ports
        self._bounds = bounds
        # While the service was down nobody could be seen.
        self._started_at = ports.clock()

    @property
    def is_closing(self) -> bool:
        """Whether the service stops: nothing ends by that."""
        return self._ports.bells.is_closed

    def availability(self) -> hours.Availability:
        """Say whether people answer."""
        return hours.availability(self._ports.clock())

    def closed(self) -> Violations:
        """Say when the chat opens, unless it is open."""
        return judge_hour(self._ports.clock())

    async def begin(self, guest: Guest, wish: Wish) -> Begun | Violations:
        """Take a place in a queue."""
        ports, bounds, now = self._ports, self._bounds, self._ports.clock()
        directory = await named(ports.structures, Recipient(wish.recipient or ""))
        found = judge_hour(now) or judge_wish(wish, ports.catalogue, directory)
        if found:
            return found
        if guest.asker is None and await ports.begun.is_exceeded(guest.address):
            return (chat_rules.TOO_MANY_BEGUN.broken("requête"),)
        queue = queue_of(wish, ports.catalogue)
        token = None if guest.asker else fresh_token()
        chat_id = ports.new_id()

        async def work(change: ChatChange) -> Begun | Violations:
            waiting = await change.waiting(queue)
            if waiting >= bounds.waiting:
                return (chat_rules.QUEUE_FULL.broken("requête", waiting=waiting),)
            if await change.open_of(guest.owner) >= bounds.open_each:
                return (chat_rules.TOO_MANY_OPEN.broken("requête", limit=bounds.open_each),)
            step = Step(
                Chat(
                    id=chat_id,
                    queue=queue,
                    place=await change.join(queue),
                    started_at=now,
                    said_at=now,
                    asker=guest.asker,
                    sub_category=wish.sub_category,
                )
            )
            if wish.text:
                said = Said(Side.DEMANDEUR, wish.text, key=wish.key)
                step = said_in(step.chat, said, bounds, now)
            await change.insert(step, guest.owner, hashed(token) if token else None)
            return Begun(step.chat, token)

        return await ports.chats.change(work)

    async def say(self, chat_id: str, said: Said) -> Line | Violations:
        """Write in a chat. The same key again gives the line that is there."""

        async def work(change: ChatChange) -> Line | Violations:
            chat = await change.load(chat_id)
            if chat is None:
                return (chat_rules.ENDED.broken("session"),)
            line = await change.said(chat_id, said.key) if said.key else None
            if line is not None:
                return judge_repeat(line, said) or line
            now = self._ports.clock()
            found = judge_said(chat, said, self._bounds, now)
            if found:
                return found
            step = said_in(chat, said, self._bounds, now)
            await change.save(step)
            return step.lines[0]

        return await self._ports.chats.change(work)

    async def take_next(self, queue: Queue, agent: str) -> Chat | None:
        """Give the chat that waits first to an agent; None when nobody waits."""

        async def work(change: ChatChange) -> Chat | None:
            chat = await change.first(queue)
            if chat is None:
                return None
            step = taken(chat, agent, self._ports.clock())
            await change.leave(queue)
            await change.save(step)
            return step.chat

        return await self._ports.chats.change(work)

    async def end(self, chat_id: str, ending: Ending, who: str = "") -> None:
        """End a chat; one that has ended stays as it is."""
        await self._step(
            chat_id,
            lambda chat: (
                ended(chat, ending, self._bounds, self._ports.clock(), who)
                if chat.is_open
                else None
            ),
        )

    async def pass_time(self) -> None:
        """Warn, and end, what the passing of time warns and ends."""
        for present in await self._ports.chats.present():
            seen_at = max(present.seen_at, self._started_at)

            def passing(chat: Chat, seen_at: datetime = seen_at) -> Step | None:
                return passed(chat, self._bounds, self._ports.clock(), seen_at)

            if passing(present.chat):
                await self._step(present.chat.id, passing)

    async def _step(self, chat_id: str, step_of: Callable[[Chat], Step | None]) -> None:
        async def work(change: ChatChange) -> None:
            chat = await change.load(chat_id)
            step = step_of(chat) if chat else None
            if chat is None or step is None:
                return
            if chat.is_waiting and not step.chat.is_waiting:
                await change.leave(chat.queue)
            await change.save(step)

        await self._ports.chats.change(work)

    async def follow(
        self, chat_id: str, after: int, *, is_issuer: bool
    ) -> AsyncGenerator[Line | Position, None]:
        """Give the lines beyond a rank, those that are there, then each as it comes.

        Gives the place in the queue whenever it changes, to who waits there. Ends when the chat has
        ended, and when the service stops.
        """
        ports = self._ports
        chat = await ports.chats.find(chat_id)
        if chat is None:
            return
        told = 0
        with ports.bells.listen(chat.id, chat.queue.name) as bell:
            while True:
                # Before it looks: what comes meanwhile rings for the next turn.
                bell.clear()
                # Before its lines: the last of them is kept together with the end.
                present = await ports.chats.find(chat_id)
                if ports.bells.is_closed or present is None:
                    return
                if is_issuer and present.is_waiting:
                    await ports.chats.seen(chat_id, ports.clock())
                for line in await ports.chats.since(chat_id, after):
                    after = line.rank
                    yield line
                if not present.is_open:
                    return
                if present.is_waiting:
                    position = await ports.chats.position(present)
                    if position != told:
                        told = position
                        yield Position(position)
                await self._rest(bell)

    async def _rest(self, bell: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._ports.heartbeat_s):
                await bell.wait()
        except TimeoutError:
            return

    async def of_guest(self, chat_id: str, asker: Asker | None, token: str) -> Chat | None:
        """Read a chat as the one who began it; None for anybody else."""
        if asker is None:
            return await self._ports.chats.of_token(chat_id, hashed(token))
        chat = await self._ports.chats.find(chat_id)
        return chat if chat and chat.asker == asker else None

    async def of_desk(self, chat_id: str, queue: Queue) -> Chat | None:
        """Read a chat as an agent of the desk that it is for; None for any other."""
        chat = await self._ports.chats.find(chat_id)
        return chat if chat and chat.queue == queue else None

    async def queue(self, queue: Queue) -> Sequence[Chat]:
        """List the open chats of a desk."""
        return await self._ports.chats.of_queue(queue)

    async def lines(self, chat: Chat) -> Sequence[Line]:
        """Read a transcript."""
        return await self._ports.chats.since(chat.id, 0)

    async def ticket(self, chat: Chat) -> Prefill:
        """Make of a chat what a ticket begins with."""
        return prefilled_by(chat, await self.lines(chat))
