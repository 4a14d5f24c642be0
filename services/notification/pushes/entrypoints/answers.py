"""What the routes of the log of deliveries answer."""

from datetime import datetime
from typing import Self

from pydantic import Field

from services.notification.pushes.domain.delivery import (
    DeliveryState,
    LoggedDelivery,
    Try,
    build_message_id,
)
from services.notification.pushes.domain.labels import CODES, DELIVERY_STATES, label_code
from services.notification.pushes.domain.targets import TargetFault
from shared.answers.answer import Answer

_CODES = ", ".join(f"`{each}`" for each in dict.fromkeys((*CODES, *TargetFault)))


class TryAnswer(Answer):
    """One attempt."""

    at: datetime
    code: str = Field(
        description="Le statut HTTP de la réponse, ou le code du serveur de messagerie ; sinon "
        f"l'un de : {_CODES}."
    )
    label: str
    duration_ms: int

    @classmethod
    def of(cls, tried: Try) -> Self:
        """Show an attempt."""
        return cls(
            at=tried.at,
            code=tried.code,
            label=label_code(tried.code),
            duration_ms=tried.duration_ms,
        )


class DeliveryAnswer(Answer):
    """A delivery of a status, or of a test."""

    delivery_id: str
    webhook_id: str = Field(
        description="« webhook-id » du message : le même à chaque tentative, renvoi ou reprise."
    )
    is_test: bool
    dossier_id: str | None = Field(description="Absent pour un essai.")
    sequence: int | None = Field(
        description="Rang du statut dans le dossier ; absent pour un essai."
    )
    state: DeliveryState
    state_label: str
    created_at: datetime
    next_attempt: datetime | None
    attempts: int
    tries: list[TryAnswer] = Field(
        description="Les vingt dernières tentatives, de la plus ancienne."
    )

    @classmethod
    def of(cls, delivery: LoggedDelivery) -> Self:
        """Show a delivery."""
        return cls(
            delivery_id=delivery.id,
            webhook_id=build_message_id(delivery.dossier_id, delivery.sequence),
            is_test=delivery.is_test,
            dossier_id=None if delivery.is_test else delivery.dossier_id,
            sequence=None if delivery.is_test else delivery.sequence,
            state=delivery.state,
            state_label=DELIVERY_STATES[delivery.state],
            created_at=delivery.created_at,
            next_attempt=delivery.due,
            attempts=delivery.attempts,
            tries=[TryAnswer.of(each) for each in delivery.tries],
        )


class DeliveriesAnswer(Answer):
    """A page of the log of deliveries, newest first."""

    deliveries: list[DeliveryAnswer]
    next: str | None = Field(description="À redonner dans `before` ; absent sur la dernière page.")


class ReplayAnswer(Answer):
    """A replay that has begun."""

    replay_id: str
