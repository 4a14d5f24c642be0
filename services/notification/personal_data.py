"""Export and erasure of a person in the store of notification, by its e-mail address.

Elsewhere a person is the id of its account, the owner of its subscriptions, which organisation
closes: nothing is sent by its rights any more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.notification.pushes.adapters.fan_out import FanOut
from services.notification.statuses.adapters.marking import COLLECTION
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.domain.subscription import Subscription
from shared.rights.identity import normalise_email
from shared.runtime.clock import Clock
from shared.runtime.jobs.rows import COLLECTION as JOBS
from shared.runtime.mail.queue import KIND
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.feed import Feed
from shared.runtime.store.schema import TransactionDocuments


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased of a person."""

    subscriptions: int
    """Subscriptions by e-mail to the address, with their logs."""
    contacts: int
    """Other subscriptions, of which it was the contact."""
    mails: int


class PersonalData:
    """Personal data of one address in the store of notification."""

    def __init__(self, store: Store, email: str, clock: Clock) -> None:
        """Search this store for this address."""
        self._store = store
        self._email = normalise_email(email)
        self._feed = Feed(store, COLLECTION)
        self._fan_out = FanOut(clock)

    async def export(self) -> dict[str, Any]:
        """Export all that is kept of the address, as JSON values."""
        return {
            "service": "notification",
            "email": self._email,
            "subscriptions": [
                _describe(each, is_recipient=self._is_sent_to(each))
                for each in await self._find_subscriptions()
            ],
            "mails_that_wait": [row["payload"]["subject"] for row in await self._find_mails()],
        }

    async def erase(self) -> Erased:
        """Erase the address; done again, it erases nothing more."""
        found = [each.id for each in await self._find_subscriptions()]
        mails = [row["_id"] for row in await self._find_mails()]

        async def attempt(transaction: Transaction) -> Erased:
            await self._feed.hold(transaction)
            ended = [await self._erase_from(transaction, each) for each in found]
            waiting = {"_id": {"$in": mails}, "kind": KIND}
            unsent = await transaction.collection(JOBS).delete_many(
                waiting, session=transaction.session
            )
            deleted = sum(ended)
            return Erased(deleted, len(ended) - deleted, unsent.deleted_count)

        return await self._store.transaction(attempt)

    async def _erase_from(self, transaction: Transaction, subscription: str) -> bool:
        """Delete a subscription to the address, or take it out as a contact. True: deleted."""
        documents = TransactionDocuments(SUBSCRIPTIONS, transaction)
        found = await documents.find({"_id": subscription})
        if found is None:
            return False
        if not self._is_sent_to(found):
            await documents.save(found.id, replace(found, terms=replace(found.terms, contact=None)))
            return False
        await transaction.collection(SUBSCRIPTIONS.collection).delete_one(
            {"_id": subscription}, session=transaction.session
        )
        await self._fan_out.forget_deliveries(transaction, subscription)
        return True

    async def _find_subscriptions(self) -> Sequence[Subscription]:
        rows = self._store.collection(SUBSCRIPTIONS.collection).find().sort("_id", 1)
        found = [SUBSCRIPTIONS.read(row) async for row in rows]
        return [
            each
            for each in found
            if self._is_sent_to(each) or normalise_email(each.terms.contact or "") == self._email
        ]

    def _is_sent_to(self, subscription: Subscription) -> bool:
        target = normalise_email(subscription.terms.target)
        return subscription.channel.traits.is_personal and target == self._email

    async def _find_mails(self) -> Sequence[Document]:
        """Find the mails that wait to be sent to the address."""
        rows = self._store.collection(JOBS).find({"kind": KIND})
        return [row async for row in rows if normalise_email(row["payload"]["to"]) == self._email]


def _describe(subscription: Subscription, *, is_recipient: bool) -> dict[str, Any]:
    """Describe a subscription without the addresses of others."""
    actor = subscription.actor
    return {
        "subscription_id": subscription.id,
        "as": "recipient" if is_recipient else "contact",
        "structure": actor.structure,
        "role": actor.role,
        "state": subscription.state,
        "cause": subscription.cause,
        "created_at": subscription.created_at.isoformat(),
    }


async def export_person(store: Store, email: str, clock: Clock) -> str:
    """Export an address as a JSON text."""
    async with store:
        found = await PersonalData(store, email, clock).export()
    return json.dumps(found, ensure_ascii=False, indent=2)


async def erase_person(store: Store, email: str, clock: Clock) -> Erased:
    """Erase an address."""
    async with store:
        await store.read_clock()
        return await PersonalData(store, email, clock).erase()


def describe_erasure(erased: Erased) -> str:
    """Describe what was erased."""
    return (
        f"{erased.subscriptions} subscriptions by e-mail with their logs, {erased.contacts} "
        f"contacts of others, {erased.mails} mails that waited"
    )
