"""Results of the use cases of accounts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.organisation.accounts.application.ports import AccountChange, Accounts
from services.organisation.accounts.domain import rules
from shared.application.idempotency import Key
from shared.vocabulary.rules import Violation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What was asked is done, or was already so."""

    value: T
    subject: str = ""
    """What an idempotency key is kept for: it finds the result again."""
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule refuses it; the code of the first one decides the HTTP status."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such thing (404)."""

    what: str


Outcome = Done[T] | Refused | NotFound


async def run_once(
    accounts: Accounts,
    key: Key | None,
    work: Callable[[AccountChange], Awaitable[Outcome[T]]],
    show: Callable[[AccountChange, str], Awaitable[T | None]],
) -> Outcome[T]:
    """Run `work` in a transaction, idempotent by key.

    A repeat is answered by `show`, which reads the result as it now is by its subject.
    """

    async def attempt(change: AccountChange) -> Outcome[T]:
        if used := await change.find_key_use(key):
            if not used.is_of(key):
                return Refused((rules.KEY_REUSED.build_violation("Idempotency-Key"),))
            found = await show(change, used.subject)
            if found is None:
                return NotFound("Résultat")
            return Done(found, used.subject, is_replay=True)
        outcome = await work(change)
        if isinstance(outcome, Done):
            await change.record_key_use(key, outcome.subject)
        return outcome

    return await accounts.change(attempt)
