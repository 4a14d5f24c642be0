"""Use cases of the desks, and of time that passes."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.support.tickets.application.acting import Acting
from services.support.tickets.application.outcomes import Claim
from services.support.tickets.application.ports import Ports, Search
from services.support.tickets.domain.targets import Measured, Targets, Worked, measured
from services.support.tickets.domain.tickets import Doing, Ticket
from shared.vocabulary.tickets import Desk, Side, TicketAct, TicketStatus

_CLOSED_AT_ONCE = 100
OneByOne = Callable[[Sequence[str], Callable[[str], Awaitable[object]]], Awaitable[Collection[str]]]
"""Does something to each, whatever becomes of the others; gives those for which it failed."""


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


class Closing:
    """Closes what was settled and not reopened for a while."""

    def __init__(
        self, ports: Ports, acting: Acting, after: timedelta, one_by_one: OneByOne
    ) -> None:
        """Close `after` that long."""
        self._one_by_one = one_by_one
        self._ports = ports
        self._acting = acting
        self._after = after

    async def close(self) -> int:
        """Close what is due, and give how many; one that cannot be closed holds up no other."""
        closed, left = 0, set[str]()
        doing = Doing(TicketAct.CLORE, Side.PLATEFORME, "plateforme")
        before = self._ports.clock() - self._after
        while due := await self._ports.tickets.settled_before(before, _CLOSED_AT_ONCE, left):
            failed = await self._one_by_one(
                due, lambda each: self._acting.act(Claim(each, lambda _: True), doing)
            )
            left |= {*failed}
            closed += len(due) - len(failed)
        return closed
