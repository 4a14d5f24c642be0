"""Log of deliveries: read it, send one again, replay a period, send a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.notification.pushes.domain.delivery import LoggedDelivery
from services.notification.subscriptions.domain.subscription import State, Subscription


class DeliveryLog(Protocol):
    """Deliveries of one subscription, newest first."""

    async def list_log(
        self, subscription: str, before: str | None, limit: int
    ) -> Sequence[LoggedDelivery]:
        """List deliveries before one of the log, newest first."""

    async def send_again(self, subscription: str, delivery: str) -> LoggedDelivery | None:
        """Make a delivery due now, as if it were new; None when there is none."""

    async def add_test(self, subscription: str) -> LoggedDelivery:
        """Add a test, due now."""

    async def replay(self, subscription: str, since: datetime, before: datetime) -> str | None:
        """Send again the statuses of a period; returns its name, None while too many are begun."""


class Refusal(StrEnum):
    """Why nothing is sent."""

    NOT_ACTIVE = "not_active"
    PERIOD_REVERSED = "period_reversed"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class PushLog:
    """Use cases of the log; who asks has been let in to the subscription."""

    log: DeliveryLog

    async def list_log(
        self, subscription: Subscription, before: str | None, limit: int
    ) -> Sequence[LoggedDelivery]:
        """List deliveries before one of the log, newest first."""
        return await self.log.list_log(subscription.id, before, limit)

    async def send_again(
        self, subscription: Subscription, delivery: str
    ) -> LoggedDelivery | Refusal | None:
        """Send a delivery again; None when the log has none of this id."""
        if subscription.state is not State.ACTIVE:
            return Refusal.NOT_ACTIVE
        return await self.log.send_again(subscription.id, delivery)

    async def send_test(self, subscription: Subscription) -> LoggedDelivery | Refusal:
        """Send a test, which tells of no status."""
        if subscription.state is not State.ACTIVE:
            return Refusal.NOT_ACTIVE
        return await self.log.add_test(subscription.id)

    async def replay(
        self, subscription: Subscription, since: datetime, before: datetime
    ) -> str | Refusal:
        """Send again what the subscription wants of a period, `before` excluded."""
        if subscription.state is not State.ACTIVE:
            return Refusal.NOT_ACTIVE
        if since >= before:
            return Refusal.PERIOD_REVERSED
        return await self.log.replay(subscription.id, since, before) or Refusal.BUSY
