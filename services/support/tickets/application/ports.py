"""Ports of tickets: store of tickets, store of files, uploads."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from services.support.desks.application.ports import Clock, Structures
from services.support.desks.domain.catalogue import Catalogue
from services.support.suggestions.application.ports import Suggester
from services.support.tickets.domain.tickets import Ticket
from shared.application.idempotency import Key, UsedKey
from shared.application.uploads import Vault
from shared.contracts.outgoing import Outgoing
from shared.vocabulary.tickets import Desk, Priority, TicketStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Search:
    """Which tickets to list; what is left out does not narrow it."""

    query: str = ""
    status: TicketStatus | None = None
    sub_category: str | None = None
    dossier: str | None = None
    piece: str | None = None
    assignee: str | None = None
    priority: Priority | None = None
    after: str = ""
    """Where the page before ended."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some tickets, and where the next page begins."""

    tickets: Sequence[Ticket]
    next: str | None


class TicketChange(Protocol):
    """One transaction over tickets: what it saves and what it says are kept together."""

    async def load(self, ticket: str) -> Ticket | None:
        """Read a ticket."""

    async def save(self, ticket: Ticket) -> None:
        """Write the new version of a ticket."""

    async def insert(self, ticket: Ticket, token_hash: str | None = None) -> None:
        """Write a ticket that is new; `token_hash` is of what follows it without an account."""

    async def remove(self, ticket: str) -> None:
        """Forget a draft."""

    async def add_token(self, ticket: str, token_hash: str) -> None:
        """Let one more secret follow a ticket that has no account; the oldest of many goes."""

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        """Find what a key served for; nothing for none."""

    async def record_key(self, key: Key | None, ticket: str) -> None:
        """Remember which ticket a key served for; nothing for none."""

    def publish(self, message: Outgoing) -> None:
        """Say a message when the change is kept."""


class Tickets(Protocol):
    """All the tickets."""

    async def change(self, work: Callable[[TicketChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, ticket: str) -> Ticket | None:
        """Read a ticket."""

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        """Find what a key served for; nothing for none."""

    async def next_number(self, year: int) -> int:
        """Count a ticket of a year. A number that no ticket takes in the end is a gap."""

    async def find_by_token(self, ticket: str, token_hash: str) -> Ticket | None:
        """Read a ticket by what follows it without an account."""

    async def list_of_structure(self, structure: str, search: Search) -> Page:
        """List what a structure has asked, the latest first; without what was said."""

    async def list_queue(self, desk: Desk, structure: str | None, search: Search) -> Page:
        """List what a desk has, the most urgent first and then the oldest; without the texts."""

    async def count_by_status(
        self, desk: Desk, structure: str | None
    ) -> Mapping[TicketStatus, int]:
        """Count what a desk has, by status."""

    async def list_settled_before(
        self, moment: datetime, limit: int, beside: Collection[str] = ()
    ) -> Sequence[str]:
        """List tickets settled before a moment and not closed, but for those of `beside`."""


@dataclass(frozen=True, slots=True)
class TicketPorts:
    """All that the use cases need."""

    tickets: Tickets
    vault: Vault
    catalogue: Catalogue
    structures: Structures
    suggester: Suggester
    clock: Clock
    new_id: Callable[[], str]
