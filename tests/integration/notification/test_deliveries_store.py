"""Deliveries over an empty store: turns of digests, where a replay begins, and expiry."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notification.pushes.adapters.delivery_rows import build_row
from services.notification.pushes.adapters.expiry import Expiry
from services.notification.pushes.adapters.fan_out import FanOut
from services.notification.pushes.adapters.replays import LAST_MARK, Replay
from services.notification.pushes.domain.delivery import build_delivery_id
from services.notification.statuses.adapters.marking import TOLD
from services.notification.statuses.adapters.mongo import MongoStatuses
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Channel,
    Frequency,
    Health,
    State,
    Subscription,
    Terms,
)
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.feed import Feed
from shared.vocabulary.actors import Actor
from shared.vocabulary.levels import WRITE_LEVEL
from shared.vocabulary.roles import Role

ACTOR = Actor(Role.MOA, "s")
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
SEVEN = datetime(2026, 12, 2, 6, tzinfo=UTC)
"""When the next digest leaves: 7:00 in Paris."""
DIGEST = Subscription(
    id="digest",
    owner="o",
    actor=ACTOR,
    channel=Channel.MAIL,
    terms=Terms("a@exemple.fr", frequency=Frequency.DAILY),
    created_at=NOON,
)
HOOK = replace(
    DIGEST,
    id="hook",
    channel=Channel.WEBHOOK,
    terms=Terms("https://exemple.fr/", contact="c@exemple.fr"),
)


@dataclass
class World:
    """A store, and the clock."""

    store: Store
    now: datetime = NOON

    async def save(self, *subscriptions: Subscription) -> None:
        rows = self.store.collection(SUBSCRIPTIONS.collection)
        for each in subscriptions:
            row = SUBSCRIPTIONS.write(each, WRITE_LEVEL)
            await rows.replace_one({"_id": each.id}, row, upsert=True)

    async def read(self, subscription: Subscription) -> Subscription | None:
        rows = self.store.collection(SUBSCRIPTIONS.collection)
        row = await rows.find_one({"_id": subscription.id})
        return SUBSCRIPTIONS.read(row) if row else None

    async def tell(self, *marks: int) -> None:
        """Make deliveries of statuses, each of a dossier, as the feed does."""
        statuses = [build_status(each) for each in marks]

        async def attempt(transaction: Transaction) -> None:
            await FanOut(lambda: self.now).deliver_new(transaction, statuses)

        await self.store.transaction(attempt)

    async def list_woken(self) -> list[str]:
        """List the subscribers of which a turn was asked for since the last call."""
        jobs = self.store.collection("jobs")
        keys = [row["key"] async for row in jobs.find({"kind": "pushes"}).sort("key", 1)]
        await jobs.delete_many({})
        return keys

    async def list_deliveries(self, subscription: Subscription) -> list[tuple[int, str]]:
        rows = self.store.collection("deliveries").find({"subscription": subscription.id})
        return [(row["mark"], row["state"]) async for row in rows.sort([("mark", 1), ("order", 1)])]

    async def replay(self, asked: Replay) -> None:
        async def attempt(transaction: Transaction) -> None:
            await FanOut(lambda: self.now).replay(transaction, [asked.build_job()])

        await self.store.transaction(attempt)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def build_status(mark: int, at: datetime = NOON) -> Document:
    key = f"{ACTOR.role.value}|{ACTOR.structure}"
    return {
        "_id": f"d{mark}|1",
        "dossier_id": f"d{mark}",
        "sequence": 1,
        "mark": mark,
        "at": at,
        "cadre": "A4",
        "status": "DEPOSEE",
        "payment_not_reported": False,
        "seen_by": [key],
        TOLD: [key],
    }


async def test_a_status_of_a_digest_that_has_its_time_asks_for_no_turn(world: World) -> None:
    await world.save(DIGEST, HOOK)
    await world.tell(1)
    assert await world.list_woken() == ["digest", "hook"]
    await world.save(replace(DIGEST, health=Health(due=SEVEN)))

    await world.tell(2, 3)

    assert await world.list_woken() == ["hook"]
    assert await world.list_deliveries(DIGEST) == [(1, "waiting"), (2, "waiting"), (3, "waiting")]


@pytest.mark.parametrize(
    ("now", "health"),
    [
        (NOON, Health(due=SEVEN + timedelta(days=1))),
        (NOON, Health(due=NOON)),
        (NOON, Health(1, NOON, SEVEN)),
        # The turn may have begun, and read what waits.
        (SEVEN - timedelta(seconds=30), Health(due=SEVEN)),
    ],
)
async def test_a_turn_is_asked_for_where_none_is_known_to_come_in_time(
    world: World, now: datetime, health: Health
) -> None:
    world.now = now
    await world.save(replace(DIGEST, health=health))

    await world.tell(1)

    assert await world.list_woken() == ["digest"]


async def test_a_period_is_replayed_from_its_lowest_mark_whatever_the_order_of_moments(
    world: World,
) -> None:
    await world.save(HOOK)
    before = [build_status(mark, NOON - timedelta(days=9)) for mark in range(1, 5)]
    # The earliest of the period got its mark anew, after the others.
    within = [
        build_status(mark, NOON + timedelta(minutes=minutes))
        for mark, minutes in ((5, 2), (6, 3), (7, 1))
    ]
    after = [build_status(8, NOON + timedelta(days=1))]
    await world.store.collection("statuses").insert_many([*before, *within, *after])
    since, until = NOON, NOON + timedelta(hours=1)

    await world.replay(Replay(HOOK.id, "r", 0, LAST_MARK, since, until))

    assert [mark for mark, _ in await world.list_deliveries(HOOK)] == [5, 6, 7]
    assert await world.list_woken() == ["hook"]


async def test_a_period_without_any_status_is_replayed_at_once(world: World) -> None:
    await world.save(HOOK)
    await world.store.collection("statuses").insert_one(build_status(1))
    since = NOON + timedelta(days=1)

    await world.replay(Replay(HOOK.id, "r", 0, LAST_MARK, since, since + timedelta(days=1)))

    assert await world.list_deliveries(HOOK) == []


async def test_the_statuses_of_who_reads_are_found_by_their_moment(store: Store) -> None:
    await MongoStatuses(store, Feed(store, "statuses")).prepare()

    indexes = await store.collection("statuses").index_information()

    assert [("seen_by", 1), ("at", 1)] in [[*each["key"]] for each in indexes.values()]


async def wait_for(
    world: World, subscription: Subscription, ids: Sequence[tuple[str, int]]
) -> None:
    """Let deliveries wait: each by its id after that of the subscription, and its mark."""
    rows = [
        build_row(
            each,
            subscription.id,
            {"dossier_id": f"d{mark}", "sequence": 1 if mark else 0, "mark": mark},
            NOON,
            NOON,
        )
        for each, mark in ids
    ]
    await world.store.collection("deliveries").insert_many(rows)


async def test_what_waits_for_a_disabled_subscription_expires_and_is_caught_up_with(
    world: World,
) -> None:
    disabled = HOOK.disable(Cause.FAILURES, NOON, 9)
    active = replace(HOOK, id="active")
    await world.save(disabled, active)
    await wait_for(
        world,
        HOOK,
        [
            ("essai", 0),
            (build_delivery_id(HOOK.id, "d3", 1, "replay"), 3),
            (build_delivery_id(HOOK.id, "d6", 1), 6),
            (build_delivery_id(HOOK.id, "d8", 1), 8),
        ],
    )
    await wait_for(world, active, [(build_delivery_id(active.id, "d6", 1), 6)])
    expiry = Expiry(world.store, lambda: world.now)

    world.now = NOON + timedelta(days=30, seconds=-1)
    await expiry.expire()
    assert len(await world.list_deliveries(HOOK)) == 4
    world.now = NOON + timedelta(days=30)
    await expiry.expire()
    await expiry.expire()

    assert await world.list_deliveries(HOOK) == []
    assert await world.list_deliveries(active) == [(6, "waiting")]
    kept = await world.read(HOOK)
    # It catches up with 6 and 8, and with what came after 9.
    assert kept == replace(disabled, resume_mark=5)


@pytest.mark.parametrize("is_switched_off", [False, True])
async def test_an_address_that_nobody_confirms_for_thirty_days_is_forgotten(
    world: World, is_switched_off: bool
) -> None:
    asked = replace(DIGEST, state=State.TO_CONFIRM, is_confirmed=False, asked_at=NOON)
    if is_switched_off:
        asked = asked.disable(Cause.SWITCHED_OFF, NOON, 1)
    await world.save(asked)
    await wait_for(world, DIGEST, [(build_delivery_id(DIGEST.id, "d3", 1), 3)])
    expiry = Expiry(world.store, lambda: world.now)

    world.now = NOON + timedelta(days=30, seconds=-1)
    await expiry.expire()
    assert await world.read(DIGEST) is not None
    world.now = NOON + timedelta(days=30)
    await expiry.expire()

    assert await world.read(DIGEST) is None
    assert await world.list_deliveries(DIGEST) == []


@pytest.mark.parametrize(
    "kept",
    [
        DIGEST,
        replace(DIGEST, asked_at=NOON),
        # Whoever unsubscribed, or does not exist, had been asked; its structure sees why.
        replace(DIGEST, asked_at=NOON).disable(Cause.UNSUBSCRIBED, NOON, 1),
        replace(DIGEST, asked_at=NOON).disable(Cause.REFUSED, NOON, 1),
        # Of a new address of a disabled one, nobody was asked yet.
        replace(DIGEST, is_confirmed=False).disable(Cause.SWITCHED_OFF, NOON, 1),
    ],
)
async def test_other_subscriptions_by_mail_stay(world: World, kept: Subscription) -> None:
    await world.save(kept)

    await Expiry(world.store, lambda: NOON + timedelta(days=700)).expire()

    assert await world.read(DIGEST) == kept
