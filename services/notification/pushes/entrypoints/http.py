"""HTTP routes of the log of deliveries: read it, send again, replay a period, send a test."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query

from services.notification.pushes.application.log import PushLog, Refusal
from services.notification.pushes.entrypoints.answers import (
    DeliveriesAnswer,
    DeliveryAnswer,
    ReplayAnswer,
)
from services.notification.pushes.entrypoints.requests import DeliveryId, LogQuery, ReplayRequest
from services.notification.subscriptions.application.book import SubscriptionBook
from services.notification.subscriptions.domain import rules
from services.notification.subscriptions.domain.subscription import Subscription
from services.notification.subscriptions.entrypoints.askers import UnkeyedAsker
from services.notification.subscriptions.entrypoints.outcomes import (
    build_missing,
    build_violated,
    require_done,
)
from services.notification.subscriptions.entrypoints.requests import SubscriptionId
from shared.runtime.web.caller import Caller
from shared.runtime.web.problems import build_not_found
from shared.runtime.web.request_validation import DescribedRoute

T = TypeVar("T")
_RULES = {
    Refusal.NOT_ACTIVE: (rules.NOT_ACTIVE, "subscription_id"),
    Refusal.PERIOD_REVERSED: (rules.PERIOD_REVERSED, "before"),
    Refusal.BUSY: (rules.BUSY, "subscription_id"),
}


def create_deliveries_router(book: SubscriptionBook, log: PushLog) -> APIRouter:
    """Build the routes."""
    router = APIRouter(
        route_class=DescribedRoute, prefix="/subscriptions/{subscription_id}", tags=["envois"]
    )

    async def open_own(asker: UnkeyedAsker, subscription_id: SubscriptionId) -> Subscription:
        """Find the subscription of the path for who may change it: to send is an act like that."""
        return require_done(await book.find_own(asker, subscription_id)).subscription

    own_type = Annotated[Subscription, Depends(open_own)]

    @router.get(
        "/deliveries", summary="Le journal des envois, du plus récent ; gardé trente jours."
    )
    async def list_deliveries(
        actor: Caller, subscription_id: SubscriptionId, wanted: Annotated[LogQuery, Query()]
    ) -> DeliveriesAnswer:
        subscription = await book.find(actor, subscription_id)
        if subscription is None:
            raise build_missing()
        found = await log.list_log(subscription, wanted.before, wanted.limit + 1)
        page = [DeliveryAnswer.of(each) for each in found[: wanted.limit]]
        is_last = len(found) <= wanted.limit
        return DeliveriesAnswer(deliveries=page, next=None if is_last else page[-1].delivery_id)

    @router.post("/test", status_code=202, summary="Envoyer un essai, qui n'annonce aucun statut.")
    async def send_test(own: own_type) -> DeliveryAnswer:
        return DeliveryAnswer.of(_require_sent(await log.send_test(own)))

    @router.post(
        "/deliveries/{delivery_id}/resend",
        status_code=202,
        summary="Envoyer de nouveau, avec le même « webhook-id ».",
    )
    async def resend_delivery(own: own_type, delivery_id: DeliveryId) -> DeliveryAnswer:
        sent = _require_sent(await log.send_again(own, delivery_id))
        if sent is None:
            raise build_not_found("Envoi")
        return DeliveryAnswer.of(sent)

    @router.post(
        "/replays",
        status_code=202,
        summary="Envoyer de nouveau les statuts d'une période, que l'abonnement demande.",
    )
    async def replay_period(own: own_type, body: ReplayRequest) -> ReplayAnswer:
        begun = await log.replay(own, body.since, body.before)
        return ReplayAnswer(replay_id=_require_sent(begun))

    return router


def _require_sent(sent: T | Refusal) -> T:
    """Return what is sent. Raises the problem of a refusal."""
    if isinstance(sent, Refusal):
        rule, field = _RULES[sent]
        raise build_violated(rule.build_violation(field))
    return sent
