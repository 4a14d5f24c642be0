"""Automatic closing of tickets that were settled and not reopened."""

from collections.abc import Collection
from datetime import timedelta

from services.support.tickets.application.access import TicketAccess
from services.support.tickets.application.actions import Actions
from services.support.tickets.application.ports import TicketPorts
from services.support.tickets.domain.tickets import Action, Ticket
from shared.vocabulary.tickets import Side, TicketAct


class AutomaticClosing:
    """Closes the tickets that were settled and not reopened for a delay."""

    def __init__(self, ports: TicketPorts, actions: Actions, after: timedelta) -> None:
        """Set after how long a settled ticket is closed."""
        self._ports = ports
        self._actions = actions
        self._after = after

    async def list_due(self) -> Collection[str]:
        """List the ids of the tickets that are to be closed."""
        return await self._ports.tickets.list_settled_before(self._ports.clock() - self._after)

    async def close(self, ticket: str) -> None:
        """Close a ticket, unless it was reopened meanwhile, even if it was settled again."""
        action = Action(TicketAct.CLORE, Side.PLATEFORME, "plateforme")
        await self._actions.apply(TicketAccess(ticket, self._has_waited), action)

    def _has_waited(self, ticket: Ticket) -> bool:
        return ticket.changed_at < self._ports.clock() - self._after
