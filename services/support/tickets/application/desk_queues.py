"""Queue of a desk: its tickets with their response times."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.support.tickets.application.ports import Ports, Search
from services.support.tickets.domain.targets import Measured, Targets, Worked, measured
from services.support.tickets.domain.tickets import Ticket
from shared.vocabulary.tickets import Desk, TicketStatus


@dataclass(frozen=True, slots=True)
class Clocked:
    """A ticket, and where it stands against what its desk means to do."""

    ticket: Ticket
    measured: Measured


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of what a desk has."""

    tickets: tuple[Clocked, ...]
    next: str | None
    counts: Mapping[TicketStatus, int]


class Desks:
    """What the desks see."""

    def __init__(self, ports: Ports, targets: Targets, worked: Worked) -> None:
        """Measure by these targets."""
        self._ports = ports
        self._targets = targets
        self._worked = worked

    async def queue(self, desk: Desk, structure: str | None, search: Search) -> QueuePage:
        """List what a desk has."""
        page = await self._ports.tickets.queue(desk, structure, search)
        counts = await self._ports.tickets.counts(desk, structure)
        return QueuePage(tuple(self.clocked(each) for each in page.tickets), page.next, counts)

    async def find(self, ticket_id: str, desk: Desk, structure: str | None) -> Clocked | None:
        """Read a ticket that a desk has; what another desk has does not exist for it."""
        ticket = await self._ports.tickets.find(ticket_id)
        return self.clocked(ticket) if ticket and has(ticket, desk, structure) else None

    def clocked(self, ticket: Ticket) -> Clocked:
        """Measure a ticket. Raises ValueError for a draft, which no desk has."""
        found = measured(ticket, self._targets, self._ports.clock(), self._worked)
        if found is None:
            raise ValueError(f"ticket {ticket.id} is a draft")
        return Clocked(ticket, found)


def has(ticket: Ticket, desk: Desk, structure: str | None) -> bool:
    """Tell whether a desk has a ticket; a business desk is its structure's own."""
    recipient = ticket.recipient.structure if ticket.recipient else None
    return ticket.desk is desk and recipient == structure
