"""HTTP routes of subscriptions, for the users and the programs of a structure."""

from fastapi import APIRouter, Response

from services.notification.subscriptions.application.book import Asker, Outcome, SubscriptionBook
from services.notification.subscriptions.entrypoints.answers import (
    NewSubscriptionAnswer,
    SubscriptionAnswer,
    SubscriptionsAnswer,
)
from services.notification.subscriptions.entrypoints.askers import KeyedAsker, UnkeyedAsker
from services.notification.subscriptions.entrypoints.outcomes import build_missing, require_done
from services.notification.subscriptions.entrypoints.requests import (
    NewSecretRequest,
    SubscriptionChangeRequest,
    SubscriptionId,
    SubscriptionRequest,
)
from shared.runtime.web.idempotency import mark_replay
from shared.runtime.web.problems import build_refused
from shared.runtime.web.request_validation import DescribedRoute

_OF_OTHERS = "Celui d'un autre utilisateur demande l'habilitation en modification."


def create_subscriptions_router(book: SubscriptionBook) -> APIRouter:
    """Build the routes."""
    router = APIRouter(route_class=DescribedRoute, prefix="/subscriptions", tags=["abonnements"])
    _add_reading_routes(router, book)
    _add_changing_routes(router, book)
    return router


def _add_reading_routes(router: APIRouter, book: SubscriptionBook) -> None:
    @router.get("", summary="Les abonnements de la structure dans ce rôle, du plus ancien.")
    async def list_subscriptions(asker: UnkeyedAsker) -> SubscriptionsAnswer:
        found = await book.list_of(asker.actor)
        return SubscriptionsAnswer(
            subscriptions=[SubscriptionAnswer.of(each, asker) for each in found]
        )

    @router.get("/{subscription_id}", summary="Lire un abonnement et l'état de ses envois.")
    async def read_subscription(
        asker: UnkeyedAsker, subscription_id: SubscriptionId
    ) -> SubscriptionAnswer:
        found = await book.find(asker.actor, subscription_id)
        if found is None:
            raise build_missing()
        return SubscriptionAnswer.of(found, asker)


def _add_changing_routes(router: APIRouter, book: SubscriptionBook) -> None:
    @router.post(
        "",
        status_code=201,
        summary="S'abonner aux statuts que la structure voit dans ce rôle.",
        description="Par webhook, signé selon Standard Webhooks par le secret de la réponse ; ou "
        "par courriel, à une adresse qui le confirme, sauf à celle que votre jeton atteste.",
    )
    async def create_subscription(
        asker: KeyedAsker, body: SubscriptionRequest, response: Response
    ) -> NewSubscriptionAnswer:
        if broken := [*body.judge()]:
            raise build_refused(broken)
        outcome = await book.create(asker, body.channel, body.to_terms())
        return _tell_secret(asker, outcome, response)

    @router.patch(
        "/{subscription_id}",
        summary="Changer un abonnement, le désactiver ou le réactiver.",
        description=f"Une nouvelle adresse est à confirmer. {_OF_OTHERS}",
    )
    async def change_subscription(
        asker: UnkeyedAsker, subscription_id: SubscriptionId, body: SubscriptionChangeRequest
    ) -> SubscriptionAnswer:
        if broken := [*body.judge_cadres()]:
            raise build_refused(broken)
        read_terms = body.read_terms if body.has_terms else None
        outcome = await book.change(asker, subscription_id, read_terms, enabled=body.enabled)
        return SubscriptionAnswer.of(require_done(outcome).subscription, asker)

    @router.delete(
        "/{subscription_id}",
        status_code=204,
        summary="Supprimer un abonnement et le journal de ses envois.",
        description=_OF_OTHERS,
    )
    async def delete_subscription(asker: UnkeyedAsker, subscription_id: SubscriptionId) -> None:
        require_done(await book.delete(asker, subscription_id))

    @router.post(
        "/{subscription_id}/secrets",
        status_code=201,
        summary="Changer le secret d'un webhook.",
        description=f"Le secret d'avant signe encore, à côté du nouveau. {_OF_OTHERS}",
    )
    async def rotate_secret(
        asker: KeyedAsker,
        subscription_id: SubscriptionId,
        body: NewSecretRequest,
        response: Response,
    ) -> NewSubscriptionAnswer:
        outcome = await book.rotate_secret(asker, subscription_id, body.overlap)
        return _tell_secret(asker, outcome, response)


def _tell_secret(asker: Asker, outcome: Outcome, response: Response) -> NewSubscriptionAnswer:
    """Show a subscription with its secret, which no cache may keep."""
    done = require_done(outcome)
    mark_replay(response, is_replay=done.is_replay)
    response.headers["Cache-Control"] = "no-store"
    return NewSubscriptionAnswer.of_secret(done.subscription, asker, done.secret)
