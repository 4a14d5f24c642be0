"""Composition root."""

from dataclasses import dataclass

from fastapi import FastAPI

from services.notification.pushes.adapters.deliveries import MongoDeliveries
from services.notification.pushes.adapters.delivery_log import MongoDeliveryLog
from services.notification.pushes.adapters.entitlement import Entitlement
from services.notification.pushes.adapters.expiry import Expiry
from services.notification.pushes.adapters.fan_out import FanOut
from services.notification.pushes.adapters.mail_channel import MailChannel
from services.notification.pushes.adapters.replays import EXPIRY, PUSHES, REPLAYS
from services.notification.pushes.adapters.subscribers import MongoSubscribers
from services.notification.pushes.adapters.webhook_channel import (
    StatusMessage,
    TestMessage,
    WebhookChannel,
)
from services.notification.pushes.adapters.webhooks import WebhookSender
from services.notification.pushes.application.log import PushLog
from services.notification.pushes.application.ports import PushPorts
from services.notification.pushes.application.pusher import Pusher
from services.notification.pushes.application.shares import FairShares
from services.notification.pushes.domain.labels import describe_target
from services.notification.pushes.domain.targets import TargetRules
from services.notification.pushes.entrypoints.http import create_deliveries_router
from services.notification.pushes.entrypoints.jobs import (
    build_expiry_work,
    build_late_finder,
    build_pushes_work,
    build_replays_work,
    build_subscription_gauges_task,
)
from services.notification.pushes.entrypoints.webhooks import describe_webhooks
from services.notification.settings import Settings
from services.notification.statuses.adapters.marking import COLLECTION, add_backlog
from services.notification.statuses.adapters.mongo import MongoStatuses
from services.notification.statuses.application.history import History
from services.notification.statuses.entrypoints.events import keep_statuses
from services.notification.statuses.entrypoints.http import create_router, list_stream_limits
from services.notification.subscriptions.adapters.mailing import SubscriptionMails
from services.notification.subscriptions.adapters.mongo import MongoSubscriptions
from services.notification.subscriptions.adapters.secrets import SecretBox, create_secret
from services.notification.subscriptions.application.book import SubscriptionBook
from services.notification.subscriptions.application.ports import SubscriptionPorts
from services.notification.subscriptions.entrypoints.http import create_subscriptions_router
from services.notification.subscriptions.entrypoints.pages import create_pages_router
from shared.contracts.public_paths import build_public_prefix
from shared.contracts.topics import STATUT
from shared.runtime.backoff import compute_backoff
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.runtime.jobs.rows import Job, enqueue
from shared.runtime.mail.jobs import run_mails
from shared.runtime.mail.sending import MailFailure
from shared.runtime.messaging.directory import Directory
from shared.runtime.notifier import Notifier
from shared.runtime.service import Runtime
from shared.runtime.store.database import Transaction
from shared.runtime.store.feed import Feed
from shared.runtime.web.connection_limit import ConnectionLimit

_MEASURE_S = 10.0
"""Interval of the gauge of subscriptions, in seconds."""


@dataclass(frozen=True, slots=True)
class _Base:
    """Dependencies of every feature."""

    settings: Settings
    runtime: Runtime
    feed: Feed
    statuses: MongoStatuses
    fan_out: FanOut
    box: SecretBox


def build() -> tuple[Runtime, FastAPI]:
    """Build the service, feature by feature."""
    base = _build_base()
    book, mails = _build_subscriptions(base)
    log = _build_pushes(base, book, mails)
    streams = ConnectionLimit(base.settings.streams, base.settings.streams_per_structure)
    app = base.runtime.build_app(
        title="Aiguillage : notification",
        description="L'historique des statuts, consulté ou suivi en direct ; les abonnements.",
        routers=[
            create_router(_build_history(base), streams),
            create_subscriptions_router(book),
            create_deliveries_router(book, log),
            create_pages_router(book),
        ],
        limits=[list_stream_limits(streams)],
    )
    describe_webhooks(app, StatusMessage, TestMessage)
    return base.runtime, app


def _build_base() -> _Base:
    settings = Settings()
    runtime = Runtime("notification", settings)
    fan_out = FanOut(runtime.clock)
    feed = Feed(
        runtime.store,
        COLLECTION,
        order="sequence",
        extend=add_backlog,
        handle=fan_out.deliver_new,
    )
    statuses = MongoStatuses(runtime.store, feed)
    runtime.prepare(statuses.prepare)
    runtime.number(feed)
    runtime.consume({STATUT: keep_statuses(statuses.keep)})
    box = SecretBox(settings.secret_keys, runtime.clock)
    return _Base(settings, runtime, feed, statuses, fan_out, box)


def _build_history(base: _Base) -> History:
    notifier = Notifier()
    base.runtime.run_in_background("notifier", lambda: base.statuses.watch(notifier))
    base.runtime.call_before_stop(notifier.close)
    return History(base.statuses, notifier, base.settings.heartbeat_s)


def _build_subscriptions(base: _Base) -> tuple[SubscriptionBook, MailChannel]:
    settings, runtime = base.settings, base.runtime
    rules = _build_rules(settings)

    async def record_failure(failure: MailFailure) -> None:
        await channel.record_failure(failure, book.disable)

    queue = run_mails(runtime, settings, record_failure)
    public = settings.public_origin + build_public_prefix(runtime.service)
    mails = SubscriptionMails(queue, Directory(runtime.store), runtime.clock, public)
    subscriptions = MongoSubscriptions(runtime.store, base.feed, base.fan_out, mails)
    runtime.prepare(subscriptions.prepare)
    book = SubscriptionBook(
        SubscriptionPorts(
            subscriptions=subscriptions,
            box=base.box,
            judge_target=lambda url: describe_target(url, rules),
            create_secret=create_secret,
            clock=runtime.clock,
            new_id=new_id,
            limit=settings.subscriptions_each,
            asked_a_day=settings.confirmations_a_day,
        )
    )
    channel = MailChannel(
        runtime.store,
        queue,
        mails,
        base.statuses.find_entry,
        base.statuses.may_read,
        book.create_unsubscribing,
        runtime.clock,
    )
    return book, channel


def _build_pushes(base: _Base, book: SubscriptionBook, mails: MailChannel) -> PushLog:
    settings, runtime = base.settings, base.runtime
    deliveries, subscribers = MongoDeliveries(runtime.store), MongoSubscribers(runtime.store)
    sender = WebhookSender(_build_rules(settings), settings.push_timeout_s)
    runtime.run_in_background("webhooks", sender.close_at_end)
    # Receivers judge a signature by true time, whatever time tests let pass here.
    statuses = base.statuses
    webhooks = WebhookChannel(
        sender, statuses.find_entry, statuses.may_read, base.box, build_clock()
    )

    async def push_again(subscription: str) -> None:
        async def again(transaction: Transaction) -> None:
            await enqueue(transaction, [Job(PUSHES, subscription)])

        await runtime.store.transaction(again)

    pusher = Pusher(
        PushPorts(
            find=book.read,
            deliveries=deliveries,
            may_read=Entitlement(runtime.principals, Directory(runtime.store)).may_read,
            disable=lambda read, cause: book.disable(read.id, cause, read.terms.target),
            send=webhooks.send,
            mail_all=mails.mail_all,
            shares=FairShares(settings.pushed_at_once),
            clock=runtime.clock,
            compute_backoff=compute_backoff,
        )
    )
    runtime.prepare(deliveries.prepare)
    runtime.run_jobs(
        PUSHES,
        build_pushes_work(
            pusher,
            push_again,
            settings.push_timeout_s,
            settings.pushed_at_once,
        ),
        build_late_finder(subscribers.find_late, runtime.clock),
    )
    runtime.run_jobs(REPLAYS, build_replays_work(base.fan_out.replay))
    runtime.run_jobs(EXPIRY, build_expiry_work(Expiry(runtime.store, runtime.clock).expire))
    runtime.run_every(
        _MEASURE_S, "subscriptions", build_subscription_gauges_task(subscribers.count_by_state)
    )
    return PushLog(MongoDeliveryLog(runtime.store, runtime.clock))


def _build_rules(settings: Settings) -> TargetRules:
    return TargetRules(frozenset(settings.push_ports), settings.push_loopback)
