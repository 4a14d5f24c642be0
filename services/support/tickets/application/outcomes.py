"""Outcomes of a request about a ticket: done, or why not."""

from dataclasses import dataclass

from services.support.tickets.domain.tickets import Ticket
from shared.vocabulary.rules import Violation


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
class Conflict:
    """The state of the ticket does not allow it."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class StaleVersion:
    """The ticket is not in the version that the caller had read."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such ticket, as far as the caller may know."""


@dataclass(frozen=True, slots=True)
class RateLimited:
    """As much as an hour allows has come already."""

    violation: Violation


Outcome = Done | Refused | Conflict | StaleVersion | NotFound | RateLimited
