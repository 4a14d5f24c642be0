"""Automatic closing of tickets that were settled and not reopened."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta

from services.support.tickets.application.access import TicketAccess
from services.support.tickets.application.actions import Actions
from services.support.tickets.application.ports import TicketPorts
from services.support.tickets.domain.tickets import Action
from shared.vocabulary.tickets import Side, TicketAct

_BATCH_SIZE = 100


AttemptEach = Callable[
    [Sequence[str], Callable[[str], Awaitable[object]]], Awaitable[Collection[str]]
]
"""Runs a function for each id, and returns the ids for which it failed."""


class AutomaticClosing:
    """Closes the tickets that were settled and not reopened for a delay."""

    def __init__(
        self, ports: TicketPorts, actions: Actions, after: timedelta, attempt_each: AttemptEach
    ) -> None:
        """Set after how long a settled ticket is closed."""
        self._attempt_each = attempt_each
        self._ports = ports
        self._actions = actions
        self._after = after

    async def close(self) -> int:
        """Close all due tickets and return their number; a failure delays no other ticket."""
        closed, left = 0, set[str]()
        action = Action(TicketAct.CLORE, Side.PLATEFORME, "plateforme")
        before = self._ports.clock() - self._after
        while due := await self._ports.tickets.list_settled_before(before, _BATCH_SIZE, left):
            failed = await self._attempt_each(
                due, lambda each: self._actions.apply(TicketAccess(each, lambda _: True), action)
            )
            left |= {*failed}
            closed += len(due) - len(failed)
        return closed
