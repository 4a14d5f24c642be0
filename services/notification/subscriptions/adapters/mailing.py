"""Mails about a subscription, queued with the change that they tell of."""

from services.notification.subscriptions.application.book import LINK_LIFE
from services.notification.subscriptions.application.mails import (
    build_confirmation,
    build_disabled,
)
from services.notification.subscriptions.domain.subscription import Subscription
from shared.runtime.clock import Clock
from shared.runtime.mail.queue import MailQueue
from shared.runtime.messaging.directory import Directory
from shared.runtime.store.database import Transaction


class SubscriptionMails:
    """Queues the mails about subscriptions."""

    def __init__(self, queue: MailQueue, directory: Directory, clock: Clock, base: str) -> None:
        """Queue them here; links begin by `base`, the public URL of the service."""
        self._queue = queue
        self._directory = directory
        self._clock = clock
        self._base = base

    async def find_name(self, structure: str) -> str:
        """Find the name of a structure; its id where the directory does not know it yet."""
        return (await self._directory.find_names([structure])).get(structure, structure)

    def build_unsubscribing_link(self, token: str) -> str:
        """Build the link by which a recipient unsubscribes."""
        return f"{self._base}/unsubscriptions/{token}"

    async def ask_confirmation(
        self, transaction: Transaction, subscription: Subscription, token: str
    ) -> None:
        name = await self.find_name(subscription.actor.structure)
        link = f"{self._base}/confirmations/{token}"
        mail = build_confirmation(subscription, name, link, self._clock() + LINK_LIFE)
        await self._queue.queue(transaction, mail)

    async def tell_disabled(self, transaction: Transaction, subscription: Subscription) -> None:
        to, cause = subscription.contact, subscription.cause
        if to is None or cause is None:
            return
        name = await self.find_name(subscription.actor.structure)
        at = subscription.disabled_at or self._clock()
        await self._queue.queue(transaction, build_disabled(subscription, to, name, cause, at))
