"""Use cases of subscriptions: create, change, switch off and on, confirm, unsubscribe."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256

from services.notification.subscriptions.application.ports import (
    SubscriptionChange,
    SubscriptionPorts,
)
from services.notification.subscriptions.domain import rules
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Channel,
    Secret,
    State,
    Subscription,
    Terms,
)
from shared.application.idempotency import (
    Key,
    UsedKey,
    build_key,
    name_owner,
    serialize_request,
)
from shared.vocabulary.actors import Actor
from shared.vocabulary.rules import Violation

LINK_LIFE = timedelta(hours=72)
"""Life of the link that confirms an address."""
_ASKED_AGAIN = _TOLD_AGAIN = timedelta(hours=24)
"""Time after which the recipient of a subscription may be asked, and its contact told, again."""
_CONFIRM, _UNSUBSCRIBE = "confirmer", "desabonner"
"""Purposes of a link: one of a mail that asks cannot unsubscribe, nor the other way round."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a change, and for whom."""

    user: str
    actor: Actor
    email: str | None
    """Address that the issuer of its token has verified."""
    may_modify: bool
    """Whether it has the level modification, and so may change the subscriptions of others."""
    key: str | None = None
    """Idempotency key."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is done, or was already so: the subscription as it is now."""

    subscription: Subscription
    secret: str | None = field(default=None, repr=False)
    """Newest secret, where it was created by this request."""
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule refuses it; its code decides the HTTP status."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class Missing:
    """The actor has no such subscription (404)."""


Outcome = Done | Refused | Missing
ReadTerms = Callable[[Subscription], Terms | Violation]
"""Returns the terms after a change, or why they cannot be those of this subscription."""
Judge = Callable[[Subscription | None], Outcome]
"""Judges whether somebody may change a subscription that was read: `Done` if so."""
Decide = Callable[[Subscription, int], Subscription | Violation]
"""Returns a subscription after a change at a mark, the same where nothing changes."""


class SubscriptionBook:
    """Use cases of the subscriptions of an actor."""

    def __init__(self, ports: SubscriptionPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def list_of(self, actor: Actor) -> Sequence[Subscription]:
        """List the subscriptions that an actor sees, oldest first."""
        return [
            each for each in await self._ports.subscriptions.list_of(actor) if _sees(actor, each)
        ]

    async def find(self, actor: Actor, subscription: str) -> Subscription | None:
        """Find a subscription that an actor sees."""
        found = await self._ports.subscriptions.find(subscription)
        return found if found and _sees(actor, found) else None

    async def read(self, subscription: str) -> Subscription | None:
        """Read a subscription, whoever asks."""
        return await self._ports.subscriptions.find(subscription)

    async def find_own(self, asker: Asker, subscription: str) -> Outcome:
        """Find a subscription that the asker sees and may change."""
        return _judge_asker(asker, await self._ports.subscriptions.find(subscription))

    async def create(self, asker: Asker, channel: Channel, terms: Terms) -> Outcome:
        """Create a subscription. The secret of a webhook is told to who creates it, once."""
        ports, now = self._ports, self._ports.clock()
        if violation := self._judge(channel, terms):
            return Refused(violation)
        secret = ports.create_secret() if channel.traits.is_signed else None
        created = Subscription(
            id=ports.new_id(),
            owner=asker.user,
            actor=asker.actor,
            channel=channel,
            terms=terms,
            created_at=now,
            secrets=(Secret(ports.box.seal(secret)),) if secret else (),
            is_confirmed=not channel.traits.is_personal or _is_own(asker, terms),
        ).enable()
        key = await _build_key(asker, "create_subscription", asker.actor, channel, terms)

        async def attempt(change: SubscriptionChange) -> Outcome:
            if used := await change.find_key_use(key):
                return await self._replay(asker, change, key, used)
            if await change.count(asker.actor) >= ports.limit:
                return Refused(rules.TOO_MANY.build_violation("requête", limit=ports.limit))
            started = await self._start(change, created)
            if isinstance(started, Done):
                await change.record_key_use(key, _name_use(started.subscription))
                return replace(started, secret=secret)
            return started

        return await ports.subscriptions.change(attempt)

    async def change(
        self,
        asker: Asker,
        subscription: str,
        read_terms: ReadTerms | None = None,
        *,
        enabled: bool | None = None,
    ) -> Outcome:
        """Change where a subscriber is told and of what, and whether it is enabled: all or nothing.

        A new address is confirmed anew. One that is enabled catches up with what it missed; its
        recipient is asked first, if it has unsubscribed. Nothing is told to the contact of one that
        is disabled.
        """

        def decide(found: Subscription, mark: int) -> Subscription | Violation:
            changed = self._move(asker, found, mark, read_terms) if read_terms else found
            if enabled is None or isinstance(changed, Violation):
                return changed
            return self._switch(asker, changed, mark, enabled=enabled)

        return await self._decide(subscription, lambda found: _judge_asker(asker, found), decide)

    async def delete(self, asker: Asker, subscription: str) -> Outcome:
        """Delete a subscription, with the log of its deliveries."""

        async def attempt(change: SubscriptionChange, found: Subscription) -> Outcome:
            await change.delete(found.id)
            return Done(found)

        return await self._change(asker, subscription, attempt)

    async def rotate_secret(self, asker: Asker, subscription: str, overlap: timedelta) -> Outcome:
        """Create a secret; the one before signs as well for `overlap`."""
        if not self._ports.box.is_open:
            return Refused(rules.NO_KEYS.build_violation("requête"))
        secret = self._ports.create_secret()
        key = await _build_key(asker, "rotate_secret", subscription, overlap)

        async def attempt(change: SubscriptionChange, found: Subscription) -> Outcome:
            if used := await change.find_key_use(key):
                return await self._replay(asker, change, key, used)
            if not found.channel.traits.is_signed:
                return Refused(rules.NOT_WEBHOOK.build_violation("subscription_id"))
            rotated = found.rotate(self._ports.box.seal(secret), self._ports.clock(), overlap)
            await change.save(rotated)
            await change.record_key_use(key, _name_use(rotated))
            return Done(rotated, secret)

        return await self._change(asker, subscription, attempt)

    async def confirm(self, token: str) -> Outcome:
        """Confirm the address of a subscription, by the link of its mail."""

        def decide(found: Subscription, _: int) -> Subscription:
            if found.state is not State.TO_CONFIRM:
                return found
            return replace(found, is_confirmed=True).enable()

        return await self._decide_by_link(self._read_link(token, _CONFIRM, LINK_LIFE), decide)

    async def unsubscribe(self, token: str) -> Outcome:
        """Disable a subscription for its recipient, by the link of its mails; at any time."""

        def decide(found: Subscription, mark: int) -> Subscription:
            return found.disable(Cause.UNSUBSCRIBED, self._ports.clock(), mark)

        return await self._decide_by_link(self._read_link(token, _UNSUBSCRIBE), decide)

    async def disable(self, subscription: str, cause: Cause, target: str) -> None:
        """Disable a subscription that cannot be served at this target, and tell its contact."""

        async def attempt(change: SubscriptionChange) -> None:
            found = await change.load(subscription)
            if found is None or found.state is State.DISABLED or found.terms.target != target:
                return
            now = self._ports.clock()
            disabled = found.disable(cause, now, change.mark)
            if found.told_at is not None and now - found.told_at < _TOLD_AGAIN:
                await change.save(disabled)
                return
            await change.save(replace(disabled, told_at=now))
            await change.tell_disabled(disabled)

        await self._ports.subscriptions.change(attempt)

    def create_unsubscribing(self, subscription: Subscription) -> str:
        """Create the token by which the recipient of a subscription unsubscribes."""
        return self._create_link(subscription, _UNSUBSCRIBE)

    def can_unsubscribe(self, token: str) -> bool:
        """Tell whether a token is one by which a recipient unsubscribes."""
        return self._read_link(token, _UNSUBSCRIBE) is not None

    def read_confirming(self, token: str) -> str | None:
        """Read which address a token confirms."""
        stated = self._read_link(token, _CONFIRM, LINK_LIFE)
        return stated[1] if stated else None

    def _create_link(self, subscription: Subscription, purpose: str) -> str:
        stated = f"{purpose}|{subscription.id}|{subscription.terms.target}"
        return self._ports.box.seal(stated)

    def _read_link(
        self, token: str, purpose: str, life: timedelta | None = None
    ) -> tuple[str, str] | None:
        """Read the subscription and the address of a link, if it was made for this purpose."""
        read, _, rest = (self._ports.box.open(token, life) or "").partition("|")
        subscription, _, address = rest.partition("|")
        return (subscription, address) if read == purpose else None

    async def _replay(
        self, asker: Asker, change: SubscriptionChange, key: Key | None, used: UsedKey
    ) -> Outcome:
        """Answer a repeated request as the first one; with its secret, while that is the newest."""
        if not used.is_of(key):
            return Refused(rules.KEY_REUSED.build_violation("Idempotency-Key"))
        subscription, _, _ = used.subject.partition("|")
        judged = _judge_asker(asker, await change.load(subscription))
        if not isinstance(judged, Done):
            return judged
        known = judged.subscription
        secret = self._open_secret(known) if _name_use(known) == used.subject else None
        return Done(known, secret, is_replay=True)

    async def _change(
        self,
        asker: Asker,
        subscription: str,
        work: Callable[[SubscriptionChange, Subscription], Awaitable[Outcome]],
    ) -> Outcome:
        """Change a subscription that the asker sees and may change."""
        # A change holds the feed: nobody makes it wait by what is refused anyway.
        judged = await self.find_own(asker, subscription)
        if not isinstance(judged, Done):
            return judged

        async def attempt(change: SubscriptionChange) -> Outcome:
            judged = _judge_asker(asker, await change.load(subscription))
            return await work(change, judged.subscription) if isinstance(judged, Done) else judged

        return await self._ports.subscriptions.change(attempt)

    async def _decide_by_link(self, stated: tuple[str, str] | None, decide: Decide) -> Outcome:
        """Change the subscription that a link states, while its address is still that one."""
        if stated is None:
            return Missing()
        subscription, address = stated

        def judge(found: Subscription | None) -> Outcome:
            return Done(found) if found and found.terms.target == address else Missing()

        return await self._decide(subscription, judge, decide)

    async def _decide(self, subscription: str, judge: Judge, decide: Decide) -> Outcome:
        """Change a subscription as `decide` says, where `judge` allows it."""

        def settle(found: Subscription | None, mark: int) -> Outcome | Subscription:
            """Return the subscription to write, or the outcome where nothing is to be written."""
            judged = judge(found)
            if not isinstance(judged, Done):
                return judged
            decided = decide(judged.subscription, mark)
            if isinstance(decided, Violation):
                return Refused(decided)
            is_same = decided == judged.subscription and not self._is_to_ask(decided)
            return judged if is_same else decided

        # A change holds the feed: nobody makes it wait by what is refused, or changes nothing.
        settled = settle(await self._ports.subscriptions.find(subscription), 0)
        if not isinstance(settled, Subscription):
            return settled

        async def attempt(change: SubscriptionChange) -> Outcome:
            settled = settle(await change.load(subscription), change.mark)
            return (
                await self._start(change, settled) if isinstance(settled, Subscription) else settled
            )

        return await self._ports.subscriptions.change(attempt)

    def _move(
        self, asker: Asker, found: Subscription, mark: int, read_terms: ReadTerms
    ) -> Subscription | Violation:
        """Change the terms of a subscription; those that it has already change nothing."""
        terms = read_terms(found)
        if isinstance(terms, Violation):
            return terms
        if violation := self._judge(found.channel, terms):
            return violation
        if terms == found.terms:
            return found
        moved = found.move(terms, mark, is_own=_is_own(asker, terms))
        # It is theirs who says where it goes: their rights are judged from now on.
        return moved if terms.target == found.terms.target else replace(moved, owner=asker.user)

    def _switch(
        self, asker: Asker, found: Subscription, mark: int, *, enabled: bool
    ) -> Subscription | Violation:
        """Disable a subscription, or enable it by the rights of the asker."""
        if not enabled:
            return found.disable(Cause.SWITCHED_OFF, self._ports.clock(), mark)
        if not self._ports.box.is_open:
            return rules.NO_KEYS.build_violation("requête")
        if found.state is not State.DISABLED:
            return found
        return replace(found, owner=asker.user).enable()

    def _is_to_ask(self, subscription: Subscription) -> bool:
        """Tell whether its recipient is to be asked to confirm.

        Once a day at most: somebody who was named is not to be pestered.
        """
        if subscription.state is not State.TO_CONFIRM:
            return False
        asked_at = subscription.asked_at
        return asked_at is None or self._ports.clock() - asked_at >= _ASKED_AGAIN

    async def _start(self, change: SubscriptionChange, subscription: Subscription) -> Outcome:
        """Save a subscription that was changed, and begin what its state is for."""
        if self._is_to_ask(subscription):
            structure = subscription.actor.structure
            if not await change.may_ask(structure, self._ports.asked_a_day):
                limit = self._ports.asked_a_day
                return Refused(rules.TOO_MANY_ASKED.build_violation("address", limit=limit))
            subscription = replace(subscription, asked_at=self._ports.clock())
            await change.save(subscription)
            await change.ask_confirmation(subscription, self._create_link(subscription, _CONFIRM))
            return Done(subscription)
        await change.save(subscription)
        if subscription.state is State.CATCHING_UP:
            await change.catch_up(subscription)
        elif subscription.state is State.ACTIVE:
            await change.retry(subscription)
        return Done(subscription)

    def _judge(self, channel: Channel, terms: Terms) -> Violation | None:
        if not self._ports.box.is_open:
            return rules.NO_KEYS.build_violation("requête")
        if channel.traits.is_personal:
            return None
        if reason := self._ports.judge_target(terms.target):
            return rules.TARGET_REFUSED.build_violation("url", reason=reason)
        return None if terms.contact else rules.CONTACT_MISSING.build_violation("contact")

    def _open_secret(self, subscription: Subscription) -> str | None:
        newest = subscription.secrets[0].sealed if subscription.secrets else ""
        return self._ports.box.open(newest)


async def _build_key(asker: Asker, *sent: object) -> Key | None:
    """Build the idempotency key of a user who acts for an actor."""
    owner = f"{name_owner(asker.actor)}|{asker.user}"
    return await build_key(owner, asker.key, serialize_request(*sent), [])


def _judge_asker(asker: Asker, found: Subscription | None) -> Outcome:
    """Judge whether somebody may change a subscription: its own, or with the level modification."""
    if found is None or not _sees(asker.actor, found):
        return Missing()
    if found.owner != asker.user and not asker.may_modify:
        return Refused(rules.NOT_YOURS.build_violation("subscription_id"))
    return Done(found)


def _name_use(subscription: Subscription) -> str:
    """Name what a key was used for: the subscription, and which secret was told."""
    newest = subscription.secrets[0].sealed if subscription.secrets else ""
    return f"{subscription.id}|{sha256(newest.encode()).hexdigest()[:16]}"


def _is_own(asker: Asker, terms: Terms) -> bool:
    """Tell whether an address is the asker's own, which the issuer of its token has verified."""
    return asker.email is not None and asker.email.lower() == terms.target.lower()


def _sees(actor: Actor, subscription: Subscription) -> bool:
    """Tell whether an actor sees a subscription, of its own service where it is limited to one."""
    return actor.whole == subscription.actor.whole and actor.covers_service(
        subscription.actor.service
    )
