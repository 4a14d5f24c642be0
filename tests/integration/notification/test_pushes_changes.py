"""Pushes while subscriptions change: rights that end, days off, secrets, replays, who joins."""

import json
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import httpx
from aiokafka import AIOKafkaProducer

from services.notification.pushes.domain.delivery import LoggedDelivery
from services.notification.subscriptions.application.book import Done, Outcome
from services.notification.subscriptions.domain.subscription import Cause, State, Subscription
from shared.contracts.common_v1 import PartiesV1, PartyV1
from shared.runtime.clock import build_clock
from shared.runtime.messaging.principals import PRINCIPALS
from shared.vocabulary.levels import WRITE_LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.notification.dossiers import Dossier
from tests.integration.notification.subscribers import Subscribers, build_asker
from tests.integration.notification.test_pushes import list_sequences
from tests.kit.access import build_attachment, build_email, build_user, get_access
from tests.kit.waiting import wait_until
from tests.kit.webhook_receiver import WebhookReceiver

now = build_clock()
RIGHTS_KEPT_S = 1
"""Seconds for which the service may still judge by what it has read of rights."""
LATER = 250
"""More statuses than one page of a period holds."""


def require_done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


async def wait_for_state(
    subscribers: Subscribers, subscription: Subscription, state: State
) -> Subscription:
    async def is_in_state() -> bool:
        return (await subscribers.read(subscription)).state is state

    await wait_until(is_in_state, f"it is {state}", 30)
    return await subscribers.read(subscription)


async def revoke(subscribers: Subscribers, subscription: Subscription) -> None:
    """Take all rights of the owner away."""
    user = build_user(build_email(subscription.actor.structure), {})
    assert user.id == subscription.owner
    row = PRINCIPALS.write(user, WRITE_LEVEL)
    await subscribers.store.collection(PRINCIPALS.collection).replace_one({"_id": user.id}, row)


async def test_who_may_no_more_is_sent_nothing_and_who_may_gets_what_was_missed(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    path = f"/accept/{dossier.id}"
    subscription = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(path))
    await dossier.tell(Status.DEPOSEE)
    await wait_until(lambda: list_sequences(receiver, path, dossier) == [1], "it is told", 30)

    await revoke(subscribers, subscription)
    forgotten_at = monotonic() + RIGHTS_KEPT_S
    await wait_until(lambda: monotonic() > forgotten_at, "the service looks at rights again")
    await dossier.tell(Status.A_ASSOCIER_MOE)

    disabled = await wait_for_state(subscribers, subscription, State.DISABLED)
    assert disabled.cause is Cause.REVOKED
    await dossier.tell(Status.ASSOCIEE)
    other = "un autre agent"
    structure = subscription.actor.structure
    get_access().put(build_user(build_email(other), {structure: build_attachment(structure)}))
    asker = build_asker(subscription.actor, other)
    assert list_sequences(receiver, path, dossier) == [1]
    require_done(await subscribers.book.change(asker, subscription.id, enabled=True))
    await wait_until(
        lambda: list_sequences(receiver, path, dossier) == [1, 2, 3], "it gets what was missed", 30
    )
    assert (await subscribers.read(subscription)).owner == asker.user


async def test_after_a_day_off_it_is_told_all_in_order_and_nothing_twice(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    path = f"/status/410/{dossier.id}"
    subscription = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(path))
    await dossier.tell(Status.DEPOSEE)
    disabled = await wait_for_state(subscribers, subscription, State.DISABLED)
    assert disabled.cause is Cause.GONE
    receiver.behaviours[path] = "/accept"
    await dossier.tell(*[Status.A_ASSOCIER_MOE] * LATER)
    asker = build_asker(subscription.actor)

    # Live ones come before, while and after it catches up; it is switched off meanwhile.
    require_done(await subscribers.book.change(asker, subscription.id, enabled=True))
    await dossier.tell(Status.ASSOCIEE)
    require_done(await subscribers.book.change(asker, subscription.id, enabled=False))
    await dossier.tell(Status.ASSOCIEE)
    require_done(await subscribers.book.change(asker, subscription.id, enabled=True))
    await dossier.tell(*[Status.ASSOCIEE] * 10)

    last = 1 + LATER + 12
    await wait_until(
        lambda: last in list_sequences(receiver, path, dossier), "it is told the last one", 60
    )
    # The first was told to the receiver that was gone.
    assert list_sequences(receiver, path, dossier) == [1, *range(1, last + 1)]
    assert (await subscribers.read(subscription)).state is State.ACTIVE


async def test_both_secrets_sign_while_one_follows_the_other(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    path = f"/signed/{dossier.id}"
    subscription = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(path))
    first = subscribers.secrets[subscription.id]
    receiver.secrets[path] = [first]
    asker = build_asker(subscription.actor)
    rotate = subscribers.book.rotate_secret
    second = require_done(await rotate(asker, subscription.id, timedelta(hours=1))).secret
    assert second is not None

    await dossier.tell(Status.DEPOSEE)

    await wait_until(lambda: receiver.list_requests(path), "it is told", 30)
    (both,) = receiver.list_requests(path)
    assert receiver.verify(both)
    receiver.secrets[path] = [second]
    assert receiver.verify(both)
    third = require_done(await rotate(asker, subscription.id, timedelta())).secret
    assert third is not None
    receiver.secrets[path] = [third]
    await dossier.tell(Status.A_ASSOCIER_MOE)
    await wait_until(lambda: len(receiver.list_requests(path)) == 2, "it is told again")
    newest = receiver.list_requests(path)[-1]
    assert receiver.verify(newest)
    receiver.secrets[path] = [first, second]
    assert not receiver.verify(newest)


async def test_a_period_is_told_again_without_what_is_hidden(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier, begin = Dossier(producer), now()
    told = {
        role: await subscribers.subscribe(
            dossier, role, receiver.build_url(f"/accept/{role}/{dossier.id}")
        )
        for role in (Role.TITULAIRE, Role.MOA)
    }

    def list_told(role: Role) -> list[int]:
        return list_sequences(receiver, f"/accept/{role}/{dossier.id}", dossier)

    for minutes in range(3):
        await dossier.tell(Status.DEPOSEE, at=begin + timedelta(minutes=minutes))
    paid_at = begin + timedelta(minutes=3)
    await dossier.tell(Status.MISE_EN_PAIEMENT, payment_not_reported=True, at=paid_at)
    await wait_until(lambda: list_told(Role.MOA) == [1, 2, 3, 4], "the MOA is told", 30)
    await wait_until(lambda: list_told(Role.TITULAIRE) == [1, 2, 3], "the titulaire is told")

    for subscription in told.values():
        since, before = begin + timedelta(minutes=1), begin + timedelta(days=1)
        name = await subscribers.log.replay(subscription, since, before)
        assert isinstance(name, str)

    await wait_until(lambda: list_told(Role.MOA) == [1, 2, 3, 4, 2, 3, 4], "the MOA again")
    await wait_until(lambda: list_told(Role.TITULAIRE) == [1, 2, 3, 2, 3], "the titulaire again")
    again = receiver.list_requests(f"/accept/{Role.TITULAIRE}/{dossier.id}")
    assert [each.message_id for each in again] == [f"{dossier.id}-{n}" for n in (1, 2, 3, 2, 3)]
    assert again[1].body == again[3].body


async def test_one_delivery_is_told_again_and_a_test_does_not_wait_for_a_pause(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    path = f"/accept/{dossier.id}"
    subscription = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(path))
    await dossier.tell(Status.DEPOSEE, Status.A_ASSOCIER_MOE)
    await wait_until(lambda: list_sequences(receiver, path, dossier) == [1, 2], "it is told", 30)
    newest, oldest = await subscribers.log.list_log(subscription, None, 10)
    assert (newest.sequence, oldest.sequence) == (2, 1)

    sent = await subscribers.log.send_again(subscription, oldest.id)

    assert isinstance(sent, LoggedDelivery)
    assert sent.due is not None
    await wait_until(lambda: list_sequences(receiver, path, dossier) == [1, 2, 1], "again")
    assert await subscribers.log.send_again(subscription, "unknown") is None
    paused = {"failures": 9, "failing_since": now(), "due": now() + timedelta(minutes=15)}
    await subscribers.store.collection("subscriptions").update_one(
        {"_id": subscription.id}, {"$set": {"health": paused}}
    )
    test = await subscribers.log.send_test(subscription)
    assert isinstance(test, LoggedDelivery)
    await wait_until(lambda: len(receiver.list_requests(path)) == 4, "the test comes")
    message = json.loads(receiver.list_requests(path)[-1].body)
    assert message["type"] == "fr.aiguillage.abonnement.essai.v1"
    assert message["data"] == {"subscription_id": subscription.id}

    async def is_well() -> bool:
        return (await subscribers.read(subscription)).health.failures == 0

    await wait_until(is_well, "its success ends the pause")


async def test_who_joins_is_told_what_was_before_and_nobody_else_is_told_it_again(
    producer: AIOKafkaProducer,
    http: httpx.AsyncClient,
    subscribers: Subscribers,
    receiver: WebhookReceiver,
) -> None:
    dossier = Dossier(producer)

    def list_told(name: str) -> list[int]:
        return list_sequences(receiver, f"/accept/{name}/{dossier.id}", dossier)

    async def subscribe(role: Role, name: str) -> Subscription:
        url = receiver.build_url(f"/accept/{name}/{dossier.id}")
        return await subscribers.subscribe(dossier, role, url)

    async def read_forward(role: Role, after: int) -> tuple[list[int], int]:
        headers = dossier.seen_by(role)
        answer = await http.get("/statuses", params={"after": after}, headers=headers)
        page = answer.json()
        assert not page["has_more"]
        marks = [each["mark"] for each in page["statuses"]]
        assert marks == sorted(marks)
        return [each["sequence"] for each in page["statuses"]], page["mark"]

    early = await subscribe(Role.MOA, "early")
    await subscribe(Role.MOE, "moe")
    await dossier.tell(Status.DEPOSEE)
    await dossier.tell(Status.MISE_EN_PAIEMENT, payment_not_reported=True)
    await wait_until(lambda: list_told("early") == [1, 2], "the MOA is told", 30)
    await subscribe(Role.MOA, "late")
    sequences, mark = await read_forward(Role.TITULAIRE, 0)
    assert sequences == [1]
    assert await read_forward(Role.MOE, 0) == ([], 0)
    assert (await read_forward(Role.MOA, 0))[0] == [1, 2]
    # As after thirty days: the log has forgotten what was delivered.
    await subscribers.store.collection("deliveries").delete_many({"subscription": early.id})

    titulaire, moa, moe = (
        PartyV1(structure=dossier.structure(role)) for role in (Role.TITULAIRE, Role.MOA, Role.MOE)
    )
    joined = PartiesV1(titulaire=titulaire, moa=moa, moe=moe, service_financier=moa)
    await dossier.tell(Status.A_ASSOCIER_MOE, parties=joined)

    await wait_until(lambda: list_told("moe") == [1, 2, 3], "who joins is told what was before")
    await wait_until(lambda: list_told("early") == [1, 2, 3], "the MOA is told the new one")
    await wait_until(lambda: list_told("late") == [3], "so is its later subscription")
    assert (await read_forward(Role.MOE, 0))[0] == [1, 2, 3]
    # What was below the mark of a reader has come again above it; its hidden status has not.
    sequences, last = await read_forward(Role.TITULAIRE, mark)
    assert sequences == [1, 3]
    await dossier.tell(Status.MISE_EN_PAIEMENT, payment_not_reported=True, parties=joined)
    await wait_until(lambda: list_told("late") == [3, 4], "the MOA is told the payment")
    assert await read_forward(Role.TITULAIRE, last) == ([], last)


async def test_a_subscription_of_a_service_is_told_of_its_service_alone(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)

    def list_told(name: str) -> list[int]:
        return list_sequences(receiver, f"/accept/{name}/{dossier.id}", dossier)

    for name, service in (("whole", None), ("mine", "VOIRIE"), ("other", "ECOLES")):
        url = receiver.build_url(f"/accept/{name}/{dossier.id}")
        await subscribers.subscribe(dossier, Role.MOA, url, service=service)
    titulaire = PartyV1(structure=dossier.structure(Role.TITULAIRE))
    structure = dossier.structure(Role.MOA)
    voirie, ecoles = (PartyV1(structure=structure, service=each) for each in ("VOIRIE", "ECOLES"))

    await dossier.tell(
        Status.DEPOSEE, parties=PartiesV1(titulaire=titulaire, moa=voirie, service_financier=voirie)
    )
    await wait_until(lambda: list_told("whole") == [1], "the structure is told", 30)
    await dossier.tell(
        Status.DEPOSEE, parties=PartiesV1(titulaire=titulaire, moa=ecoles, service_financier=ecoles)
    )

    await wait_until(lambda: list_told("whole") == [1, 2], "the structure is told")
    await wait_until(lambda: list_told("mine") == [1], "the first service is told")
    # The second one joins, and is told what was before.
    await wait_until(lambda: list_told("other") == [1, 2], "the second service is told")


async def test_nothing_is_left_of_a_subscription_that_was_deleted_while_it_waits(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    path, healthy = f"/status/500/{dossier.id}", f"/accept/{dossier.id}"
    subscription = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(path))
    await subscribers.subscribe(dossier, Role.TITULAIRE, receiver.build_url(healthy))
    await dossier.tell(Status.DEPOSEE, Status.A_ASSOCIER_MOE)
    await wait_until(lambda: receiver.list_requests(path), "it is tried", 30)
    asker = build_asker(subscription.actor)
    begin = now() - timedelta(hours=1)
    assert isinstance(await subscribers.log.replay(subscription, begin, now()), str)

    require_done(await subscribers.book.delete(asker, subscription.id))

    receiver.behaviours[path] = "/accept"
    before = len(receiver.list_requests(path))
    await dossier.tell(Status.ASSOCIEE)
    await wait_until(lambda: list_sequences(receiver, healthy, dossier) == [1, 2, 3], "the other")
    assert len(receiver.list_requests(path)) == before

    async def is_forgotten() -> bool:
        jobs = subscribers.store.collection("jobs")
        left = await jobs.count_documents({"payload.subscription": subscription.id})
        return not left and not await subscribers.list_deliveries(subscription)

    await wait_until(is_forgotten, "nothing is left")


async def test_a_change_of_the_address_is_tried_at_once(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    path = f"/accept/{dossier.id}"
    wrong = receiver.build_url(f"/status/500/{dossier.id}")
    subscription = await subscribers.subscribe(dossier, Role.MOA, wrong)
    await dossier.tell(Status.DEPOSEE)

    async def has_failed() -> bool:
        return any(row["attempts"] for row in await subscribers.list_deliveries(subscription))

    await wait_until(has_failed, "it fails", 30)
    later = now() + timedelta(minutes=15)
    paused = {"failures": 9, "failing_since": now(), "due": later}
    await subscribers.store.collection("subscriptions").update_one(
        {"_id": subscription.id}, {"$set": {"health": paused}}
    )
    await subscribers.store.collection("deliveries").update_one(
        {"subscription": subscription.id}, {"$set": {"due": later}}
    )
    right = receiver.build_url(path)
    changed = await subscribers.book.change(
        build_asker(subscription.actor), subscription.id, lambda it: replace(it.terms, target=right)
    )
    require_done(changed)
    await wait_until(lambda: list_sequences(receiver, path, dossier) == [1], "the new one is told")
