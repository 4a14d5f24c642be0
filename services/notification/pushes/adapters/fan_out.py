"""Deliveries of statuses, new ones or of a past period, for the subscribers who want them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.notification.pushes.adapters.delivery_rows import (
    COLLECTION,
    build_renewal,
    build_row,
    insert_deliveries,
    match_waiting,
)
from services.notification.pushes.adapters.replays import (
    CATCH_UP,
    LAST_MARK,
    PUSHES,
    Replay,
    read_replay,
)
from services.notification.pushes.domain.delivery import build_delivery_id, compute_due
from services.notification.statuses.adapters import marking
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.domain.subscription import SENDING, State, Subscription
from shared.runtime.clock import Clock
from shared.runtime.jobs.rows import Job, enqueue
from shared.runtime.store.database import Document, Transaction, aggregate
from shared.runtime.store.schema import TransactionDocuments

_PAGE = 200
"""Statuses of a past period that one transaction looks at."""


_TURN_NEAR = timedelta(minutes=1)
"""Within so long before its time a turn may have begun, which does not see what is written now."""


class FanOut:
    """Makes deliveries of statuses."""

    def __init__(self, clock: Clock) -> None:
        """Stamp deliveries by this clock."""
        self._clock = clock

    async def deliver_new(self, transaction: Transaction, statuses: Sequence[Document]) -> None:
        """Make deliveries of statuses that have just got their marks, with them."""
        structures = {key.split("|")[1] for each in statuses for key in each[marking.TOLD]}
        found = transaction.collection(SUBSCRIPTIONS.collection).find(
            {
                "structure": {"$in": sorted(structures)},
                "state": {"$in": [state.value for state in SENDING]},
            },
            session=transaction.session,
        )
        subscriptions = [SUBSCRIPTIONS.read(row) async for row in found]
        # To the others, a status that got its mark anew for who joins its dossier is not new.
        reached = [
            (each, rows)
            for each in subscriptions
            if (rows := self._build_rows(each, _list_told(each, statuses)))
        ]
        await insert_deliveries(transaction, [row for _, rows in reached for row in rows])
        now = self._clock()
        woken = sorted(each.id for each, rows in reached if not _is_expected(each, rows, now))
        await enqueue(transaction, [Job(PUSHES, each) for each in woken])

    async def replay(self, transaction: Transaction, jobs: Sequence[Job]) -> None:
        """Make deliveries of one page of each of these past periods, then go on with the next."""
        subscriptions = TransactionDocuments(SUBSCRIPTIONS, transaction)
        for job in jobs:
            asked = read_replay(job)
            subscription = await subscriptions.find({"_id": asked.subscription})
            if subscription is None or subscription.state not in SENDING:
                continue
            if asked.after == 0 and asked.since is not None:
                asked = replace(asked, after=await _find_start(transaction, subscription, asked))
            page = await _list_page(transaction, subscription, asked)
            rows = self._build_rows(subscription, page, asked.name)
            await insert_deliveries(transaction, rows)
            change: Document = {"replayed_at": self._clock()}
            if len(page) == _PAGE:
                rest = replace(asked, after=page[-1]["mark"])
                await enqueue(transaction, [rest.build_job()])
            else:
                if asked.name == CATCH_UP:
                    change |= {"state": State.ACTIVE.value, "resume_mark": None}
                await enqueue(transaction, [Job(PUSHES, subscription.id)])
            # Each page writes to the subscription: one that is deleted or disabled beside it
            # conflicts, and leaves no deliveries behind.
            await transaction.collection(SUBSCRIPTIONS.collection).update_one(
                {"_id": subscription.id}, {"$set": change}, session=transaction.session
            )

    async def catch_up(self, transaction: Transaction, subscription: Subscription) -> None:
        """Look up what a subscriber missed while it was disabled; then it is active."""
        await self.retry(transaction, subscription)
        missed = Replay(subscription.id, CATCH_UP, subscription.resume_mark or 0, until=LAST_MARK)
        await enqueue(transaction, [missed.build_job()])

    async def retry(self, transaction: Transaction, subscription: Subscription) -> None:
        """Try what waits for a subscriber at once; what has failed, as if it were new."""
        failed = match_waiting(subscription.id) | {"attempts": {"$gt": 0}}
        await transaction.collection(COLLECTION).update_many(
            failed, build_renewal(self._clock()), session=transaction.session
        )
        await enqueue(transaction, [Job(PUSHES, subscription.id)])

    async def forget_deliveries(self, transaction: Transaction, subscription: str) -> None:
        """Delete the deliveries of a subscription."""
        await transaction.collection(COLLECTION).delete_many(
            {"subscription": subscription}, session=transaction.session
        )

    def _build_rows(
        self, subscription: Subscription, statuses: Sequence[Document], replay: str = CATCH_UP
    ) -> list[Document]:
        now = self._clock()
        due = compute_due(subscription.terms.frequency, now)
        return [
            build_row(
                build_delivery_id(subscription.id, each["dossier_id"], each["sequence"], replay),
                subscription.id,
                each,
                now,
                due,
            )
            for each in statuses
            if _admit(subscription, each)
        ]


async def _find_start(transaction: Transaction, subscription: Subscription, replay: Replay) -> int:
    """Find the mark after which the statuses of a period begin.

    The lowest of all: one that got its mark anew has a higher one than its moment says. Without
    it, the first page of a recent period would pass by all statuses that were before.
    """
    lowest = [
        {"$match": _match_period(subscription, replay)},
        {"$group": {"_id": None, "mark": {"$min": "$mark"}}},
    ]
    statuses = transaction.collection(marking.COLLECTION)
    found = [row async for row in aggregate(statuses, lowest, transaction.session)]
    return int(found[0]["mark"]) - 1 if found and found[0]["mark"] is not None else replay.until


def _match_period(subscription: Subscription, replay: Replay) -> Document:
    period: Mapping[str, datetime] = {
        name: moment
        for name, moment in (("$gte", replay.since), ("$lt", replay.before))
        if moment is not None
    }
    key = marking.build_viewer_key(subscription.actor)
    return {marking.SEEN_BY: key, **({"at": period} if period else {})}


async def _list_page(
    transaction: Transaction, subscription: Subscription, replay: Replay
) -> list[Document]:
    wanted = _match_period(subscription, replay)
    wanted["mark"] = {"$gt": replay.after, "$lte": replay.until}
    found = transaction.collection(marking.COLLECTION).find(wanted, session=transaction.session)
    return await found.sort("mark", 1).limit(_PAGE).to_list(None)


def _is_expected(subscription: Subscription, rows: Sequence[Document], now: datetime) -> bool:
    """Tell whether a turn of a subscriber that is due later comes soon enough for deliveries.

    So each status of a digest does not have all the others read that wait for it.
    """
    health = subscription.health
    if health.failures or health.due is None or health.due <= now + _TURN_NEAR:
        return False
    return all(health.due <= row["due"] for row in rows)


def _list_told(subscription: Subscription, statuses: Sequence[Document]) -> Sequence[Document]:
    key = marking.build_viewer_key(subscription.actor)
    return [each for each in statuses if key in each[marking.TOLD]]


def _admit(subscription: Subscription, status: Document) -> bool:
    # Judged again: an earlier version may not have known that the status is hidden.
    if not marking.may_see(marking.build_viewer_key(subscription.actor), status):
        return False
    criteria = subscription.terms.criteria
    return criteria.admit(status["status"], status["cadre"], status.get("marche"))
