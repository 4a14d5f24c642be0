"""Ports of the chat: store of chats and their lines, notifications."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from services.support.chat.domain.chat import Chat, ChatUpdate, Line, Message, Queue
from services.support.desks.application.ports import Clock, RateLimit, Structures
from services.support.desks.domain.catalogue import Catalogue

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StartedChat:
    """A chat that begins."""

    chat: Chat
    token: str | None
    """What resumes it without an account."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """A place in the queue, from 1."""

    position: int


@dataclass(frozen=True, slots=True)
class ChatPresence:
    """An open chat, and when its issuer was last there."""

    chat: Chat
    seen_at: datetime


class ChatChange(Protocol):
    """One transaction over chats: a chat, its lines and its queue change together."""

    async def load(self, chat: str) -> Chat | None:
        """Read a chat."""

    async def count_waiting(self, queue: Queue) -> int:
        """Count those who wait in a queue."""

    async def count_waiting_without_account(self, queue: Queue) -> int:
        """Count those who wait in a queue without an account."""

    async def join_queue(self, queue: Queue) -> int:
        """Take the next place of a queue."""

    async def leave_queue(self, queue: Queue) -> None:
        """Leave a queue."""

    async def find_first(self, queue: Queue) -> Chat | None:
        """Find who waits first."""

    async def count_open(self, owner: str) -> int:
        """Count the open chats of an owner."""

    async def find_line(self, chat: Chat, message: Message) -> Line | None:
        """Find the line that its writer's key stands for already; None without a key."""

    async def find_started(self, sent: str) -> Chat | None:
        """Find the open chat that began by what was `sent`."""

    async def add_token(self, chat: str, token_hash: str) -> None:
        """Let one more secret resume a chat; the oldest of many goes."""

    async def insert(
        self, update: ChatUpdate, owner: str, token_hash: str | None, sent: str | None
    ) -> None:
        """Write a chat that is new.

        `token_hash` is of what resumes it without an account, `sent` identifies what it began by.
        """

    async def save(self, update: ChatUpdate) -> None:
        """Write what a chat becomes."""


class Chats(Protocol):
    """All the chats."""

    async def change(self, work: Callable[[ChatChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, chat: str) -> Chat | None:
        """Read a chat."""

    async def find_by_token(self, chat: str, token_hash: str) -> Chat | None:
        """Read a chat by what resumes it without an account."""

    async def list_lines(self, chat: str, after: int) -> Sequence[Line]:
        """List the lines beyond a rank, in order."""

    async def find_position(self, chat: Chat) -> int:
        """Count who waits before a chat, and itself."""

    async def list_queue(self, queue: Queue) -> Sequence[Chat]:
        """List the open chats of a queue: those that wait, in order, then those that go on."""

    async def list_open(self) -> Sequence[ChatPresence]:
        """List every open chat."""

    async def record_presence(self, chat: str, at: datetime) -> None:
        """Note that the issuer of a chat is there."""


class Notifier(Protocol):
    """Wakes those who follow a chat or a queue when it has something new."""

    is_closed: bool
    """Whether the service stops, and every follower with it."""

    def subscribe(self, *keys: str) -> AbstractContextManager[asyncio.Event]:
        """Give an event that is set at news of one of `keys`, until the block is left."""


@dataclass(frozen=True, slots=True)
class ChatPorts:
    """All that the chat needs."""

    chats: Chats
    notifier: Notifier
    catalogue: Catalogue
    structures: Structures
    starts: RateLimit
    """Chats without an account, by network address."""
    clock: Clock
    new_id: Callable[[], str]
    heartbeat_s: float
    """How long a follower rests before it looks again."""
