"""Bodies of the routes of subscriptions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic import field_validator as validator
from pydantic_core import PydanticCustomError

from services.notification.subscriptions.domain import rules
from services.notification.subscriptions.domain.subscription import (
    Channel,
    Criteria,
    Frequency,
    Subscription,
    Terms,
)
from shared.circuit.cadres import judge_asked
from shared.contracts.texts import TypedText
from shared.runtime.web.problems import build_form_violation
from shared.vocabulary.emails import EMAIL_LIMIT, is_email
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status

_ALTERNATIVES = 60
"""Limit of a list of criteria."""
_URL_LIMIT = 2000
_LONGEST_OVERLAP_H = 168
_OF_GROUPED = "frequency"


def _check_email(text: str) -> str:
    if not is_email(text):
        raise PydanticCustomError("email", "no e-mail address")
    return text


SubscriptionId = Annotated[str, TypedText(100), Path(description="L'identifiant de l'abonnement.")]
Text = Annotated[str, TypedText(100, min_length=1)]
Url = Annotated[str, TypedText(_URL_LIMIT, min_length=1)]
Email = Annotated[str, TypedText(EMAIL_LIMIT, min_length=1), AfterValidator(_check_email)]


class _TermsRequest(BaseModel):
    """Where a subscriber is told, and of what."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    url: Url | None = Field(
        default=None,
        description="D'un webhook : l'URL https publique à laquelle les statuts sont envoyés.",
    )
    address: Email | None = Field(
        default=None, description="D'un abonnement par courriel : l'adresse du destinataire."
    )
    contact: Email | None = Field(
        default=None,
        description="L'adresse prévenue d'une désactivation ; obligatoire pour un webhook, et par "
        "défaut le destinataire des courriels.",
    )
    frequency: Frequency | None = Field(
        default=None,
        description="D'un abonnement par courriel : à chaque statut (par défaut), ou un résumé "
        "chaque matin.",
    )
    statuses: list[Status] = Field(
        default=[], max_length=_ALTERNATIVES, description="L'un de ces statuts ; vide : tous."
    )
    cadres: list[Text] = Field(
        default=[], max_length=_ALTERNATIVES, description="L'un de ces cadres ; vide : tous."
    )
    marche: Text | None = Field(
        default=None, description="Le numéro du marché ; absent : tous, et les pièces sans numéro."
    )

    def judge_cadres(self) -> Iterator[Violation]:
        """List the cadres that do not exist."""
        for cadre in dict.fromkeys(self.cadres):
            yield from judge_asked(cadre, "cadres")

    def _judge_channel(self, channel: Channel) -> Violation | None:
        """Judge the fields that a channel has and those that it has not."""
        targets = [each.traits.target for each in Channel]
        others = [each for each in targets if each != channel.traits.target]
        if not channel.traits.is_grouped:
            others.append(_OF_GROUPED)
        for field in others:
            if getattr(self, field) is not None:
                return rules.OTHER_CHANNEL.build_violation(field, name=field, channel=channel)
        return None


class SubscriptionRequest(_TermsRequest):
    """A new subscription."""

    channel: Channel

    def judge(self) -> Iterator[Violation]:
        """List the rules that the request breaks."""
        if violation := self._judge_channel(self.channel):
            yield violation
        target = self.channel.traits.target
        if getattr(self, target) is None:
            yield build_form_violation([target], "missing", {})
        yield from self.judge_cadres()

    def to_terms(self) -> Terms:
        """Convert to the domain."""
        return Terms(
            target=self.url or self.address or "",
            contact=self.contact,
            frequency=self.frequency or Frequency.IMMEDIATE,
            criteria=Criteria(frozenset(self.statuses), frozenset(self.cadres), self.marche),
        )


class SubscriptionChangeRequest(_TermsRequest):
    """Other terms of a subscription, or whether it is enabled; what is absent stays as it is."""

    enabled: bool | None = Field(
        default=None,
        strict=True,
        description="`false` désactive l'abonnement ; `true` le réactive : les statuts manqués "
        "sont alors envoyés.",
    )

    @validator("url", "address", "frequency", "enabled", mode="before")
    @classmethod
    def _refuse_null(cls, value: object) -> object:
        if value is None:
            raise PydanticCustomError("missing", "a field that cannot be null")
        return value

    @property
    def has_terms(self) -> bool:
        """Whether it changes more than whether the subscription is enabled."""
        return bool(self.model_fields_set - {"enabled"})

    def read_terms(self, subscription: Subscription) -> Terms | Violation:
        """Read the terms of a subscription after this change."""
        if violation := self._judge_channel(subscription.channel):
            return violation
        before, named = subscription.terms, self.model_fields_set
        criteria = before.criteria
        return Terms(
            target=self.url or self.address or before.target,
            contact=self.contact if "contact" in named else before.contact,
            frequency=self.frequency or before.frequency,
            criteria=Criteria(
                frozenset(self.statuses) if "statuses" in named else criteria.statuses,
                frozenset(self.cadres) if "cadres" in named else criteria.cadres,
                self.marche if "marche" in named else criteria.marche,
            ),
        )


class NewSecretRequest(BaseModel):
    """A new secret of a webhook."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overlap_h: int = Field(
        default=24,
        ge=0,
        le=_LONGEST_OVERLAP_H,
        strict=True,
        description="Pendant combien d'heures le secret d'avant signe encore, à côté du nouveau.",
    )

    @property
    def overlap(self) -> timedelta:
        """For how long the secret before signs too."""
        return timedelta(hours=self.overlap_h)
