"""Pushes to receivers that misbehave: each is told in order once well, and delays no other."""

from aiokafka import AIOKafkaProducer

from services.notification.subscriptions.domain.subscription import State
from shared.contracts.common_v1 import PartiesV1, PartyV1
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.notification.dossiers import Dossier
from tests.integration.notification.subscribers import Subscribers
from tests.integration.notification.test_pushes import list_sequences
from tests.kit.waiting import wait_until
from tests.kit.webhook_receiver import WebhookReceiver

SICK = {
    "/slow/60": "timeout",
    "/redirect": "redirect",
    "/close-before": "closed",
    "/close-after": "closed",
    "/endless-headers": "answer",
    "/status/500": "500",
}
"""Behaviours, and what the log says of an attempt."""


async def test_a_sick_receiver_delays_no_other_and_is_told_in_order_once_it_is_well(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    paths = [f"{each}/{dossier.id}" for each in SICK]
    sick = [
        await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(each)) for each in paths
    ]
    endless = receiver.build_url(f"/endless-body/{dossier.id}")
    answered = await subscribers.subscribe(dossier, Role.MOA, endless)
    healthy = f"/accept/{dossier.id}"
    await subscribers.subscribe(dossier, Role.TITULAIRE, receiver.build_url(healthy))

    await dossier.tell(Status.DEPOSEE, Status.A_ASSOCIER_MOE)

    await wait_until(
        lambda: list_sequences(receiver, healthy, dossier) == [1, 2], "the healthy one is told"
    )
    told_at = receiver.list_requests(healthy)[-1].at
    for subscription, code in zip(sick, SICK.values(), strict=True):

        async def has_failed(subscription: object = subscription) -> bool:
            rows = await subscribers.list_deliveries(subscription)  # type: ignore[arg-type] # bound in a loop
            return len(rows) == 2 and rows[0]["attempts"] > 0

        await wait_until(has_failed, f"{code} is recorded", 30)
        first, second = await subscribers.list_deliveries(subscription)
        assert (first["state"], first["tries"][0]["code"]) == ("waiting", code)
        assert (second["state"], second["attempts"]) == ("waiting", 0), "it waits behind the first"
        if code == "timeout":
            assert told_at < first["tries"][0]["at"].timestamp()

    async def is_answered() -> bool:
        # Its status was 200: what comes after it is not read.
        rows = await subscribers.list_deliveries(answered, state="delivered")
        return [row["tries"][0]["code"] for row in rows] == ["200", "200"]

    await wait_until(is_answered, "an endless body counts as an answer")

    receiver.behaviours.update(dict.fromkeys(paths, "/accept"))
    for path, subscription in zip(paths, sick, strict=True):

        async def is_told(subscription: object = subscription) -> bool:
            rows = await subscribers.list_deliveries(subscription, state="delivered")  # type: ignore[arg-type] # bound in a loop
            return len(rows) == 2

        await wait_until(is_told, f"{path} is told", 60)
        sequences = list_sequences(receiver, path, dossier)
        assert sequences[-2:] == [1, 2]
        assert sequences.count(2) == 1
        assert (await subscribers.read(subscription)).state is State.ACTIVE


async def test_a_status_that_cannot_be_read_holds_back_its_dossier_alone(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier, other = Dossier(producer), Dossier(producer)
    path = f"/accept/{dossier.id}"
    subscription = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url(path))
    kept = subscribers.store.collection("subscriptions")
    # Its deliveries are made, and not sent yet.
    await kept.update_one({"_id": subscription.id}, {"$set": {"state": "catching_up"}})
    await dossier.tell(Status.DEPOSEE)
    await wait_until(lambda: subscribers.list_deliveries(subscription), "it waits", 30)
    statuses, newer = subscribers.store.collection("statuses"), {"_id": f"{dossier.id}|1"}
    await statuses.update_one(newer, {"$set": {"schema": 99}})
    await kept.update_one({"_id": subscription.id}, {"$set": {"state": "active"}})
    moa = PartyV1(structure=dossier.structure(Role.MOA))
    parties = PartiesV1(titulaire=moa, moa=moa, service_financier=moa)
    await other.tell(Status.DEPOSEE, Status.A_ASSOCIER_MOE, parties=parties)

    await wait_until(
        lambda: list_sequences(receiver, path, other) == [1, 2], "the other dossier is told", 30
    )

    async def is_held() -> bool:
        (row,) = await subscribers.list_deliveries(subscription, dossier_id=dossier.id)
        return bool(row["tries"][-1]["code"] == "status" and row["state"] == "waiting")

    await wait_until(is_held, "what cannot be read is held", 30)
    await statuses.update_one(newer, {"$set": {"schema": 1}})
    (row,) = await subscribers.list_deliveries(subscription, dossier_id=dossier.id)
    await subscribers.log.send_again(await subscribers.read(subscription), row["order"])
    await wait_until(
        lambda: list_sequences(receiver, path, dossier) == [1], "it is told once it can be read"
    )
