"""Automatic closing judges a ticket again: a job may come late."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest

from services.support.tickets.application.actions import Actions
from services.support.tickets.application.closing import AutomaticClosing
from services.support.tickets.application.ports import TicketPorts
from services.support.tickets.domain.tickets import Ticket
from shared.vocabulary.tickets import TicketStatus
from tests.unit.support.test_tickets import AT, a_ticket

T = TypeVar("T")
AFTER = timedelta(days=15)


class OneTicket:
    """A store of one ticket, which is its own transaction."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket

    async def change(self, work: Callable[["OneTicket"], Awaitable[T]]) -> T:
        return await work(self)

    async def find(self, _: str) -> Ticket:
        return self.ticket

    load = find

    async def save(self, ticket: Ticket) -> None:
        self.ticket = ticket

    async def find_key_use(self, _: object) -> None:
        return None

    async def record_key_use(self, *_: object) -> None:
        return None

    def publish(self, _: object) -> None:
        return None


@pytest.mark.parametrize(
    ("settled_again", "status"),
    [(timedelta(), TicketStatus.CLOS), (timedelta(days=15), TicketStatus.RESOLU)],
)
async def test_a_ticket_that_was_settled_again_meanwhile_is_not_closed_by_a_late_job(
    settled_again: timedelta, status: TicketStatus
) -> None:
    settled = replace(a_ticket(), status=TicketStatus.RESOLU, changed_at=AT + settled_again)
    tickets = OneTicket(settled)
    unused: Any = None
    ports = TicketPorts(
        cast("Any", tickets), unused, unused, unused, unused, lambda: AT + timedelta(days=16), str
    )
    closing = AutomaticClosing(ports, Actions(ports), AFTER)

    await closing.close(settled.id)

    assert tickets.ticket.status is status
