"""Access to a ticket: who may see it, in which version, and whether an act is possible."""

from collections.abc import Callable
from dataclasses import dataclass

from services.support.tickets.application.outcomes import Impossible, Missing, Stale
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.tickets import Ticket
from services.support.tickets.domain.transitions import Transition
from services.support.tickets.domain.validation import possible
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side, TicketAct

Owns = Callable[[Ticket], bool]
"""Tells whether somebody may know of a ticket."""


Precondition = Callable[[int], bool]
"""Tells whether a change may replace a version."""


def _any(_: int) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Claim:
    """A ticket as somebody names it: which one, by what right, and as they last read it."""

    ticket: str
    owns: Owns
    matches: Precondition = _any
    by: str = ""
    """Whose idempotency keys it comes with: a structure in a role, an agent of a desk."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A ticket to which an act may be done, by this row of the table."""

    ticket: Ticket
    row: Transition


def ready(
    ticket: Ticket | None, claim: Claim, act: TicketAct, side: Side
) -> Ready | Impossible | Stale | Missing:
    """Tell whether an act may be done to a claimed ticket; None is one that is not there."""
    if ticket is None or not claim.owns(ticket):
        return Missing()
    row = possible(ticket, act, side)
    if isinstance(row, Violation):
        return Impossible(row)
    if not claim.matches(ticket.version):
        return Stale(ticket_rules.STALE.broken("If-Match"))
    return Ready(ticket, row)
