"""Outcomes of a request about a ticket: done, or why not."""

from dataclasses import dataclass

from services.support.tickets.domain.tickets import Ticket
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class Done:
    """The request was done."""

    ticket: Ticket
    is_replay: bool = False
    token: str | None = None
    """Token that follows the ticket without an account; None with one."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The request breaks rules (422)."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The state of the ticket does not allow the act (409)."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class StaleVersion:
    """The ticket has changed since the caller read it (412)."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such ticket for this caller (404)."""


@dataclass(frozen=True, slots=True)
class RateLimited:
    """A rate limit is exceeded (429)."""

    violation: Violation


Outcome = Done | Refused | Conflict | StaleVersion | NotFound | RateLimited
