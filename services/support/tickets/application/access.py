"""Access control of a ticket: who may see it, in which version, and which acts."""

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
"""Tells whether the caller may see a ticket."""


MatchesVersion = Callable[[int], bool]
"""Precondition (If-Match): tells whether the caller may replace this version."""


def _match_any(_: int) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class TicketAccess:
    """Access to one ticket: its id, who may see it, and the version that may be replaced."""

    ticket: str
    can_see: CanSee
    matches_version: MatchesVersion = _match_any
    key_owner: str = ""
    """Owner of the idempotency keys: a structure in a role, an agent of a desk, or the ticket."""
    user: str | None = None
    """Id of the principal who acts; None without an account."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Access granted: the ticket, and the row of the table that allows the act."""

    ticket: Ticket
    row: Transition


def check_access(
    ticket: Ticket | None, access: TicketAccess, act: TicketAct, side: Side
) -> Allowed | Conflict | StaleVersion | NotFound:
    """Check that the caller may see the ticket, do the act, and replace this version."""
    if ticket is None or not access.can_see(ticket):
        return NotFound()
    row = find_allowed_transition(ticket, act, side)
    if isinstance(row, Violation):
        return Conflict(row)
    if not access.matches_version(ticket.version):
        return StaleVersion(ticket_rules.STALE.build_violation("If-Match"))
    return Allowed(ticket, row)
