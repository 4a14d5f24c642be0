"""Pusher over ports in memory: order per dossier, pauses, retries, the end of a turn, digests."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notification.pushes.application.ports import PushPorts, Waiting
from services.notification.pushes.application.pusher import TURN, Pusher
from services.notification.pushes.application.shares import FairShares
from services.notification.pushes.domain.delivery import (
    FIRST_RETRY_S,
    LONGEST_RETRY_S,
    Delivery,
    compute_due,
)
from services.notification.pushes.domain.outcomes import Attempt, Outcome
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Channel,
    Frequency,
    Health,
    State,
    Subscription,
    Terms,
)
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role

BEGIN = datetime(2026, 11, 30, 12, tzinfo=UTC)
CODES = {
    Outcome.DELIVERED: "204",
    Outcome.FAILED: "500",
    Outcome.GONE: "410",
    Outcome.HELD: "status",
    Outcome.DROPPED: "left",
}


@dataclass
class Row:
    """A delivery that waits, and when it is due."""

    delivery: Delivery
    due: datetime


@dataclass
class Memory:
    """One subscriber, its deliveries in the order of marks, and its receiver."""

    subscription: Subscription | None = field(
        default_factory=lambda: Subscription(
            id="s",
            owner="o",
            actor=Actor(Role.MOA, "m"),
            channel=Channel.WEBHOOK,
            terms=Terms("https://exemple.fr/recu"),
            created_at=BEGIN,
        )
    )
    rows: list[Row] = field(default_factory=list)
    now: datetime = BEGIN
    answers: dict[str, Outcome] = field(default_factory=dict)
    """What the receiver answers to a delivery, or to all of a dossier, when not 204."""
    broken: set[str] = field(default_factory=set)
    """Deliveries of which the sending raises an error of ours."""
    answers_after: timedelta = timedelta()
    may_read: bool = True
    limit: int = 500
    sent: list[str] = field(default_factory=list)
    mailed: list[list[str]] = field(default_factory=list)
    most_at_once: int = 0
    saved: list[Health] = field(default_factory=list)
    searches: int = 0
    revoked_after: int = 1000
    """Number of deliveries after which the owner may read no more."""
    moves_after: int = 1000
    """Number of deliveries after which the target is another."""
    targets: list[str] = field(default_factory=list)
    shares: FairShares = field(default_factory=lambda: FairShares(200))
    _at_once: Counter[str] = field(default_factory=Counter)

    def wait_for(self, *ids: str, due: datetime = BEGIN) -> None:
        """Add deliveries, each named by its dossier and rank: `a1`."""
        for each in ids:
            self.rows.append(Row(Delivery(each, "s", each[0], int(each[1:])), due))

    def find_row(self, delivery: str) -> Row:
        return next(each for each in self.rows if each.delivery.id == delivery)

    @property
    def health(self) -> Health:
        assert self.subscription is not None
        return self.subscription.health

    def set_health(self, health: Health) -> None:
        assert self.subscription is not None
        self.subscription = replace(self.subscription, health=health)

    async def find(self, _: str) -> Subscription | None:
        return self.subscription

    async def list_waiting(self, _: str, now: datetime) -> Waiting:
        self.searches += 1
        due: list[Delivery] = []
        later: dict[str, datetime] = {}
        for row in self.rows:
            if row.delivery.dossier_id in later:
                continue
            if row.due > now:
                later[row.delivery.dossier_id] = row.due
            elif len(due) == self.limit:
                return Waiting(due, has_more=True)
            else:
                due.append(row.delivery)
        return Waiting(due, min(later.values(), default=None))

    async def record(
        self, delivery: Delivery, attempt: Attempt, at: datetime, due: datetime | None
    ) -> None:
        row = self.find_row(delivery.id)
        if attempt.outcome in (Outcome.DELIVERED, Outcome.DROPPED):
            self.rows.remove(row)
            return
        assert due is not None
        row.due = due
        since = row.delivery.failing_since
        if attempt.outcome is Outcome.FAILED:
            since = since or at
        attempts = row.delivery.attempts + 1
        row.delivery = replace(row.delivery, attempts=attempts, failing_since=since)

    async def save_health(self, _: Subscription, health: Health) -> None:
        self.saved.append(health)
        self.set_health(health)

    async def judge_owner(self, _: Subscription) -> bool:
        return self.may_read and len(self.sent) < self.revoked_after

    async def disable(self, _: Subscription, cause: Cause) -> None:
        assert self.subscription is not None
        self.subscription = replace(self.subscription, state=State.DISABLED, cause=cause)

    async def send(self, subscription: Subscription, delivery: Delivery) -> Attempt:
        self._at_once[delivery.dossier_id] += 1
        assert self._at_once[delivery.dossier_id] == 1, "two of a dossier at once"
        self.most_at_once = max(self.most_at_once, self._at_once.total())
        await asyncio.sleep(0)
        self._at_once[delivery.dossier_id] -= 1
        if delivery.id in self.broken:
            raise ValueError(delivery.id)
        self.now += self.answers_after
        self.sent.append(delivery.id)
        self.targets.append(subscription.terms.target)
        if len(self.sent) == self.moves_after:
            terms = replace(subscription.terms, target="https://exemple.fr/autre")
            self.subscription = replace(subscription, terms=terms)
        outcome = self.answers.get(
            delivery.id, self.answers.get(delivery.dossier_id, Outcome.DELIVERED)
        )
        return Attempt(outcome, CODES[outcome], 0)

    async def mail_all(
        self, _: Subscription, due: Sequence[Delivery]
    ) -> Sequence[tuple[Delivery, Attempt]]:
        kept = [each for each in due if each.id in self.answers]
        self.mailed.append([each.id for each in due if each not in kept])
        for each in due:
            if each not in kept:
                self.rows.remove(self.find_row(each.id))
        outcomes = [(each, self.answers[each.id]) for each in kept]
        return [(each, Attempt(outcome, CODES[outcome], 0)) for each, outcome in outcomes]

    async def push(self) -> bool:
        """Push for one turn, with backoff without jitter."""
        ports = PushPorts(
            find=self.find,
            deliveries=self,
            may_read=self.judge_owner,
            disable=self.disable,
            send=self.send,
            mail_all=self.mail_all,
            shares=self.shares,
            clock=lambda: self.now,
            compute_backoff=lambda failures, first, most: min(first * 2**failures, most),
        )
        return await Pusher(ports).push("s")


async def test_a_failure_in_the_middle_holds_back_its_dossier_alone() -> None:
    memory = Memory(answers={"a2": Outcome.FAILED})
    memory.wait_for("a1", "b1", "a2", "b2", "a3", "b3")

    assert not await memory.push()

    assert [each for each in memory.sent if each[0] == "a"] == ["a1", "a2"]
    assert [each for each in memory.sent if each[0] == "b"] == ["b1", "b2", "b3"]
    assert [each.delivery.id for each in memory.rows] == ["a2", "a3"]
    assert memory.health == Health(due=BEGIN + timedelta(seconds=5))

    memory.answers.clear()
    memory.now += timedelta(seconds=4)
    assert not await memory.push()
    assert memory.sent[5:] == []
    memory.now += timedelta(seconds=1)
    assert not await memory.push()
    assert memory.sent[5:] == ["a2", "a3"]
    assert memory.health == Health()


async def test_one_poisoned_dossier_pauses_nothing_and_holds_no_other_back() -> None:
    memory = Memory(answers={"a": Outcome.FAILED})
    memory.wait_for("a1")
    # Alone, as nothing else is told on that day.
    assert not await memory.push()
    assert memory.health.failures == 0
    memory.wait_for("b1", "a2")

    assert not await memory.push()

    assert memory.sent == ["a1", "b1"]
    assert memory.health == Health(due=BEGIN + timedelta(seconds=5))
    memory.now += timedelta(seconds=5)
    assert not await memory.push()
    assert memory.sent == ["a1", "b1", "a1"]
    assert memory.health == Health(due=BEGIN + timedelta(seconds=15))


async def test_two_that_fail_without_any_success_pause_all_and_one_alone_probes() -> None:
    memory = Memory(answers={"a": Outcome.FAILED, "b": Outcome.FAILED})
    memory.wait_for("a1", "b1")
    assert not await memory.push()
    away = Health(1, failing_since=BEGIN, due=BEGIN + timedelta(seconds=5))
    assert memory.health == away

    memory.wait_for("c1", "d1", "a2")
    assert not await memory.push(), "it is paused"
    assert memory.sent == ["a1", "b1"]
    memory.answers = dict.fromkeys("abcd", Outcome.FAILED)
    memory.now += timedelta(seconds=5)
    assert not await memory.push()
    assert memory.sent[2:] == ["c1"], "the one with the fewest attempts"
    assert memory.health == Health(2, BEGIN, due=memory.now + timedelta(seconds=10))

    memory.answers.clear()
    memory.now += timedelta(seconds=10)
    assert not await memory.push()
    assert memory.sent[3:4] == ["d1"]
    assert memory.sent[4:] == ["a1", "b1", "c1", "a2"]
    assert memory.health == Health()


async def test_a_receiver_that_fails_eight_times_in_a_row_is_away() -> None:
    failing = "bcdefghijklmnopqrstuvwxyz"
    memory = Memory(answers=dict.fromkeys(failing, Outcome.FAILED))
    memory.wait_for("a1", *(f"{each}1" for each in failing))

    assert not await memory.push()

    assert memory.most_at_once == 8
    # The first is delivered, then eight fail, seven more had begun at the most; and once more,
    # now without any success.
    assert 9 + 8 <= len(memory.sent) <= 16 + 15
    assert memory.health == Health(1, BEGIN, due=BEGIN + timedelta(seconds=5))


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 5), (1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 320), (7, 640), (8, 900), (40, 900)],
)
async def test_the_pause_doubles_from_5_seconds_to_15_minutes(failures: int, seconds: int) -> None:
    assert (FIRST_RETRY_S, LONGEST_RETRY_S) == (5, 900)
    memory = Memory(answers=dict.fromkeys("ab", Outcome.FAILED))
    memory.wait_for("a1", "b1")
    since = BEGIN - timedelta(hours=1)
    memory.set_health(Health(failures, since if failures else None, BEGIN))

    assert not await memory.push()

    assert memory.health.failures == failures + 1
    assert memory.health.due == BEGIN + timedelta(seconds=seconds)


@pytest.mark.parametrize(("hours", "cause"), [(23, None), (24, Cause.FAILURES)])
async def test_a_receiver_that_is_away_for_24_hours_is_disabled(
    hours: int, cause: Cause | None
) -> None:
    memory = Memory(answers={"a": Outcome.FAILED})
    memory.wait_for("a1")
    memory.set_health(Health(50, BEGIN - timedelta(hours=hours), BEGIN))

    assert not await memory.push()

    assert memory.subscription is not None
    assert memory.subscription.cause is cause
    assert (memory.subscription.state is State.DISABLED) == (cause is not None)


@pytest.mark.parametrize(("hours", "cause"), [(23, None), (24, Cause.FAILURES)])
async def test_one_delivery_that_fails_for_24_hours_disables_it_beside_successes(
    hours: int, cause: Cause | None
) -> None:
    memory = Memory(answers={"a": Outcome.FAILED})
    memory.wait_for("a1", "b1")
    row = memory.find_row("a1")
    since = BEGIN - timedelta(hours=hours)
    row.delivery = replace(row.delivery, attempts=9, failing_since=since)

    assert not await memory.push()

    assert memory.subscription is not None
    assert memory.subscription.cause is cause


async def test_eight_dossiers_that_always_fail_hold_back_no_other() -> None:
    sick = "bcdefghi"
    memory = Memory(answers=dict.fromkeys(sick, Outcome.FAILED))
    memory.wait_for(*(f"{each}1" for each in sick))
    healthy = [f"a{minute}" for minute in range(60)]

    delays = []
    for minute, each in enumerate(healthy):
        told_at = BEGIN + timedelta(minutes=minute)
        memory.now = told_at
        memory.wait_for(each, due=told_at)
        while each not in memory.sent:
            await memory.push()
            if each not in memory.sent:
                memory.now += timedelta(seconds=1)
        delays.append((memory.now - told_at).total_seconds())
        # The late finder asks for turns meanwhile.
        while memory.now < told_at + timedelta(seconds=59):
            memory.now += timedelta(seconds=1)
            if memory.health.due and memory.health.due <= memory.now:
                await memory.push()

    assert max(delays) <= 5, delays
    assert sum(delays) <= 5, "only the first one may wait, until it is known who is sick"
    assert memory.subscription is not None
    assert memory.subscription.state is State.ACTIVE


async def test_a_few_attempts_in_24_hours_disable_nobody() -> None:
    """As after an outage of the platform itself, which tried nothing meanwhile."""
    memory = Memory(answers=dict.fromkeys("ab", Outcome.FAILED))
    memory.wait_for("a1", "b1")
    for row in memory.rows:
        since = BEGIN - timedelta(hours=25)
        row.delivery = replace(row.delivery, attempts=8, failing_since=since)
    memory.set_health(Health(8, BEGIN - timedelta(hours=25), BEGIN))

    assert not await memory.push()

    assert memory.subscription is not None
    assert memory.subscription.state is State.ACTIVE
    assert memory.health.due is not None
    memory.now = memory.health.due
    assert not await memory.push()
    assert memory.subscription.cause is Cause.FAILURES, "the tenth"


async def test_what_a_structure_may_read_no_more_is_dropped_and_holds_nothing_back() -> None:
    memory = Memory(answers={"a1": Outcome.DROPPED})
    memory.wait_for("a1", "a2", "b1")
    memory.set_health(Health(2, BEGIN, BEGIN))

    assert not await memory.push()

    assert memory.sent == ["a1", "a2", "b1"]
    assert memory.rows == []
    assert memory.health == Health()


async def test_a_right_that_ends_in_a_turn_ends_it() -> None:
    memory = Memory(answers_after=timedelta(seconds=1))
    memory.wait_for("a1", "a2", "a3")
    memory.revoked_after = 1

    assert not await memory.push()

    assert memory.sent == ["a1"]
    assert memory.subscription is not None
    assert memory.subscription.cause is Cause.REVOKED


async def test_a_change_in_a_turn_holds_for_what_follows_within_a_second() -> None:
    memory = Memory(answers_after=timedelta(seconds=1))
    memory.wait_for("a1", "a2", "a3")
    memory.moves_after = 1

    assert not await memory.push()

    old, new = "https://exemple.fr/recu", "https://exemple.fr/autre"
    assert memory.targets == [old, new, new]


async def test_a_success_ends_what_was_failing() -> None:
    memory = Memory(answers={"b": Outcome.FAILED})
    memory.wait_for("a1", "b1")
    row = memory.find_row("b1")
    row.delivery = replace(row.delivery, attempts=3, failing_since=BEGIN - timedelta(hours=2))
    memory.set_health(Health(6, BEGIN - timedelta(hours=23), BEGIN))

    assert not await memory.push()

    assert memory.sent == ["a1", "b1"]
    assert memory.health == Health(due=BEGIN + timedelta(seconds=40)), "of its own: the fourth"


async def test_a_receiver_that_is_gone_is_sent_nothing_more() -> None:
    memory = Memory(answers={"a1": Outcome.GONE})
    memory.wait_for("a1", "a2", *(f"{each}1" for each in "bcdefghijk"))

    assert not await memory.push()
    assert not await memory.push()

    assert memory.subscription is not None
    assert memory.subscription.cause is Cause.GONE
    # Those that had begun beside it.
    assert "a2" not in memory.sent
    assert len(memory.sent) <= 8


async def test_nothing_is_sent_by_a_right_that_was_revoked() -> None:
    memory = Memory(may_read=False)
    memory.wait_for("a1")

    assert not await memory.push()

    assert memory.sent == []
    assert memory.subscription is not None
    assert memory.subscription.cause is Cause.REVOKED


@pytest.mark.parametrize("state", [State.TO_CONFIRM, State.CATCHING_UP, State.DISABLED, None])
async def test_nothing_is_sent_unless_it_is_active(state: State | None) -> None:
    memory = Memory()
    memory.wait_for("a1")
    assert memory.subscription is not None
    memory.subscription = replace(memory.subscription, state=state) if state else None

    assert not await memory.push()

    assert memory.sent == []


async def test_a_turn_ends_after_10_seconds_and_says_that_more_is_due() -> None:
    memory = Memory(answers_after=timedelta(seconds=4))
    memory.wait_for("a1", "a2", "a3", "a4", "a5")
    assert timedelta(seconds=10) == TURN

    assert await memory.push()
    assert memory.sent == ["a1", "a2", "a3"]
    assert not await memory.push()
    assert memory.sent == ["a1", "a2", "a3", "a4", "a5"]


async def test_more_than_one_search_finds_is_sent_in_one_turn() -> None:
    memory = Memory(limit=2)
    memory.wait_for("a1", "b1", "a2", "b2", "a3")

    assert not await memory.push()

    assert sorted(memory.sent) == ["a1", "a2", "a3", "b1", "b2"]
    assert memory.searches == 3


async def test_one_search_is_enough_for_what_it_finds_whole() -> None:
    memory = Memory()
    memory.wait_for("a1", "b1")

    assert not await memory.push()

    assert (memory.searches, memory.saved) == (1, [])


async def test_a_status_that_cannot_be_read_is_no_fault_of_the_receiver() -> None:
    memory = Memory(answers={"a1": Outcome.HELD})
    memory.wait_for("a1", "a2", "b1")
    row = memory.find_row("a1")

    for hours in range(48):
        memory.now = BEGIN + timedelta(hours=hours)
        assert not await memory.push()

    assert memory.subscription is not None
    assert memory.subscription.state is State.ACTIVE
    assert "a2" not in memory.sent
    assert memory.sent.count("b1") == 1
    assert row.delivery.attempts == 48
    assert memory.health.failures == 0


async def test_a_status_that_cannot_be_read_does_not_tell_whether_a_receiver_is_back() -> None:
    memory = Memory(answers={"a": Outcome.HELD, "b": Outcome.FAILED})
    memory.wait_for("a1", "b1", "c1")
    memory.set_health(Health(2, BEGIN, BEGIN))

    assert not await memory.push()

    assert memory.sent == ["a1", "b1"], "the next one tries instead"
    assert memory.health.failures == 3


async def test_an_error_of_ours_ends_the_turn_once_the_other_dossiers_are_told() -> None:
    memory = Memory(broken={"a1"})
    memory.wait_for("a1", "b1", "b2", "b3")

    with pytest.raises(ValueError, match="a1"):
        await memory.push()

    # Nothing of this turn goes on beside the next one.
    assert memory.sent == ["b1", "b2", "b3"]
    assert [each.delivery.id for each in memory.rows] == ["a1"]


async def test_a_structure_that_has_its_share_of_turns_waits_and_others_do_not() -> None:
    memory = Memory(shares=FairShares(4))
    memory.wait_for("a1")
    assert [memory.shares.take("m") for _ in range(3)] == [True, True, False]

    assert not await memory.push()

    assert memory.sent == []
    assert memory.health == Health(due=BEGIN + timedelta(seconds=2)), "it is looked at again then"
    assert memory.subscription is not None
    mine = memory.subscription
    memory.subscription = replace(mine, actor=Actor(Role.MOA, "another"))
    assert not await memory.push()
    assert memory.sent == ["a1"]
    memory.wait_for("a2")
    memory.subscription = mine
    memory.shares.give_back("m")
    for _ in range(3):
        # Each turn gives its slot back.
        assert not await memory.push()
    assert memory.sent == ["a1", "a2"]


async def test_a_turn_that_fails_gives_its_slot_back() -> None:
    memory = Memory(broken={"a1"}, shares=FairShares(2))
    memory.wait_for("a1")

    for _ in range(5):
        with pytest.raises(ValueError, match="a1"):
            await memory.push()


def test_nobody_holds_more_slots_than_are_left_free() -> None:
    shares = FairShares(200)

    held = {
        structure: sum(shares.take(structure) for _ in range(200))
        for structure in ("a", "b", "c", "d")
    }

    assert held == {"a": 100, "b": 50, "c": 25, "d": 13}
    assert shares.take("somebody else")
    for _ in range(100):
        shares.give_back("a")
    assert [shares.take("b") for _ in range(6)].count(True) == 6


def test_one_slot_is_for_one() -> None:
    shares = FairShares(1)

    assert [shares.take(each) for each in "aab"] == [True, False, False]
    shares.give_back("a")
    assert shares.take("b")


async def test_what_is_not_due_yet_is_looked_for_at_its_time() -> None:
    memory = Memory()
    memory.wait_for("a1", due=BEGIN + timedelta(hours=2))
    memory.wait_for("a2")
    memory.wait_for("b1", due=BEGIN + timedelta(hours=1))

    assert not await memory.push()

    assert memory.sent == [], "the first of its dossier is not due"
    assert memory.health == Health(due=BEGIN + timedelta(hours=1))
    memory.now = BEGIN + timedelta(hours=2)
    assert not await memory.push()
    assert sorted(memory.sent) == ["a1", "a2", "b1"]
    assert memory.health == Health()


async def test_mails_take_all_that_is_due() -> None:
    memory = Memory()
    assert memory.subscription is not None
    memory.subscription = replace(memory.subscription, channel=Channel.MAIL)
    memory.wait_for("a1", "b1", "a2")
    memory.wait_for("c1", due=BEGIN + timedelta(hours=1))

    assert not await memory.push()

    assert memory.mailed == [["a1", "b1", "a2"]]
    assert memory.health == Health(due=BEGIN + timedelta(hours=1))


async def test_a_mail_leaves_out_what_cannot_be_read_or_may_be_read_no_more() -> None:
    memory = Memory(answers={"a1": Outcome.HELD, "b1": Outcome.DROPPED})
    assert memory.subscription is not None
    memory.subscription = replace(memory.subscription, channel=Channel.MAIL)
    memory.wait_for("a1", "b1", "c1")

    assert not await memory.push()

    assert memory.mailed == [["c1"]]
    assert [each.delivery.id for each in memory.rows] == ["a1"]
    assert memory.health == Health(due=BEGIN + timedelta(seconds=5))


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # Winter: 7:00 in Paris is 6:00 UTC.
        ("2026-01-15T05:59:59", "2026-01-15T06:00"),
        ("2026-01-15T06:00:00", "2026-01-16T06:00"),
        ("2026-01-15T23:30:00", "2026-01-16T06:00"),
        # Summer: 5:00 UTC.
        ("2026-07-15T04:59:00", "2026-07-15T05:00"),
        ("2026-07-14T22:30:00", "2026-07-15T05:00"),
        # Clocks go forward at 1:00 UTC on 29 March 2026, back at 1:00 UTC on 25 October 2026.
        ("2026-03-28T12:00:00", "2026-03-29T05:00"),
        ("2026-03-29T00:30:00", "2026-03-29T05:00"),
        ("2026-03-29T05:00:00", "2026-03-30T05:00"),
        ("2026-10-24T12:00:00", "2026-10-25T06:00"),
        ("2026-10-25T00:30:00", "2026-10-25T06:00"),
        ("2026-10-25T05:30:00", "2026-10-25T06:00"),
    ],
)
def test_digests_leave_at_7_in_paris(now: str, due: str) -> None:
    begin, end = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (now, due))

    computed = compute_due(Frequency.DAILY, begin)

    assert computed.astimezone(UTC) == end
    assert compute_due(Frequency.IMMEDIATE, begin) == begin
