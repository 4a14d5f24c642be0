"""What the routes of subscriptions answer."""

from datetime import datetime
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field

from services.notification.subscriptions.application.book import Asker
from services.notification.subscriptions.domain.labels import CAUSES, STATES
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Channel,
    Frequency,
    State,
    Subscription,
)
from shared.answers.answer import Answer
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class SecretAnswer(Answer):
    """A secret that signs webhooks, without the secret itself."""

    valid_until: datetime | None = Field(
        description="Jusqu'à quand il signe ; absent pour le plus récent."
    )


class HealthAnswer(Answer):
    """How the deliveries of a subscription go."""

    failures: int = Field(
        description="Tours d'envoi de suite dont rien n'a abouti et dont un envoi a échoué."
    )
    failing_since: datetime | None
    next_attempt: datetime | None = Field(
        description="Quand le prochain envoi qui attend son heure sera tenté."
    )


class SubscriptionAnswer(Answer):
    """A subscription to statuses."""

    subscription_id: str
    owner: str = Field(
        description="L'identifiant du compte, ou de la machine, dont elle emploie les droits."
    )
    role: Role
    structure: str
    service: str | None
    channel: Channel
    url: str | None = Field(
        description="D'un webhook ; sans son chemin, « https://hote/… », pour qui ne peut pas "
        "changer l'abonnement."
    )
    address: str | None = Field(description="D'un abonnement par courriel.")
    contact: str | None
    frequency: Frequency | None = Field(description="D'un abonnement par courriel.")
    statuses: list[Status] = Field(description="Vide : tous.")
    cadres: list[str] = Field(description="Vide : tous.")
    marche: str | None = Field(description="Absent : tous.")
    state: State
    state_label: str
    cause: Cause | None = Field(description="Pourquoi l'abonnement est désactivé.")
    cause_label: str | None
    created_at: datetime
    disabled_at: datetime | None
    health: HealthAnswer
    secrets: list[SecretAnswer] = Field(description="Du plus récent au plus ancien.")

    @classmethod
    def of(cls, subscription: Subscription, asker: Asker) -> Self:
        """Show a subscription; its whole URL, which may hold a secret, to who may change it."""
        actor, terms = subscription.actor, subscription.terms
        criteria, health = terms.criteria, subscription.health
        traits = subscription.channel.traits
        return cls(
            subscription_id=subscription.id,
            owner=subscription.owner,
            role=actor.role,
            structure=actor.structure,
            service=actor.service,
            channel=subscription.channel,
            url=None if traits.is_personal else _show_url(subscription, asker),
            address=terms.target if traits.is_personal else None,
            contact=terms.contact,
            frequency=terms.frequency if traits.is_grouped else None,
            statuses=sorted(criteria.statuses),
            cadres=sorted(criteria.cadres),
            marche=criteria.marche,
            state=subscription.state,
            state_label=STATES[subscription.state],
            cause=subscription.cause,
            cause_label=CAUSES[subscription.cause] if subscription.cause else None,
            created_at=subscription.created_at,
            disabled_at=subscription.disabled_at if subscription.cause else None,
            health=HealthAnswer(
                failures=health.failures,
                failing_since=health.failing_since,
                next_attempt=health.due,
            ),
            secrets=[SecretAnswer(valid_until=each.valid_until) for each in subscription.secrets],
        )


class NewSubscriptionAnswer(SubscriptionAnswer):
    """A subscription with its newest secret."""

    secret: str | None = Field(
        default=None,
        description="Le secret d'un webhook, « whsec_… » ; montré cette seule fois, et à la "
        "demande répétée sous sa clé d'idempotence.",
    )

    @classmethod
    def of_secret(cls, subscription: Subscription, asker: Asker, secret: str | None) -> Self:
        """Show a subscription and its secret."""
        shown = SubscriptionAnswer.of(subscription, asker)
        return cls(**shown.model_dump(), secret=secret)


class SubscriptionsAnswer(Answer):
    """The subscriptions of a structure in a role, oldest first."""

    subscriptions: list[SubscriptionAnswer]


def _show_url(subscription: Subscription, asker: Asker) -> str:
    url = subscription.terms.target
    if asker.may_modify or subscription.owner == asker.user:
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…"
