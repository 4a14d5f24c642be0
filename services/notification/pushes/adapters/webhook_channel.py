"""Channel of webhooks: one signed message for each status."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from services.notification.pushes.adapters.webhooks import SignedMessage, WebhookSender, sign
from services.notification.pushes.domain.delivery import Delivery
from services.notification.pushes.domain.outcomes import Attempt, Outcome
from services.notification.statuses.domain.entry import Entry
from services.notification.statuses.entrypoints.answers import HistoryEntryAnswer
from services.notification.subscriptions.application.ports import Box
from services.notification.subscriptions.domain.subscription import Channel, Subscription
from shared.runtime.clock import Clock
from shared.runtime.error_descriptions import describe_error
from shared.runtime.errors import NewerDocumentError, is_transient
from shared.runtime.logs import get_logger
from shared.runtime.metrics import PUSH_ATTEMPTS
from shared.vocabulary.actors import Actor

FindEntry = Callable[[str, int], Awaitable[Entry | None]]
"""Finds a status by its dossier and its rank."""
MayRead = Callable[[Actor, str, int], Awaitable[bool]]
"""Tells whether an actor may still read a status."""
_UNREADABLE = Attempt(Outcome.HELD, "status", 0)
_LEFT = Attempt(Outcome.DROPPED, "left", 0)
_UNSIGNED = Attempt(Outcome.FAILED, "secret", 0)
"""No key of the platform decrypts a secret of the subscription."""
_BODIES_MAX = 500
_log = get_logger(__name__)


class StatusMessage(BaseModel):
    """Body of a webhook: a piece changed its status."""

    type: Literal["fr.aiguillage.piece.statut.v1"] = "fr.aiguillage.piece.statut.v1"
    timestamp: datetime
    """When the piece took the status."""
    data: HistoryEntryAnswer


class TestMessageData(BaseModel):
    """What a test tells."""

    subscription_id: str


class TestMessage(BaseModel):
    """Body of a webhook that was asked for as a test: it tells of no status."""

    type: Literal["fr.aiguillage.abonnement.essai.v1"] = "fr.aiguillage.abonnement.essai.v1"
    timestamp: datetime
    data: TestMessageData


class WebhookChannel:
    """Sends deliveries to webhooks."""

    def __init__(
        self,
        sender: WebhookSender,
        find_entry: FindEntry,
        may_read: MayRead,
        box: Box,
        clock: Clock,
    ) -> None:
        """Use this sender; `clock` is true time, by which receivers judge a signature."""
        self._sender = sender
        self._find_entry = find_entry
        self._may_read = may_read
        self._box = box
        self._clock = clock
        self._bodies: dict[tuple[str, int], asyncio.Task[bytes]] = {}
        """Bodies of the last statuses: each is told to many subscribers at the same moment."""

    async def send(self, subscription: Subscription, delivery: Delivery) -> Attempt:
        """Send one delivery once."""
        now = self._clock().astimezone(UTC)
        sealed = subscription.list_secrets(now)
        secrets = [each for each in map(self._box.open, sealed) if each is not None]
        attempt = _UNSIGNED
        told = (subscription.actor, delivery.dossier_id, delivery.sequence)
        if not delivery.is_test and not await self._may_read(*told):
            attempt = _LEFT
        elif (body := await self._read_body(delivery, now)) is None:
            attempt = _UNREADABLE
        elif secrets:
            signed = SignedMessage(sign(secrets, delivery.message_id, now, body), body)
            structure = subscription.actor.structure
            attempt = await self._sender.send(subscription.terms.target, signed, structure)
        PUSH_ATTEMPTS.labels(Channel.WEBHOOK.value, attempt.outcome.value).inc()
        return attempt

    async def _read_body(self, delivery: Delivery, now: datetime) -> bytes | None:
        """Build the body of a delivery; None where its status cannot be read, as by a newer one."""
        try:
            return await self._build_body(delivery, now)
        except Exception as error:
            if is_transient(error) and not isinstance(error, NewerDocumentError):
                raise
            _log.error("push.unreadable", delivery=delivery.id, error=describe_error(error))
            return None

    async def _build_body(self, delivery: Delivery, now: datetime) -> bytes:
        if delivery.is_test:
            about = TestMessageData(subscription_id=delivery.subscription)
            return TestMessage(timestamp=now, data=about).model_dump_json().encode()
        key = (delivery.dossier_id, delivery.sequence)
        if key not in self._bodies:
            while len(self._bodies) >= _BODIES_MAX:
                del self._bodies[next(iter(self._bodies))]
            self._bodies[key] = asyncio.create_task(self._build_status_body(*key))
        try:
            # One that is stopped must not stop the others who wait for it.
            return await asyncio.shield(self._bodies[key])
        except BaseException:
            self._bodies.pop(key, None)
            raise

    async def _build_status_body(self, dossier_id: str, sequence: int) -> bytes:
        entry = await self._find_entry(dossier_id, sequence)
        if entry is None:
            raise LookupError(f"{dossier_id} has no status {sequence}")
        message = StatusMessage(timestamp=entry.at, data=HistoryEntryAnswer.of(entry))
        return message.model_dump_json().encode()
