"""Pushes and marks of who leaves a dossier, and of statuses that only a newer version judges."""

from datetime import timedelta

import httpx
from aiokafka import AIOKafkaProducer

from services.notification.pushes.adapters.deliveries import MongoDeliveries
from services.notification.pushes.adapters.delivery_rows import build_row
from services.notification.pushes.application.log import Refusal
from services.notification.pushes.domain.outcomes import Attempt, Outcome
from services.notification.subscriptions.domain.subscription import Health, Subscription
from shared.contracts.common_v1 import PartiesV1, PartyV1
from shared.runtime.clock import build_clock
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.notification.dossiers import Dossier
from tests.integration.notification.subscribers import Subscribers, build_asker
from tests.integration.notification.test_pushes import list_sequences
from tests.kit.waiting import wait_until
from tests.kit.webhook_receiver import WebhookReceiver

now = build_clock()


async def read_forward(http: httpx.AsyncClient, dossier: Dossier, role: Role) -> list[int]:
    answer = await http.get("/statuses", headers=dossier.seen_by(role))
    return [each["sequence"] for each in answer.json()["statuses"]]


async def test_who_leaves_a_dossier_reads_and_is_sent_none_of_it_any_more(
    producer: AIOKafkaProducer,
    http: httpx.AsyncClient,
    subscribers: Subscribers,
    receiver: WebhookReceiver,
) -> None:
    dossier, other = Dossier(producer), Dossier(producer)
    titulaire, moa, moe = (
        PartyV1(structure=dossier.structure(role)) for role in (Role.TITULAIRE, Role.MOA, Role.MOE)
    )
    before = PartiesV1(titulaire=titulaire, moa=moa, moe=moe, service_financier=moa)
    after = PartiesV1(titulaire=titulaire, moa=moa, service_financier=moa)
    path, stays = f"/status/500/{dossier.id}", f"/accept/{dossier.id}"
    left = await subscribers.subscribe(dossier, Role.MOE, receiver.build_url(path))
    await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(stays))
    await dossier.tell(Status.DEPOSEE, parties=before)
    await wait_until(lambda: list_sequences(receiver, stays, dossier) == [1], "it is told", 30)
    await wait_until(lambda: receiver.list_requests(path), "it fails", 30)
    assert await read_forward(http, dossier, Role.MOE) == [1]

    await dossier.tell(Status.A_ASSOCIER_MOE, parties=after)

    await wait_until(lambda: list_sequences(receiver, stays, dossier) == [1, 2], "the MOA", 30)
    assert await read_forward(http, dossier, Role.MOE) == []
    assert await read_forward(http, dossier, Role.MOA) == [1, 2], "without a new mark"
    tried = len(receiver.list_requests(path))
    receiver.behaviours[path] = "/accept"
    # What waits holds back no other dossier.
    await other.tell(Status.DEPOSEE, parties=before)
    since, until = now() - timedelta(hours=1), now() + timedelta(hours=1)
    assert isinstance(await subscribers.log.replay(left, since, until), str)
    (waiting,) = await subscribers.list_deliveries(left, dossier_id=dossier.id)
    await subscribers.log.send_again(left, waiting["order"])
    await wait_until(lambda: list_sequences(receiver, path, other)[:1] == [1], "the other", 30)

    async def is_dropped() -> bool:
        (row,) = await subscribers.list_deliveries(left, dossier_id=dossier.id)
        return bool(row["state"] == "failed" and row["tries"][-1]["code"] == "left")

    await wait_until(is_dropped, "it is given up", 30)
    sent = receiver.list_requests(path)[tried:]
    assert {each.message_id for each in sent} == {f"{other.id}-1"}


async def test_a_status_of_a_newer_level_waits_and_the_other_dossiers_go_on(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier, other = Dossier(producer), Dossier(producer)
    moa = PartyV1(structure=dossier.structure(Role.MOA))
    parties = PartiesV1(titulaire=moa, moa=moa, service_financier=moa)
    path = f"/accept/{dossier.id}"
    await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(path))
    await other.tell(Status.DEPOSEE, parties=parties)
    await wait_until(lambda: list_sequences(receiver, path, other) == [1], "it is told", 30)
    statuses = subscribers.store.collection("statuses")
    row = await statuses.find_one({"_id": f"{other.id}|1"})
    assert row is not None
    newer = {"_id": f"{dossier.id}|1", "dossier_id": dossier.id, "piece_id": dossier.piece}
    kept = {name: value for name, value in row.items() if name not in ("mark", "seen_by")}
    # As a newer version writes it: a status, and a role, that this one does not know.
    stranger = {"role": "inconnu", "structure": "s"}
    unknown = {"status": "INCONNUE", "parties": [*row["parties"], stranger], "schema": 99}
    await statuses.insert_one(kept | newer | unknown)
    await statuses.insert_one(kept | newer | {"_id": f"{dossier.id}|2", "sequence": 2})

    await other.tell(Status.A_ASSOCIER_MOE, parties=parties)

    await wait_until(lambda: list_sequences(receiver, path, other) == [1, 2], "the other", 30)
    unmarked = await statuses.count_documents({"dossier_id": dossier.id, "mark": None})
    assert (unmarked, list_sequences(receiver, path, dossier)) == (2, [])

    judged = {"status": "DEPOSEE", "parties": row["parties"], "schema": 1}
    await statuses.update_one({"_id": newer["_id"]}, {"$set": judged})
    await wait_until(lambda: list_sequences(receiver, path, dossier) == [1, 2], "in order", 30)


async def test_a_turn_writes_nothing_over_what_was_changed_beside_it(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    path = f"/status/500/{dossier.id}"
    subscription = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(path))
    read = await stop(subscribers, subscription)
    await dossier.tell(Status.DEPOSEE)
    await wait_until(lambda: subscribers.list_deliveries(subscription), "it waits", 30)
    deliveries = MongoDeliveries(subscribers.store)
    (waiting,) = (await deliveries.list_waiting(subscription.id, now())).due
    failed, later = Attempt(Outcome.FAILED, "500", 1), now() + timedelta(minutes=15)
    await deliveries.record(waiting, failed, now(), later)
    (again,) = await subscribers.list_deliveries(subscription)
    assert (again["attempts"], again["tries"][0]["code"]) == (1, "500")

    # The turn had read it before.
    await deliveries.record(waiting, failed, now(), later)
    await deliveries.save_health(read, Health(9, now(), later))

    (row,) = await subscribers.list_deliveries(subscription)
    assert row["attempts"] == 1
    assert (await subscribers.read(subscription)).health.failures == 9
    # Paused again by what was read before it was reset.
    await deliveries.save_health(read, Health(10, now(), later))
    assert (await subscribers.read(subscription)).health.failures == 9
    await subscribers.book.delete(build_asker(subscription.actor), subscription.id)


async def test_no_period_is_sent_again_while_too_much_waits(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    subscription = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url("/accept"))
    later = now() + timedelta(days=1)
    rows = [
        build_row(
            f"{subscription.id}-{rank}",
            subscription.id,
            {"dossier_id": dossier.id, "sequence": rank, "mark": rank},
            now(),
            later,
        )
        for rank in range(1, 1002)
    ]
    deliveries = subscribers.store.collection("deliveries")
    await deliveries.insert_many(rows)
    since, before = now() - timedelta(days=2), now() - timedelta(days=1)

    assert await subscribers.log.replay(subscription, since, before) is Refusal.BUSY
    await deliveries.delete_one({"_id": rows[0]["_id"]})
    assert isinstance(await subscribers.log.replay(subscription, since, before), str)
    await deliveries.delete_many({"subscription": subscription.id})


async def stop(subscribers: Subscribers, subscription: Subscription) -> Subscription:
    """Let its deliveries be made and not sent."""
    kept = subscribers.store.collection("subscriptions")
    await kept.update_one({"_id": subscription.id}, {"$set": {"state": "catching_up"}})
    return await subscribers.read(subscription)
