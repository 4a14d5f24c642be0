"""Queue of a desk: its tickets with their response times."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.support.tickets.application.ports import Search, TicketPorts
from services.support.tickets.domain.targets import (
    OpeningHoursBetween,
    ResponseTimes,
    Targets,
    measure_response_times,
)
from services.support.tickets.domain.tickets import Ticket
from shared.vocabulary.tickets import Desk, TicketStatus


@dataclass(frozen=True, slots=True)
class TimedTicket:
    """A ticket with its response times."""

    ticket: Ticket
    times: ResponseTimes


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Page of the queue of a desk."""

    tickets: tuple[TimedTicket, ...]
    next: str | None
    counts: Mapping[TicketStatus, int]


class DeskQueues:
    """Use cases of the queue of a desk."""

    def __init__(self, ports: TicketPorts, targets: Targets, worked: OpeningHoursBetween) -> None:
        """Take the response-time targets, and how opening hours are measured."""
        self._ports = ports
        self._targets = targets
        self._worked = worked

    async def list_queue(self, desk: Desk, structure: str | None, search: Search) -> QueuePage:
        """List a page of the queue of a desk, with the counts by status."""
        page = await self._ports.tickets.list_queue(desk, structure, search)
        counts = await self._ports.tickets.count_by_status(desk, structure)
        return QueuePage(tuple(self.measure(each) for each in page.tickets), page.next, counts)

    async def find(self, ticket_id: str, desk: Desk, structure: str | None) -> TimedTicket | None:
        """Read a ticket that the desk has; None for a ticket of another desk."""
        ticket = await self._ports.tickets.find(ticket_id)
        return self.measure(ticket) if ticket and is_at_desk(ticket, desk, structure) else None

    def measure(self, ticket: Ticket) -> TimedTicket:
        """Measure the response times of a ticket. Raises ValueError for a draft."""
        found = measure_response_times(ticket, self._targets, self._ports.clock(), self._worked)
        if found is None:
            raise ValueError(f"ticket {ticket.id} is a draft")
        return TimedTicket(ticket, found)


def is_at_desk(ticket: Ticket, desk: Desk, structure: str | None) -> bool:
    """Tell whether a desk has a ticket; a business desk belongs to a structure."""
    recipient = ticket.recipient.structure if ticket.recipient else None
    return ticket.desk is desk and recipient == structure
