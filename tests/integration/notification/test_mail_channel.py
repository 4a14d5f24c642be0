"""Channel of mails over a real store: nothing is mailed twice, or where it should not be."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from services.notification.pushes.adapters.delivery_rows import build_row
from services.notification.pushes.adapters.mail_channel import MailChannel
from services.notification.pushes.domain.delivery import Delivery
from services.notification.statuses.domain.entry import Entry
from services.notification.subscriptions.adapters.mailing import SubscriptionMails
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Channel,
    Subscription,
    Terms,
)
from shared.runtime.clock import build_clock
from shared.runtime.errors import NewerDocumentError
from shared.runtime.ids import new_id
from shared.runtime.mail.queue import MailQueue
from shared.runtime.mail.sending import MailFailure, Reason
from shared.runtime.messaging.directory import Directory
from shared.vocabulary.actors import Actor
from shared.vocabulary.levels import WRITE_LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.notification.subscribers import Subscribers

now = build_clock()
READABLE, NEWER, LEFT = "lisible", "plus-recent", "quitte"


class Desk:
    """A subscription by mail of which statuses wait, and the channel."""

    def __init__(self, subscribers: Subscribers) -> None:
        self.store = subscribers.store
        self.actor = Actor(Role.MOA, new_id())
        terms = Terms(f"{new_id()}@exemple.fr")
        self.subscription = Subscription(
            new_id(), "o", self.actor, Channel.MAIL, terms, created_at=now()
        )
        queue = MailQueue(now)
        mails = SubscriptionMails(queue, Directory(self.store), now, "https://exemple.fr")
        self.channel = MailChannel(
            self.store, queue, mails, self.find, self.may_read, lambda _: "token", now
        )
        self.disabled: list[tuple[str, Cause, str]] = []

    async def find(self, dossier_id: str, sequence: int) -> Entry | None:
        if dossier_id == NEWER:
            raise NewerDocumentError("statuses", [dossier_id])
        return Entry(
            sequence, dossier_id, "p", "A4", "F1", Status.DEPOSEE, now(), frozenset({self.actor})
        )

    async def may_read(self, _: Actor, dossier_id: str, __: int) -> bool:
        return dossier_id != LEFT

    async def save(self, subscription: Subscription) -> None:
        row = SUBSCRIPTIONS.write(subscription, WRITE_LEVEL)
        rows = self.store.collection(SUBSCRIPTIONS.collection)
        await rows.replace_one({"_id": subscription.id}, row, upsert=True)

    async def wait_for(self, *dossiers: str) -> Sequence[Delivery]:
        await self.save(self.subscription)
        ids = [new_id() for _ in dossiers]
        rows = [
            # Not due for the service that runs beside: no turn is asked for.
            build_row(
                each,
                self.subscription.id,
                {"dossier_id": dossier, "sequence": rank, "mark": rank},
                now(),
                now() + timedelta(days=1),
            )
            for rank, (each, dossier) in enumerate(zip(ids, dossiers, strict=True), start=1)
        ]
        await self.store.collection("deliveries").insert_many(rows)
        return [
            Delivery(each, self.subscription.id, dossier, rank)
            for rank, (each, dossier) in enumerate(zip(ids, dossiers, strict=True), start=1)
        ]

    async def list_states(self) -> list[str]:
        rows = self.store.collection("deliveries").find({"subscription": self.subscription.id})
        return [row["state"] async for row in rows.sort("mark", 1)]

    async def disable(self, subscription: str, cause: Cause, target: str) -> None:
        self.disabled.append((subscription, cause, target))


@pytest.fixture
def desk(subscribers: Subscribers) -> Desk:
    return Desk(subscribers)


async def test_what_cannot_be_read_is_held_and_the_rest_is_mailed(desk: Desk) -> None:
    due = await desk.wait_for(NEWER, READABLE, NEWER, LEFT)

    kept = await desk.channel.mail_all(desk.subscription, due)

    assert await desk.list_states() == ["waiting", "delivered", "waiting", "waiting"]
    assert [(each.id, attempt.code) for each, attempt in kept] == [
        (due[0].id, "status"),
        (due[3].id, "left"),
    ]


async def test_nothing_is_mailed_twice_by_two_turns(desk: Desk) -> None:
    due = await desk.wait_for(READABLE, READABLE)
    await desk.channel.mail_all(desk.subscription, due[:1])

    await desk.channel.mail_all(desk.subscription, due)

    assert await desk.list_states() == ["delivered", "waiting"]
    await desk.channel.mail_all(desk.subscription, due[1:])
    assert await desk.list_states() == ["delivered", "delivered"]


@pytest.mark.parametrize("is_disabled", [True, False])
async def test_nothing_is_mailed_by_a_subscription_that_has_changed(
    desk: Desk, is_disabled: bool
) -> None:
    due = await desk.wait_for(READABLE)
    moved = replace(desk.subscription, terms=Terms("autre@exemple.fr"))
    changed = desk.subscription.disable(Cause.UNSUBSCRIBED, now(), 1) if is_disabled else moved
    await desk.save(changed)

    await desk.channel.mail_all(desk.subscription, due)

    assert await desk.list_states() == ["waiting"]


async def test_a_mail_that_is_refused_disables_its_own_address_alone(desk: Desk) -> None:
    due = await desk.wait_for(READABLE)
    await desk.channel.mail_all(desk.subscription, due)
    row = await desk.store.collection("deliveries").find_one({"_id": due[0].id})
    assert row is not None
    old = desk.subscription.terms.target
    entity = desk.subscription.id
    failure = MailFailure(row["mail_id"], entity, old, Reason.REFUSED, "550", now())

    await desk.channel.record_failure(failure, desk.disable)

    assert await desk.list_states() == ["failed"]
    # Whoever disables it compares the address with that of today.
    assert desk.disabled == [(entity, Cause.REFUSED, old)]
