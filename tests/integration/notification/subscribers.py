"""Subscribers of tests: subscriptions put into the store of the running service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet

from deploy.local import Platform
from services.notification.pushes.adapters.delivery_log import MongoDeliveryLog
from services.notification.pushes.adapters.fan_out import FanOut
from services.notification.pushes.application.log import PushLog
from services.notification.subscriptions.adapters.mongo import MongoSubscriptions
from services.notification.subscriptions.adapters.secrets import SecretBox, create_secret
from services.notification.subscriptions.application.book import Asker, Done, SubscriptionBook
from services.notification.subscriptions.application.ports import SubscriptionPorts
from services.notification.subscriptions.domain.subscription import (
    Channel,
    Criteria,
    Subscription,
    Terms,
)
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.feed import Feed
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from tests.integration.notification.dossiers import Dossier
from tests.kit.access import build_email

ALL = Criteria()
PUSH_KEY = Fernet.generate_key().decode()


class _NoMails:
    """Mails of changes of which none is sent."""

    async def ask_confirmation(self, *_: object) -> None:
        raise NotImplementedError

    async def tell_disabled(self, _: Transaction, subscription: Subscription) -> None:
        raise NotImplementedError(subscription.id)


@dataclass
class Subscribers:
    """Book of subscriptions over the store of the running service."""

    store: Store
    book: SubscriptionBook
    log: PushLog
    secrets: dict[str, str] = field(default_factory=dict)
    """Secret of each subscription."""

    async def subscribe(
        self,
        dossier: Dossier,
        role: Role,
        url: str,
        criteria: Criteria = ALL,
        service: str | None = None,
    ) -> Subscription:
        """Subscribe a party of a dossier by a webhook; its owner has its rights."""
        actor = Actor(role, dossier.structure(role), service)
        dossier.seen_by(role)  # puts the rights of its user into the read model
        terms = Terms(url, contact="qui@exemple.fr", criteria=criteria)
        done = await self.book.create(build_asker(actor), Channel.WEBHOOK, terms)
        assert isinstance(done, Done), done
        assert done.secret is not None
        self.secrets[done.subscription.id] = done.secret
        return done.subscription

    async def read(self, subscription: Subscription) -> Subscription:
        """Read a subscription as it is now."""
        found = await self.book.read(subscription.id)
        assert found is not None
        return found

    async def list_deliveries(self, subscription: Subscription, **more: Any) -> list[Document]:  # noqa: ANN401
        """List the deliveries of a subscription, by mark."""
        wanted = {"subscription": subscription.id, **more}
        found = self.store.collection("deliveries").find(wanted).sort("mark", 1)
        return await found.to_list(None)


def build_asker(actor: Actor, user: str | None = None) -> Asker:
    """Build who asks for an actor: by default the user of its structure."""
    owner = f"essai-{build_email(user or actor.structure)}"
    return Asker(owner, actor, email=None, may_modify=True)


@asynccontextmanager
async def open_subscribers(platform: Platform) -> AsyncIterator[Subscribers]:
    """Open the store of notification on a running platform."""
    clock = build_clock()
    async with Store(platform.addresses.mongo, "notification", clock) as store:
        ports = SubscriptionPorts(
            subscriptions=MongoSubscriptions(
                store, Feed(store, "statuses"), FanOut(clock), _NoMails()
            ),
            box=SecretBox([PUSH_KEY], clock),
            judge_target=lambda _: None,
            create_secret=create_secret,
            clock=clock,
            new_id=new_id,
            limit=1000,
            asked_a_day=1000,
        )
        log = PushLog(MongoDeliveryLog(store, clock))
        yield Subscribers(store, SubscriptionBook(ports), log)
