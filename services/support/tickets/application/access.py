"""Access to a ticket: who may see it, in which version, and whether an act is possible."""

from collections.abc import Callable
from dataclasses import dataclass

from services.support.tickets.application.outcomes import Conflict, NotFound, StaleVersion
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.tickets import Ticket
from services.support.tickets.domain.transitions import Transition
from services.support.tickets.domain.validation import find_allowed_transition
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side, TicketAct

CanSee = Callable[[Ticket], bool]
"""Tells whether somebody may know of a ticket."""


MatchesVersion = Callable[[int], bool]
"""Tells whether a change may replace a version."""


def _match_any(_: int) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class TicketAccess:
    """A ticket as somebody names it: which one, by what right, and as they last read it."""

    ticket: str
    can_see: CanSee
    matches_version: MatchesVersion = _match_any
    key_owner: str = ""
    """Whose idempotency keys it comes with: a structure in a role, an agent of a desk."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """A ticket to which an act may be done, by this row of the table."""

    ticket: Ticket
    row: Transition


def check_access(
    ticket: Ticket | None, access: TicketAccess, act: TicketAct, side: Side
) -> Allowed | Conflict | StaleVersion | NotFound:
    """Tell whether an act may be done to a claimed ticket; None is one that is not there."""
    if ticket is None or not access.can_see(ticket):
        return NotFound()
    row = find_allowed_transition(ticket, act, side)
    if isinstance(row, Violation):
        return Conflict(row)
    if not access.matches_version(ticket.version):
        return StaleVersion(ticket_rules.STALE.broken("If-Match"))
    return Allowed(ticket, row)
