"""Store of subscriptions, each one document."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

from services.notification.subscriptions.application.ports import SubscriptionChange
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Channel,
    Criteria,
    Frequency,
    Health,
    Secret,
    State,
    Subscription,
    Terms,
)
from shared.application.idempotency import Key, UsedKey
from shared.runtime.ids import new_id
from shared.runtime.store.batches import Batches
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.feed import Feed
from shared.runtime.store.idempotency_keys import (
    find_key_use,
    prepare_keys,
    record_key_use,
    transact_once,
)
from shared.runtime.store.schema import DocumentFormat, TransactionDocuments
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

T = TypeVar("T")
_ASKED = "asked_confirmations"
"""Collection that counts the mails by which structures ask recipients to confirm."""
_ASKED_FOR = timedelta(hours=24)


class SubscriptionDeliveries(Protocol):
    """What a change of a subscription does to its deliveries, in its transaction."""

    async def retry(self, transaction: Transaction, subscription: Subscription) -> None:
        """Try what waits for it at once, as if it were new."""

    async def catch_up(self, transaction: Transaction, subscription: Subscription) -> None:
        """Look up what it missed since `resume_mark`, and make it active then."""

    async def forget_deliveries(self, transaction: Transaction, subscription: str) -> None:
        """Delete its deliveries."""


class SubscriptionMailing(Protocol):
    """What a change of a subscription is told by, queued in its transaction."""

    async def ask_confirmation(
        self, transaction: Transaction, subscription: Subscription, token: str
    ) -> None:
        """Queue the mail that asks the recipient to confirm."""

    async def tell_disabled(self, transaction: Transaction, subscription: Subscription) -> None:
        """Queue the mail that tells its contact why it was disabled; nothing without one."""


class MongoSubscriptions:
    """Store of subscriptions."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        deliveries: SubscriptionDeliveries,
        mails: SubscriptionMailing,
    ) -> None:
        """Use this store; each change holds this feed of statuses."""
        self._store = store
        self._feed = feed
        self._deliveries = deliveries
        self._mails = mails
        self._subscriptions = store.collection(SUBSCRIPTIONS.collection)
        self._reads = Batches(self._find_each)

    async def prepare(self) -> None:
        """Create the indexes."""
        await prepare_keys(self._store)
        await self._subscriptions.create_index([("structure", 1), ("role", 1), ("_id", 1)])
        await self._subscriptions.create_index([("state", 1), ("health.due", 1)])
        await self._store.collection(_ASKED).create_index([("structure", 1), ("expires_at", 1)])
        await self._store.collection(_ASKED).create_index("expires_at", expireAfterSeconds=0)

    async def change(self, work: Callable[[SubscriptionChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

        async def attempt(transaction: Transaction) -> T:
            mark = await self._feed.hold(transaction)
            return await work(_MongoChange(transaction, mark, self._deliveries, self._mails))

        return await transact_once(self._store, attempt)

    async def find(self, subscription: str) -> Subscription | None:
        """Read a subscription."""
        found = await self._reads.call(subscription)
        return SUBSCRIPTIONS.read(found) if found else None

    async def list_of(self, actor: Actor) -> Sequence[Subscription]:
        """List the subscriptions of a structure in a role, oldest first."""
        found = self._subscriptions.find(_match(actor)).sort("_id", 1)
        return [SUBSCRIPTIONS.read(document) async for document in found]

    async def _find_each(self, subscriptions: Sequence[str]) -> Sequence[Document | None]:
        """Find subscriptions: many have a turn at the moment of a status."""
        rows = self._subscriptions.find({"_id": {"$in": sorted(set(subscriptions))}})
        found = {row["_id"]: row async for row in rows}
        return [found.get(each) for each in subscriptions]


class _MongoChange:
    """One transaction over subscriptions."""

    def __init__(
        self,
        transaction: Transaction,
        mark: int,
        deliveries: SubscriptionDeliveries,
        mails: SubscriptionMailing,
    ) -> None:
        self.mark = mark
        self._transaction = transaction
        self._deliveries = deliveries
        self._mails = mails
        self._subscriptions = TransactionDocuments(SUBSCRIPTIONS, transaction)

    async def load(self, subscription: str) -> Subscription | None:
        return await self._subscriptions.find({"_id": subscription})

    async def count(self, actor: Actor) -> int:
        return await self._subscriptions.count(_match(actor))

    async def save(self, subscription: Subscription) -> None:
        await self._subscriptions.save(subscription.id, subscription)

    async def delete(self, subscription: str) -> None:
        await self._transaction.collection(SUBSCRIPTIONS.collection).delete_one(
            {"_id": subscription}, session=self._transaction.session
        )
        await self._deliveries.forget_deliveries(self._transaction, subscription)

    async def retry(self, subscription: Subscription) -> None:
        await self._deliveries.retry(self._transaction, subscription)

    async def catch_up(self, subscription: Subscription) -> None:
        await self._deliveries.catch_up(self._transaction, subscription)

    async def may_ask(self, structure: str, a_day: int) -> bool:
        asked, session = self._transaction.collection(_ASKED), self._transaction.session
        now = self._transaction.clock()
        lately = {"structure": structure, "expires_at": {"$gt": now}}
        if await asked.count_documents(lately, session=session) >= a_day:
            return False
        row = {"_id": new_id(), "structure": structure, "expires_at": now + _ASKED_FOR}
        await asked.insert_one(row, session=session)
        return True

    async def ask_confirmation(self, subscription: Subscription, token: str) -> None:
        await self._mails.ask_confirmation(self._transaction, subscription, token)

    async def tell_disabled(self, subscription: Subscription) -> None:
        await self._mails.tell_disabled(self._transaction, subscription)

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        return await find_key_use(self._transaction, key)

    async def record_key_use(self, key: Key | None, subject: str) -> None:
        await record_key_use(self._transaction, key, subject)


def _match(actor: Actor) -> Document:
    return {"structure": actor.structure, "role": actor.role.value}


def _to_document(subscription: Subscription) -> Document:
    actor, terms = subscription.actor, subscription.terms
    criteria, health = terms.criteria, subscription.health
    return {
        "_id": subscription.id,
        "owner": subscription.owner,
        "role": actor.role.value,
        "structure": actor.structure,
        "service": actor.service,
        "channel": subscription.channel.value,
        "target": terms.target,
        "contact": terms.contact,
        "frequency": terms.frequency.value,
        "statuses": sorted(each.value for each in criteria.statuses),
        "cadres": sorted(criteria.cadres),
        "marche": criteria.marche,
        "state": subscription.state.value,
        "cause": subscription.cause.value if subscription.cause else None,
        "created_at": subscription.created_at,
        "disabled_at": subscription.disabled_at,
        "resume_mark": subscription.resume_mark,
        "is_confirmed": subscription.is_confirmed,
        "asked_at": subscription.asked_at,
        "told_at": subscription.told_at,
        "secrets": [
            {"sealed": each.sealed, "valid_until": each.valid_until}
            for each in subscription.secrets
        ],
        "health": {
            "failures": health.failures,
            "failing_since": health.failing_since,
            "due": health.due,
        },
    }


def _from_document(document: Document) -> Subscription:
    cause, health = document["cause"], document["health"]
    return Subscription(
        id=document["_id"],
        owner=document["owner"],
        actor=Actor(Role(document["role"]), document["structure"], document["service"]),
        channel=Channel(document["channel"]),
        terms=Terms(
            target=document["target"],
            contact=document["contact"],
            frequency=Frequency(document["frequency"]),
            criteria=Criteria(
                statuses=frozenset(Status(each) for each in document["statuses"]),
                cadres=frozenset(document["cadres"]),
                marche=document["marche"],
            ),
        ),
        created_at=document["created_at"],
        state=State(document["state"]),
        cause=Cause(cause) if cause else None,
        disabled_at=document["disabled_at"],
        resume_mark=document["resume_mark"],
        is_confirmed=document["is_confirmed"],
        asked_at=document["asked_at"],
        told_at=document["told_at"],
        secrets=tuple(Secret(each["sealed"], each["valid_until"]) for each in document["secrets"]),
        health=Health(health["failures"], health["failing_since"], health["due"]),
    )


SUBSCRIPTIONS = DocumentFormat("subscriptions", read=_from_document, write=_to_document)
