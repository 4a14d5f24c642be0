"""Statuses that are pushed to webhooks: signed, in order, to who may see and wants them."""

import json

from aiokafka import AIOKafkaProducer

from services.notification.subscriptions.domain.subscription import Cause, Criteria, State
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.notification.dossiers import Dossier
from tests.integration.notification.subscribers import Subscribers
from tests.kit.waiting import wait_until
from tests.kit.webhook_receiver import WebhookReceiver


def list_sequences(receiver: WebhookReceiver, path: str, dossier: Dossier) -> list[int]:
    told = [json.loads(each.body)["data"] for each in receiver.list_requests(path)]
    return [each["sequence"] for each in told if each["dossier_id"] == dossier.id]


async def test_each_party_is_told_in_order_what_it_may_see_and_wants(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    everything = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url("/accept/moa"))
    await subscribers.subscribe(dossier, Role.TITULAIRE, receiver.build_url("/accept/titulaire"))
    await subscribers.subscribe(
        dossier,
        Role.MOA,
        receiver.build_url("/accept/some"),
        Criteria(statuses=frozenset({Status.ASSOCIEE})),
    )
    receiver.secrets["/accept/moa"] = [subscribers.secrets[everything.id]]

    for status in (Status.DEPOSEE, Status.A_ASSOCIER_MOE, Status.ASSOCIEE):
        await dossier.tell(status)
    await dossier.tell(Status.MISE_EN_PAIEMENT, payment_not_reported=True)

    await wait_until(
        lambda: list_sequences(receiver, "/accept/moa", dossier) == [1, 2, 3, 4],
        "the MOA is told",
        30,
    )
    await wait_until(
        lambda: list_sequences(receiver, "/accept/titulaire", dossier) == [1, 2, 3],
        "the titulaire is told",
    )
    await wait_until(
        lambda: list_sequences(receiver, "/accept/some", dossier) == [3], "who wants one is told it"
    )
    received = receiver.list_requests("/accept/moa")
    assert [receiver.verify(each) for each in received] == [True] * 4
    assert [each.message_id for each in received] == [f"{dossier.id}-{n}" for n in (1, 2, 3, 4)]
    assert json.loads(received[2].body)["type"] == "fr.aiguillage.piece.statut.v1"

    async def is_recorded() -> bool:
        rows = await subscribers.list_deliveries(everything)
        return [(row["state"], row["attempts"]) for row in rows] == [("delivered", 1)] * 4

    # A receiver has it a moment before the log does.
    await wait_until(is_recorded, "the log has four deliveries")


async def test_a_receiver_that_is_gone_is_told_nothing_more(
    producer: AIOKafkaProducer, subscribers: Subscribers, receiver: WebhookReceiver
) -> None:
    dossier = Dossier(producer)
    gone = await subscribers.subscribe(dossier, Role.MOA, receiver.build_url("/status/410"))
    await dossier.tell(Status.DEPOSEE)

    async def is_disabled() -> bool:
        return (await subscribers.read(gone)).state is State.DISABLED

    await wait_until(is_disabled, "it is disabled", 30)
    assert (await subscribers.read(gone)).cause is Cause.GONE
    await dossier.tell(Status.A_ASSOCIER_MOE)
    await dossier.tell(Status.ASSOCIEE)
    healthy = await subscribers.subscribe(
        dossier, Role.TITULAIRE, receiver.build_url("/accept/after")
    )
    await dossier.tell(Status.MISE_A_DISPOSITION)
    await wait_until(lambda: receiver.list_requests("/accept/after"), "another one is told")

    assert len(receiver.list_requests("/status/410")) == 1
    assert (await subscribers.read(healthy)).state is State.ACTIVE
