"""Pusher: sends what waits for one subscriber, in the order of each dossier.

What fails waits for its next turn, with the later statuses of its dossier behind it; the other
dossiers go on. Where nothing is delivered any more, everything of the subscription waits, and one
delivery alone tries whether the receiver is back.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.notification.pushes.application.ports import PushPorts
from services.notification.pushes.domain.delivery import (
    FIRST_RETRY_S,
    LONGEST_RETRY_S,
    Delivery,
    group_by_dossier,
    is_given_up,
)
from services.notification.pushes.domain.outcomes import Attempt, Outcome
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Health,
    State,
    Subscription,
)

SIDE_BY_SIDE = 8
"""Dossiers of which deliveries are sent to one subscriber at the same time; after as many failures
in a row it counts as away."""
_LOOKED_AT_EVERY = timedelta(seconds=1)
"""For so long a subscription is used as it was read."""
_CROWDED = timedelta(seconds=2)
"""After so long a subscriber is looked at again whose structure has all its share of turns."""
TURN = timedelta(seconds=10)
"""Length of one turn of a subscriber; what is left waits for the next."""


@dataclass(slots=True)
class _Window:
    """What becomes of the deliveries of one search."""

    ends_at: datetime
    looked_at: datetime
    """When the subscription was read."""
    next_due: datetime | None
    """When the next delivery is due, of those that are not."""
    delivered: int = 0
    failed: int = 0
    failed_in_a_row: int = 0
    """Of those that were tried for the first time: one that failed before may be its own cause."""
    news: int = 0
    """Failures of deliveries that were tried for the first time."""
    cause: Cause | None = None
    """Why the subscription is to be disabled."""
    is_cut: bool = False
    """Whether it ended before all had been tried."""
    is_changed: bool = False
    """Whether the subscription is another by now."""
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be tried."""
        is_lost = self.failed_in_a_row >= SIDE_BY_SIDE
        return self.cause is not None or self.is_changed or is_lost

    def postpone(self, due: datetime) -> None:
        """Note that a delivery is tried again."""
        self.next_due = min(due, self.next_due or due)


class Pusher:
    """Use case of pushing to one subscriber at a time."""

    def __init__(self, ports: PushPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def push(self, subscription_id: str) -> bool:
        """Send what is due for a subscriber, for one turn. True when more may be due at once.

        What becomes due meanwhile is not looked for: whoever writes it asks for another turn.
        """
        found = await self._find_ready(subscription_id)
        if found is None:
            return False
        ports, structure = self._ports, found.actor.structure
        if not ports.shares.take(structure):
            later = replace(found.health, due=ports.clock() + _CROWDED)
            await ports.deliveries.save_health(found, later)
            return False
        try:
            return await self._push_for_a_turn(found)
        finally:
            ports.shares.give_back(structure)

    async def _find_ready(self, subscription_id: str) -> Subscription | None:
        """Find a subscription to which something may be sent now."""
        found = await self._ports.find(subscription_id)
        if found is None or found.state is not State.ACTIVE:
            return None
        return None if _is_paused(found, self._ports.clock()) else found

    async def _push_for_a_turn(self, found: Subscription) -> bool:
        ends_at = self._ports.clock() + TURN
        ready: Subscription | None = found
        while ready is not None:
            if not await self._push_some(ready, ends_at):
                return False
            if self._ports.clock() >= ends_at:
                return True
            ready = await self._find_ready(found.id)
        return False

    async def _push_some(self, found: Subscription, ends_at: datetime) -> bool:
        """Send what one search finds. True when more may be due at once."""
        now = self._ports.clock()
        waiting = await self._ports.deliveries.list_waiting(found.id, now)
        if waiting.due and not await self._ports.may_read(found):
            await self._ports.disable(found, Cause.REVOKED)
            return False
        if waiting.due and found.channel.traits.is_grouped:
            for delivery, attempt in await self._ports.mail_all(found, waiting.due):
                await self._postpone(delivery, attempt)
            return True
        window = _Window(ends_at, now, waiting.next_due)
        await self._push_all(found, waiting.due, window)
        return await self._judge(found, window) and (window.is_cut or waiting.has_more)

    async def _push_all(
        self, subscription: Subscription, due: Sequence[Delivery], window: _Window
    ) -> None:
        """Send deliveries to a webhook, those of each dossier one after the other."""
        # Those that have failed come last: they hold no other back.
        lanes = sorted(group_by_dossier(due).values(), key=lambda lane: lane[0].attempts)
        if subscription.health.failures:
            # Is the receiver back? One delivery tells: one that may not be the cause.
            while lanes and not window.delivered:
                if not await self._may_go_on(subscription, window):
                    return
                first, *rest = lanes.pop(0)
                outcome = await self._send(subscription, first, window)
                if outcome is Outcome.DELIVERED:
                    lanes.append(rest)
                elif outcome is Outcome.DROPPED:
                    lanes[:0] = [rest] if rest else []
                elif outcome is not Outcome.HELD:
                    return
        pushed = await asyncio.gather(
            *(self._push_lane(subscription, lane, window) for lane in lanes),
            # Without it, the other lanes would go on beside the next turn.
            return_exceptions=True,
        )
        for each in pushed:
            if isinstance(each, BaseException):
                raise each

    async def _push_lane(
        self, subscription: Subscription, lane: Sequence[Delivery], window: _Window
    ) -> None:
        """Send the deliveries of one dossier one after the other, up to the first that fails."""
        for delivery in lane:
            async with window.slots:
                if not await self._may_go_on(subscription, window):
                    return
                outcome = await self._send(subscription, delivery, window)
                if outcome not in (Outcome.DELIVERED, Outcome.DROPPED):
                    return

    async def _may_go_on(self, subscription: Subscription, window: _Window) -> bool:
        """Tell whether another delivery may be sent by a subscription as it was read."""
        now = self._ports.clock()
        if not window.is_over and now - window.looked_at >= _LOOKED_AT_EVERY:
            window.looked_at = now
            found = await self._ports.find(subscription.id)
            window.is_changed = found is None or _decide(found) != _decide(subscription)
        if not window.is_over and not await self._ports.may_read(subscription):
            window.cause = Cause.REVOKED
        if window.is_over or now >= window.ends_at:
            window.is_cut = True
            return False
        return True

    async def _send(
        self, subscription: Subscription, delivery: Delivery, window: _Window
    ) -> Outcome:
        attempt, now = await self._ports.send(subscription, delivery), self._ports.clock()
        if attempt.outcome is Outcome.DELIVERED:
            window.delivered += 1
            window.failed_in_a_row = 0
            await self._ports.deliveries.record(delivery, attempt, now, None)
            return attempt.outcome
        if attempt.outcome is Outcome.DROPPED:
            await self._ports.deliveries.record(delivery, attempt, now, None)
            return attempt.outcome
        due = now + self._compute_delay(delivery.attempts)
        window.postpone(due)
        if attempt.outcome is not Outcome.HELD:
            window.failed += 1
            if delivery.attempts == 0:
                window.news += 1
                window.failed_in_a_row += 1
            if attempt.outcome is Outcome.GONE:
                window.cause = Cause.GONE
            elif is_given_up(delivery.failing_since, delivery.attempts + 1, now):
                window.cause = Cause.FAILURES
        await self._ports.deliveries.record(delivery, attempt, now, due)
        return attempt.outcome

    async def _postpone(self, delivery: Delivery, attempt: Attempt) -> None:
        """Record that a delivery is not mailed, for what it tells of."""
        is_dropped, now = attempt.outcome is Outcome.DROPPED, self._ports.clock()
        due = None if is_dropped else now + self._compute_delay(delivery.attempts)
        await self._ports.deliveries.record(delivery, attempt, now, due)

    async def _judge(self, subscription: Subscription, window: _Window) -> bool:
        """Judge how a subscriber does after a window. False when it waits now."""
        health, now = subscription.health, self._ports.clock()
        # One dossier that fails by itself may be the cause, and holds no other back; neither do
        # those that have failed while others were delivered.
        is_away = window.delivered == 0 and (
            window.news > 1 or (window.failed > 0 and health.failures > 0)
        )
        cause = window.cause
        if (
            cause is None
            and is_away
            and is_given_up(health.failing_since, health.failures + 1, now)
        ):
            cause = Cause.FAILURES
        if cause is not None:
            await self._ports.disable(subscription, cause)
            return False
        if is_away:
            judged = Health(
                failures=health.failures + 1,
                failing_since=health.failing_since or now,
                due=now + self._compute_delay(health.failures),
            )
        elif window.delivered or not health.failures:
            judged = Health(due=window.next_due)
        else:
            # Nothing has told yet whether the receiver is back.
            judged = replace(health, due=window.next_due)
        if judged != health:
            await self._ports.deliveries.save_health(subscription, judged)
        return not is_away

    def _compute_delay(self, failures: int) -> timedelta:
        seconds = self._ports.compute_backoff(failures, FIRST_RETRY_S, LONGEST_RETRY_S)
        return timedelta(seconds=seconds)


def _is_paused(subscription: Subscription, now: datetime) -> bool:
    health = subscription.health
    return health.failures > 0 and health.due is not None and now < health.due


def _decide(subscription: Subscription) -> tuple[object, ...]:
    """List what of a subscription decides where and how it is sent what it wants."""
    terms = subscription.terms
    return subscription.state, subscription.owner, terms.target, subscription.secrets
