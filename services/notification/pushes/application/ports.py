"""Ports of pushes: the deliveries of a subscription, and the channels over which they leave."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.notification.pushes.application.shares import FairShares
from services.notification.pushes.domain.delivery import Delivery
from services.notification.pushes.domain.outcomes import Attempt
from services.notification.subscriptions.domain.subscription import Cause, Health, Subscription


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a subscriber, as one search has seen it."""

    due: Sequence[Delivery]
    """Those that are due, oldest first; none of a dossier whose first is not."""
    next_due: datetime | None = None
    """When the next dossier is due, of those that are not yet; None without any."""
    has_more: bool = False
    """Whether the search stopped at its limit, so that more may be due."""


class Deliveries(Protocol):
    """Deliveries that wait, of one subscription."""

    async def list_waiting(self, subscription: str, now: datetime) -> Waiting:
        """List what waits, and what of it is due at a moment."""

    async def record(
        self, delivery: Delivery, attempt: Attempt, at: datetime, due: datetime | None
    ) -> None:
        """Record an attempt; one that failed is due again at `due`.

        Nothing is recorded of a failure where the delivery was tried, or made new, beside it.
        """

    async def save_health(self, subscription: Subscription, health: Health) -> None:
        """Write how deliveries of a subscription go, unless it has changed since it was read."""


Send = Callable[[Subscription, Delivery], Awaitable[Attempt]]
"""Sends one delivery, and tells what became of it."""


@dataclass(frozen=True, slots=True)
class PushPorts:
    """What the pusher needs."""

    find: Callable[[str], Awaitable[Subscription | None]]
    deliveries: Deliveries
    may_read: Callable[[Subscription], Awaitable[bool]]
    """Tells whether the owner may still read the pieces of the actor."""
    disable: Callable[[Subscription, Cause], Awaitable[None]]
    """Disables a subscription, unless its target has changed since it was read."""
    send: Send
    mail_all: Callable[
        [Subscription, Sequence[Delivery]], Awaitable[Sequence[tuple[Delivery, Attempt]]]
    ]
    """Sends one mail of several deliveries, and records them as delivered, both or neither.

    Returns those that are not mailed, and why.
    """
    shares: FairShares
    """Turns in progress at the same time."""
    clock: Callable[[], datetime]
    compute_backoff: Callable[[int, float, float], float]
    """Computes the delay after some failures, in seconds: see `shared.runtime.backoff`."""
