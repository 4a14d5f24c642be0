"""Ports of the chat: store of chats and their lines, notifications."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from services.support.access.application.ports import Clock, RateLimit, Structures
from services.support.chat.domain.chat import Chat, ChatUpdate, Line, Message, Queue
from services.support.desks.domain.catalogue import Catalogue
from shared.application.idempotency import Key, UsedKey
from shared.vocabulary.rules import Violation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StartedChat:
    """A chat that was started or resumed, and its token."""

    chat: Chat
    token: str | None
    """Token that resumes the chat without an account; None with one."""


@dataclass(frozen=True, slots=True)
class TakenChat:
    """The chat that an agent took, now or by the same request sent before.

    None when none waits and, of a request sent before, when its chat has left the desk.
    """

    chat: Chat | None
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class TransferResult:
    """Result of a transfer of a chat: the rules that refuse it, if any."""

    violations: tuple[Violation, ...] = ()
    is_replay: bool = False
    """Whether the same request sent before did it."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Position in the queue, from 1."""

    position: int


@dataclass(frozen=True, slots=True)
class ChatPresence:
    """Presence of a visitor: an open chat, and when its visitor was last connected."""

    chat: Chat
    seen_at: datetime


class ChatChange(Protocol):
    """One transaction over chats: a chat, its lines and its queue change together."""

    async def load(self, chat: str) -> Chat | None:
        """Read a chat."""

    async def count_waiting(self, queue: Queue) -> int:
        """Count the chats that wait in a queue."""

    async def count_waiting_without_account(self, queue: Queue) -> int:
        """Count the chats without an account that wait in a queue."""

    async def join_queue(self, queue: Queue) -> int:
        """Count one more waiting chat in a queue, and return its place."""

    async def leave_queue(self, queue: Queue) -> None:
        """Count one waiting chat less in a queue."""

    async def find_first(self, queue: Queue) -> Chat | None:
        """Find the chat that waits first."""

    async def count_open(self, owner: str) -> int:
        """Count the open chats of an owner."""

    async def find_line(self, chat: Chat, message: Message) -> Line | None:
        """Find the line of a message that was already sent with its key; None without a key."""

    async def find_started(self, sent: str) -> Chat | None:
        """Find the open chat that a start key started."""

    async def add_token(self, chat: str, token_hash: str) -> None:
        """Add the hash of a token to a chat; the oldest of many is removed."""

    async def insert(
        self, update: ChatUpdate, owner: str, token_hash: str | None, sent: str | None
    ) -> None:
        """Store a new chat.

        `token_hash` is None for a chat with an account; `sent` is the start key, or None.
        """

    async def save(self, update: ChatUpdate) -> None:
        """Write the new version of a chat, and its new lines."""

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        """Find what an idempotency key was used for; None without a key."""

    async def record_key_use(self, key: Key | None, chat: str) -> None:
        """Record that an idempotency key was used for a chat; nothing without a key."""


class Chats(Protocol):
    """Store of chats."""

    async def change(self, work: Callable[[ChatChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, chat: str) -> Chat | None:
        """Read a chat."""

    async def find_by_token(self, chat: str, token_hash: str) -> Chat | None:
        """Read a chat without an account by the hash of its token."""

    async def list_lines(self, chat: str, after: int) -> Sequence[Line]:
        """List the lines after a rank, in order."""

    async def find_position(self, chat: Chat) -> int:
        """Find the position of a chat in its queue, from 1."""

    async def list_queue(self, queue: Queue) -> Sequence[Chat]:
        """List the open chats of a queue: those that wait, in order, then those in progress."""

    async def list_open(self) -> Mapping[str, ChatPresence | None]:
        """List every open chat with its visitor's presence; None for one that cannot be read."""

    async def find_seen_at(self, chat: str) -> datetime | None:
        """Find when the visitor of a chat was last connected; None for never."""

    async def record_presence(self, chat: str, at: datetime) -> None:
        """Record that the visitor of a chat is connected."""


class Notifier(Protocol):
    """Notifies the followers of a chat or a queue of something new."""

    is_closed: bool
    """Whether the service stops, so that every follower ends."""

    def subscribe(self, *keys: str) -> AbstractContextManager[asyncio.Event]:
        """Yield an asyncio event that is set when one of `keys` has something new."""


@dataclass(frozen=True, slots=True)
class ChatPorts:
    """Dependencies of the chat."""

    chats: Chats
    notifier: Notifier
    catalogue: Catalogue
    structures: Structures
    starts: RateLimit
    """Rate limit of chats without an account, by network address."""
    clock: Clock
    new_id: Callable[[], str]
    heartbeat_s: float
    """Polling interval of a follower that no notification reaches, in seconds."""
