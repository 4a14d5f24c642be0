"""Ports of subscriptions: their store, one transaction over it, and what protects their secrets."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from services.notification.subscriptions.domain.subscription import Subscription
from shared.application.idempotency import Key, UsedKey
from shared.vocabulary.actors import Actor

T = TypeVar("T")


class SubscriptionChange(Protocol):
    """One transaction over subscriptions: all that it does is committed together.

    No status is numbered beside it: each is judged by what was before, or by what is after.
    """

    mark: int
    """Mark of the last status that was judged before."""

    async def load(self, subscription: str) -> Subscription | None:
        """Read a subscription; None when there is none."""

    async def count(self, actor: Actor) -> int:
        """Count the subscriptions of a structure in a role."""

    async def save(self, subscription: Subscription) -> None:
        """Write a subscription."""

    async def delete(self, subscription: str) -> None:
        """Delete a subscription, with the log of its deliveries."""

    async def retry(self, subscription: Subscription) -> None:
        """Try what waits for it at once: what failed before may pass now."""

    async def catch_up(self, subscription: Subscription) -> None:
        """Look up what it missed since `resume_mark`, and make it active then."""

    async def may_ask(self, structure: str, a_day: int) -> bool:
        """Count one more mail that asks a recipient; False when a structure has sent as many."""

    async def ask_confirmation(self, subscription: Subscription, token: str) -> None:
        """Queue the mail that asks the recipient to confirm."""

    async def tell_disabled(self, subscription: Subscription) -> None:
        """Queue the mail that tells its contact why it was disabled; nothing without one."""

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        """Find the use of an idempotency key."""

    async def record_key_use(self, key: Key | None, subject: str) -> None:
        """Record the use of an idempotency key."""


class Subscriptions(Protocol):
    """Store of subscriptions."""

    async def change(self, work: Callable[[SubscriptionChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, subscription: str) -> Subscription | None:
        """Read a subscription."""

    async def list_of(self, actor: Actor) -> Sequence[Subscription]:
        """List the subscriptions of a structure in a role, oldest first."""


class Box(Protocol):
    """Encrypts secrets and links with the keys of the platform."""

    @property
    def is_open(self) -> bool:
        """Whether a key is set."""

    def seal(self, text: str) -> str:
        """Encrypt a text; the result can stand in a URL."""

    def open(self, sealed: str, life: timedelta | None = None) -> str | None:
        """Decrypt a text; None for one that was not sealed here, or longer ago than `life`."""


@dataclass(frozen=True, slots=True)
class SubscriptionPorts:
    """What the use cases of subscriptions need."""

    subscriptions: Subscriptions
    box: Box
    judge_target: Callable[[str], str | None]
    """Tells why a URL can be no webhook, in French; None when it can."""
    create_secret: Callable[[], str]
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    limit: int
    """Limit of the subscriptions of a structure in a role."""
    asked_a_day: int
    """Limit of the mails by which a structure asks recipients to confirm, in 24 hours."""
