"""Automatic closing of tickets that were settled and not reopened."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta

from services.support.tickets.application.access import Claim
from services.support.tickets.application.actions import Acting
from services.support.tickets.application.ports import Ports
from services.support.tickets.domain.tickets import Doing
from shared.vocabulary.tickets import Side, TicketAct

_CLOSED_AT_ONCE = 100


OneByOne = Callable[[Sequence[str], Callable[[str], Awaitable[object]]], Awaitable[Collection[str]]]
"""Does something to each, whatever becomes of the others; gives those for which it failed."""


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
