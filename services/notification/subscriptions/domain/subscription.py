"""Subscription of an actor to statuses: channel, criteria, state, secrets."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.vocabulary.actors import Actor
from shared.vocabulary.statuses import Status


class Channel(StrEnum):
    """Channel over which a subscriber is told."""

    WEBHOOK = "webhook"
    MAIL = "mail"

    @property
    def traits(self) -> "ChannelTraits":
        """What sets it apart from the others."""
        return _TRAITS[self]


@dataclass(frozen=True, slots=True)
class ChannelTraits:
    """What a channel asks of its subscriptions, and does for them."""

    target: str
    """Name of the field that states where it sends."""
    is_personal: bool
    """Whether its target is the address of a person, who agrees first and may leave."""
    is_signed: bool
    """Whether secrets sign what it sends."""
    is_grouped: bool
    """Whether what is due leaves as one message, at the frequency that a subscriber chooses."""


_TRAITS = {
    Channel.WEBHOOK: ChannelTraits("url", is_personal=False, is_signed=True, is_grouped=False),
    Channel.MAIL: ChannelTraits("address", is_personal=True, is_signed=False, is_grouped=True),
}


class Frequency(StrEnum):
    """How often mails are sent: at once, or as a digest each day."""

    IMMEDIATE = "immediate"
    DAILY = "daily"


class State(StrEnum):
    """State of a subscription."""

    TO_CONFIRM = "to_confirm"
    """Its address has not been confirmed: nothing is sent but the mail that asks for it."""
    ACTIVE = "active"
    CATCHING_UP = "catching_up"
    """It was switched on again, and what it missed is being looked up; then it is active."""
    DISABLED = "disabled"


class Cause(StrEnum):
    """Why a subscription is disabled."""

    FAILURES = "failures"
    """Its deliveries have failed for too long."""
    GONE = "gone"
    """The receiver answered 410."""
    REFUSED = "refused"
    """A mail server refused the address for good: the mail has bounced."""
    REVOKED = "revoked"
    """Its owner may not read the pieces of the actor any more."""
    UNSUBSCRIBED = "unsubscribed"
    """The recipient of its mails has unsubscribed."""
    SWITCHED_OFF = "switched_off"
    """Somebody of the structure has switched it off."""


SENDING = frozenset({State.ACTIVE, State.CATCHING_UP})
"""States in which new statuses become deliveries."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which statuses a subscriber wants; what is empty admits all."""

    statuses: frozenset[Status] = frozenset()
    cadres: frozenset[str] = frozenset()
    marche: str | None = None

    def admit(self, status: str, cadre: str, marche: str | None) -> bool:
        """Tell whether a status is wanted."""
        return (
            (not self.statuses or status in self.statuses)
            and (not self.cadres or cadre in self.cadres)
            and self.marche in (None, marche)
        )


@dataclass(frozen=True, slots=True)
class Secret:
    """Secret that signs webhooks, encrypted."""

    sealed: str = field(repr=False)
    valid_until: datetime | None = None
    """End of its validity; None for the newest one."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the deliveries of a subscription go: what paces those of a receiver that is away."""

    failures: int = 0
    """Runs in a row in which nothing was delivered and something failed."""
    failing_since: datetime | None = None
    due: datetime | None = None
    """When deliveries are tried next; None when nothing waits for its time."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subscriber states: where it is told, and of what."""

    target: str
    """URL of a webhook, or e-mail address."""
    contact: str | None = None
    """E-mail address that is told when the subscription is disabled."""
    frequency: Frequency = Frequency.IMMEDIATE
    criteria: Criteria = Criteria()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Subscription of an actor: a structure in a role, for a service where one is chosen."""

    id: str
    owner: str
    """Id of the principal whose rights it uses."""
    actor: Actor
    channel: Channel
    terms: Terms
    created_at: datetime
    state: State = State.ACTIVE
    cause: Cause | None = None
    disabled_at: datetime | None = None
    resume_mark: int | None = None
    """Mark of the last status that was judged before it stopped; None when nothing was missed."""
    is_confirmed: bool = True
    """Whether the recipient of its mails has agreed to them; a webhook needs nobody's."""
    asked_at: datetime | None = None
    """When its recipient was last asked to confirm."""
    told_at: datetime | None = None
    """When its contact was last told that it is disabled."""
    secrets: tuple[Secret, ...] = ()
    """Newest first."""
    health: Health = Health()

    @property
    def contact(self) -> str | None:
        """Address that is told when it is disabled; that of its mails, unless these are refused."""
        has_left = self.cause in (Cause.REFUSED, Cause.UNSUBSCRIBED)
        if self.channel.traits.is_personal and not has_left:
            return self.terms.contact or self.terms.target
        return self.terms.contact

    def disable(self, cause: Cause, now: datetime, mark: int) -> "Subscription":
        """Disable it; one that is disabled already keeps its cause and its mark.

        A recipient who has unsubscribed, or whose address was refused, must confirm anew.
        """
        has_left = cause in (Cause.UNSUBSCRIBED, Cause.REFUSED)
        stopped = replace(self._stop(mark), is_confirmed=self.is_confirmed and not has_left)
        if self.state is State.DISABLED:
            return replace(stopped, cause=cause if has_left else self.cause)
        return replace(stopped, state=State.DISABLED, cause=cause, disabled_at=now)

    def enable(self) -> "Subscription":
        """Switch it on: it waits for its recipient, catches up with what it missed, or is active.

        A recipient who has not agreed is never written to but to be asked.
        """
        state = State.ACTIVE if self.resume_mark is None else State.CATCHING_UP
        return replace(
            self,
            state=state if self.is_confirmed else State.TO_CONFIRM,
            cause=None,
            disabled_at=None,
            health=Health(),
        )

    def move(self, terms: Terms, mark: int, *, is_own: bool) -> "Subscription":
        """Change its terms. A new address for mails is to be confirmed, unless it is one's own."""
        moved = replace(self, terms=terms, health=Health())
        if not self.channel.traits.is_personal or terms.target == self.terms.target:
            return moved
        moved = replace(
            moved,
            resume_mark=self._stop(mark).resume_mark,
            is_confirmed=is_own,
            asked_at=None,
        )
        return moved if self.state is State.DISABLED else moved.enable()

    def _stop(self, mark: int) -> "Subscription":
        """Note where it stops, unless it has stopped before, and is to catch up from there."""
        if self.state in SENDING and self.resume_mark is None:
            return replace(self, resume_mark=mark)
        return self

    def list_secrets(self, now: datetime) -> Sequence[str]:
        """List the encrypted secrets that sign now, newest first."""
        return [
            each.sealed
            for each in self.secrets
            if each.valid_until is None or now < each.valid_until
        ]

    def rotate(self, sealed: str, now: datetime, overlap: timedelta) -> "Subscription":
        """Add a secret; the newest one before signs beside it for `overlap`, older ones no more."""
        before = [Secret(each.sealed, now + overlap) for each in self.secrets[:1] if overlap]
        return replace(self, secrets=(Secret(sealed), *before))
