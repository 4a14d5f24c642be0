"""Send a queued mail, or give it up for good: refused by the server, or too old."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from shared.application.mail import Mail


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A mail that waits to be sent."""

    mail_id: str
    mail: Mail
    queued_at: datetime


class Reason(StrEnum):
    """Why a mail was given up."""

    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Permanent refusal of a mail by the server: the code of its reply, and not its words.

    The words often quote the address. `address` is that of a mail that cannot be written.
    """

    code: str


@dataclass(frozen=True, slots=True)
class MailFailure:
    """A mail that was given up. Its address is to be compared, and recorded nowhere."""

    mail_id: str
    entity: str | None
    to: str = field(repr=False)
    reason: Reason
    code: str
    at: datetime


RecordFailure = Callable[[MailFailure], Awaitable[None]]
"""Records that a mail was given up; the same mail may be recorded again."""


class MailServer(Protocol):
    """Mail server over SMTP."""

    async def send(self, queued: QueuedMail) -> Refusal | None:
        """Hand over a mail. Returns a permanent refusal, which a retry would not change.

        Raises a transient error when the server is away, slow, or refuses us rather than the mail.
        """


class MailSender:
    """Use case of sending: a refused mail is not retried, one that is too old neither."""

    def __init__(
        self,
        server: MailServer,
        record_failure: RecordFailure,
        now: Callable[[], datetime],
        retried_for: timedelta,
    ) -> None:
        """Use these ports; a mail is retried for at most `retried_for` after it was queued."""
        self._server = server
        self._record_failure = record_failure
        self._now = now
        self._retried_for = retried_for

    async def send(self, queued: QueuedMail) -> Reason | None:
        """Send a mail. Returns why it was given up, None when it was sent."""
        if self._now() - queued.queued_at > self._retried_for:
            return await self._give_up(queued, Reason.EXPIRED)
        refusal = await self._server.send(queued)
        if refusal is None:
            return None
        return await self._give_up(queued, Reason.REFUSED, refusal.code)

    async def _give_up(self, queued: QueuedMail, reason: Reason, code: str = "") -> Reason:
        mail = queued.mail
        failure = MailFailure(queued.mail_id, mail.entity, mail.to, reason, code, self._now())
        await self._record_failure(failure)
        return reason
