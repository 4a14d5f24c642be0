"""Ports of tickets: their store, and the dependencies of the use cases."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from services.support.access.application.ports import Clock, Structures
from services.support.desks.domain.catalogue import Catalogue
from services.support.suggestions.application.ports import Suggester
from services.support.tickets.domain.tickets import Ticket
from shared.application.idempotency import Key, UsedKey
from shared.application.uploads import FileStore
from shared.contracts.outgoing import Outgoing
from shared.vocabulary.tickets import Desk, Priority, TicketStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Search:
    """Filters and page of a list of tickets."""

    query: str = ""
    status: TicketStatus | None = None
    sub_category: str | None = None
    dossier: str | None = None
    piece: str | None = None
    assignee: str | None = None
    priority: Priority | None = None
    after: str = ""
    """Cursor: where the previous page ended."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Page of tickets, and the cursor of the next one."""

    tickets: Sequence[Ticket]
    next: str | None


class TicketChange(Protocol):
    """One transaction over tickets: what it saves and publishes is committed together."""

    async def load(self, ticket: str) -> Ticket | None:
        """Read a ticket."""

    async def save(self, ticket: Ticket) -> None:
        """Write the new version of a ticket."""

    async def insert(self, ticket: Ticket, token_hash: str | None = None) -> None:
        """Store a new ticket, with the hash of the token that stands for an account."""

    async def remove(self, ticket: str) -> None:
        """Delete a draft."""

    async def add_token(self, ticket: str, token_hash: str) -> None:
        """Add the hash of a token to a ticket; the oldest of many is removed."""

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        """Find what an idempotency key was used for; None without a key."""

    async def record_key_use(self, key: Key | None, ticket: str) -> None:
        """Record that an idempotency key was used for a ticket; nothing without a key."""

    def publish(self, message: Outgoing) -> None:
        """Publish an event through the outbox, when the transaction commits."""


class Tickets(Protocol):
    """Store of tickets."""

    async def change(self, work: Callable[[TicketChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, ticket: str) -> Ticket | None:
        """Read a ticket."""

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        """Find what an idempotency key was used for; None without a key."""

    async def take_next_number(self, year: int) -> int:
        """Take the next number of a year. A number that no ticket uses in the end is a gap."""

    async def find_by_token(self, ticket: str, token_hash: str) -> Ticket | None:
        """Read a ticket without an account by the hash of its token."""

    async def list_of_structure(self, structure: str, search: Search) -> Page:
        """List the tickets of a structure, latest first.

        Left out: the description, and the texts and attachments of the journal.
        """

    async def list_queue(self, desk: Desk, structure: str | None, search: Search) -> Page:
        """List the queue of a desk, most urgent first, then oldest; the same parts are left out."""

    async def count_by_status(
        self, desk: Desk, structure: str | None
    ) -> Mapping[TicketStatus, int]:
        """Count the unsettled tickets of a desk by status."""

    async def list_settled_before(self, moment: datetime) -> Collection[str]:
        """List the ids of tickets settled before a moment and not closed."""


@dataclass(frozen=True, slots=True)
class TicketPorts:
    """Dependencies of the use cases of tickets."""

    tickets: Tickets
    vault: FileStore
    catalogue: Catalogue
    structures: Structures
    suggester: Suggester
    clock: Clock
    new_id: Callable[[], str]
