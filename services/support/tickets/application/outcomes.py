"""Who lays a claim to a ticket, and what comes of what they ask."""

from collections.abc import Callable
from dataclasses import dataclass

from services.support.desks.domain import rules
from services.support.tickets.application.ports import Key, Used
from services.support.tickets.domain.handling import possible
from services.support.tickets.domain.life import Transition
from services.support.tickets.domain.tickets import Ticket
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


@dataclass(frozen=True, slots=True)
class Done:
    """The ticket as it now is."""

    ticket: Ticket
    is_replay: bool = False
    token: str | None = None
    """What follows it without an account."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was sent breaks rules."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Impossible:
    """The state of the ticket does not allow it."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class Stale:
    """The ticket is not in the version that the caller had read."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such ticket, as far as the caller may know."""


@dataclass(frozen=True, slots=True)
class TooMany:
    """As much as an hour allows has come already."""

    violation: Violation


Outcome = Done | Refused | Impossible | Stale | Missing | TooMany


def again(used: Used, key: Key | None, ticket: Ticket | None) -> Done | Refused:
    """Answer what is sent again with its key: by what was done, unless it is something else."""
    if key is None or ticket is None or used.fingerprint != key.fingerprint:
        return Refused((rules.KEY_REUSED.broken("Idempotency-Key"),))
    return Done(ticket, is_replay=True)


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
        return Stale(rules.STALE.broken("If-Match"))
    return Ready(ticket, row)
