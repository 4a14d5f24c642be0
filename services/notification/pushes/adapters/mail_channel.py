"""Channel of mails: what is due for a recipient is one mail, which the mail queue sends."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from services.notification.pushes.adapters.delivery_rows import (
    COLLECTION,
    build_mailed,
    build_undone,
)
from services.notification.pushes.domain.delivery import Delivery, DeliveryState, Try
from services.notification.pushes.domain.outcomes import Attempt, Outcome
from services.notification.statuses.domain.entry import Entry
from services.notification.subscriptions.adapters.mailing import SubscriptionMails
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.application.mails import (
    ROWS_LIMIT,
    build_statuses,
    build_test,
)
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Channel,
    State,
    Subscription,
)
from shared.application.mail import Mail
from shared.runtime.clock import Clock
from shared.runtime.error_descriptions import describe_error
from shared.runtime.errors import NewerDocumentError, is_transient
from shared.runtime.logs import get_logger
from shared.runtime.mail.queue import MailQueue
from shared.runtime.mail.sending import MailFailure, Reason
from shared.runtime.metrics import PUSH_ATTEMPTS
from shared.runtime.store.database import Store, Transaction
from shared.vocabulary.actors import Actor

FindEntry = Callable[[str, int], Awaitable[Entry | None]]
"""Finds a status by its dossier and its rank."""
MayRead = Callable[[Actor, str, int], Awaitable[bool]]
"""Tells whether an actor may still read a status."""
_UNREADABLE = Attempt(Outcome.HELD, "status", 0)
_LEFT = Attempt(Outcome.DROPPED, "left", 0)
_log = get_logger(__name__)


class MailChannel:
    """Sends deliveries by mail.

    A delivery counts as delivered once its mail is in the queue, in one transaction: what becomes
    of the mail is told later, by `record_failure`.
    """

    def __init__(
        self,
        store: Store,
        queue: MailQueue,
        mails: SubscriptionMails,
        find_entry: FindEntry,
        may_read: MayRead,
        create_token: Callable[[Subscription], str],
        clock: Clock,
    ) -> None:
        """Queue mails here; `create_token` creates that by which a recipient unsubscribes."""
        self._store = store
        self._queue = queue
        self._mails = mails
        self._find_entry = find_entry
        self._may_read = may_read
        self._create_token = create_token
        self._clock = clock

    async def mail_all(
        self, subscription: Subscription, due: Sequence[Delivery]
    ) -> Sequence[tuple[Delivery, Attempt]]:
        """Queue one mail of what is due, oldest first, as far as it fits; a test alone.

        Returns those that are not mailed, for what they tell of. Nothing is queued where one was
        mailed beside, or the subscription is another by now.
        """
        told = [each for each in due if not each.is_test][:ROWS_LIMIT]
        entries, kept = await self._read_entries(subscription, told)
        chosen = list(entries) or ([] if told else due[:1])
        if chosen:
            mail = await self._build(subscription, list(entries.values()))
            if await self._store.transaction(
                lambda transaction: self._queue_mail(transaction, subscription, chosen, mail)
            ):
                PUSH_ATTEMPTS.labels(Channel.MAIL.value, "delivered").inc(len(chosen))
        return kept

    async def record_failure(
        self, failure: MailFailure, disable: Callable[[str, Cause, str], Awaitable[None]]
    ) -> None:
        """Record that a mail was given up; an address that is refused for good is disabled."""
        deliveries = self._store.collection(COLLECTION)
        tried = Try(failure.at, failure.code or failure.reason.value, 0)
        failed = await deliveries.update_many(
            {"mail_id": failure.mail_id, "state": DeliveryState.DELIVERED.value},
            build_undone(tried),
        )
        PUSH_ATTEMPTS.labels(Channel.MAIL.value, "failed").inc(failed.modified_count)
        # A mail to a contact, or to the address before, says nothing of the target.
        if failure.entity is not None and failure.reason is Reason.REFUSED:
            await disable(failure.entity, Cause.REFUSED, failure.to)

    async def _queue_mail(
        self,
        transaction: Transaction,
        subscription: Subscription,
        chosen: Sequence[Delivery],
        mail: Mail,
    ) -> bool:
        session, now = transaction.session, self._clock()
        # It writes to the subscription: one that is changed beside it conflicts.
        wanted = {
            "_id": subscription.id,
            "state": State.ACTIVE.value,
            "target": subscription.terms.target,
        }
        found = await transaction.collection(SUBSCRIPTIONS.collection).update_one(
            wanted, {"$set": {"mailed_at": now}}, session=session
        )
        waiting = {
            "_id": {"$in": [each.id for each in chosen]},
            "state": DeliveryState.WAITING.value,
        }
        deliveries = transaction.collection(COLLECTION)
        left = await deliveries.count_documents(waiting, session=session)
        if found.matched_count == 0 or left < len(chosen):
            return False
        mail_id = await self._queue.queue(transaction, mail)
        await deliveries.update_many(waiting, build_mailed(mail_id, now), session=session)
        return True

    async def _read_entries(
        self, subscription: Subscription, told: Sequence[Delivery]
    ) -> tuple[Mapping[Delivery, Entry], Sequence[tuple[Delivery, Attempt]]]:
        """Read the statuses to mail; one that cannot be read holds back its dossier alone."""
        entries: dict[Delivery, Entry] = {}
        kept: list[tuple[Delivery, Attempt]] = []
        held: set[str] = set()
        for each in told:
            if each.dossier_id in held:
                continue
            if not await self._may_read(subscription.actor, each.dossier_id, each.sequence):
                kept.append((each, _LEFT))
            elif (entry := await self._read_entry(each)) is None:
                kept.append((each, _UNREADABLE))
                held.add(each.dossier_id)
            else:
                entries[each] = entry
        return entries, kept

    async def _read_entry(self, delivery: Delivery) -> Entry | None:
        """Read the status of a delivery; None where it cannot be read, as by a newer version."""
        try:
            return await self._find_entry(delivery.dossier_id, delivery.sequence)
        except Exception as error:
            if is_transient(error) and not isinstance(error, NewerDocumentError):
                raise
            _log.error("push.unreadable", delivery=delivery.id, error=describe_error(error))
            return None

    async def _build(self, subscription: Subscription, entries: Sequence[Entry]) -> Mail:
        name = await self._mails.find_name(subscription.actor.structure)
        link = self._mails.build_unsubscribing_link(self._create_token(subscription))
        if not entries:
            return build_test(subscription, name, link)
        return build_statuses(subscription, name, entries, link)
