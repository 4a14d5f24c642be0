"""Nobody is written to who has not agreed, and what was missed is caught up with, in order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.notification.subscriptions.application.book import Asker, Done, Refused
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Channel,
    State,
    Subscription,
    Terms,
)
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from tests.unit.notification.subscription_fakes import Desk

ACTOR = Actor(Role.MOA, "s")
ME = Asker("p-moi", ACTOR, "moi@exemple.fr", may_modify=False)
COLLEAGUE = Asker("p-autre", ACTOR, "autre@exemple.fr", may_modify=True)
STRANGER = Terms("victime@ailleurs.fr")
OWN = Terms("moi@exemple.fr")
HOOK = Terms("https://exemple.fr/statuts", contact="moi@exemple.fr")


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def subscribe(desk: Desk, terms: Terms, channel: Channel = Channel.MAIL) -> Subscription:
    done = await desk.book.create(ME, channel, terms)
    assert isinstance(done, Done), done
    return done.subscription


def state(desk: Desk, subscription: Subscription) -> State:
    return desk.memory.kept[subscription.id].state


async def test_off_and_on_does_not_stand_for_the_consent_of_a_stranger(desk: Desk) -> None:
    mine = await subscribe(desk, STRANGER)
    assert mine.state is State.TO_CONFIRM

    for _ in range(3):
        await desk.book.change(ME, mine.id, enabled=False)
        await desk.book.change(ME, mine.id, enabled=True)

    assert state(desk, mine) is State.TO_CONFIRM
    assert len(desk.memory.asked) == 1


async def test_who_has_unsubscribed_must_agree_anew_whatever_happens_between(desk: Desk) -> None:
    mine = await subscribe(desk, STRANGER)
    await desk.book.confirm(desk.memory.asked[0])
    assert state(desk, mine) is State.ACTIVE
    await desk.book.unsubscribe(desk.book.create_unsubscribing(mine))

    await desk.book.change(ME, mine.id, enabled=True)
    await desk.book.change(ME, mine.id, enabled=False)
    await desk.book.change(ME, mine.id, lambda _: Terms("autre@ailleurs.fr"))
    await desk.book.change(ME, mine.id, lambda _: STRANGER)
    await desk.book.change(ME, mine.id, enabled=True)

    assert state(desk, mine) is State.TO_CONFIRM


async def test_changes_ask_a_recipient_once_a_day(desk: Desk) -> None:
    mine = await subscribe(desk, STRANGER)
    for _ in range(20):
        await desk.book.change(ME, mine.id, lambda found: found.terms)
    assert len(desk.memory.asked) == 1

    desk.now += timedelta(hours=24)
    await desk.book.change(ME, mine.id, lambda found: found.terms)
    assert len(desk.memory.asked) == 2


async def test_a_structure_asks_so_many_recipients_a_day(desk: Desk) -> None:
    desk.limit = 1000
    for number in range(50):
        await subscribe(desk, Terms(f"a{number}@ailleurs.fr"))

    refused = await desk.book.create(ME, Channel.MAIL, Terms("b@ailleurs.fr"))

    assert isinstance(refused, Refused)
    assert refused.violation.code == "NOT-ABO-12"
    assert isinstance(await desk.book.create(ME, Channel.MAIL, OWN), Done)


async def test_what_was_missed_is_caught_up_with_from_where_it_stopped(desk: Desk) -> None:
    mine = await subscribe(desk, HOOK, Channel.WEBHOOK)
    await desk.book.disable(mine.id, Cause.GONE, mine.terms.target)
    desk.memory.mark = 20
    await desk.book.change(ME, mine.id, enabled=True)
    assert (state(desk, mine), desk.memory.caught_up) == (State.CATCHING_UP, [(mine.id, 7)])

    desk.memory.mark = 30
    await desk.book.change(ME, mine.id, enabled=False)
    await desk.book.change(ME, mine.id, enabled=True)
    assert desk.memory.caught_up[-1] == (mine.id, 7)


async def test_a_new_address_is_sent_what_was_missed_while_it_was_not_confirmed(desk: Desk) -> None:
    mine = await subscribe(desk, OWN)
    assert mine.state is State.ACTIVE

    await desk.book.change(ME, mine.id, lambda _: STRANGER)
    assert state(desk, mine) is State.TO_CONFIRM
    desk.memory.mark = 20
    await desk.book.confirm(desk.memory.asked[-1])

    assert (state(desk, mine), desk.memory.caught_up) == (State.CATCHING_UP, [(mine.id, 7)])


async def test_a_new_address_of_a_disabled_one_waits_until_it_is_switched_on(desk: Desk) -> None:
    mine = await subscribe(desk, STRANGER)
    await desk.book.disable(mine.id, Cause.REFUSED, mine.terms.target)
    await desk.book.change(ME, mine.id, lambda _: OWN)
    assert state(desk, mine) is State.DISABLED

    await desk.book.change(ME, mine.id, enabled=True)
    assert state(desk, mine) is State.ACTIVE


async def test_who_says_where_it_goes_is_judged_by_their_own_rights(desk: Desk) -> None:
    mine = await subscribe(desk, HOOK, Channel.WEBHOOK)

    await desk.book.change(COLLEAGUE, mine.id, lambda found: replace(found.terms, contact="x@y.fr"))
    assert desk.memory.kept[mine.id].owner == "p-moi"
    await desk.book.change(
        COLLEAGUE, mine.id, lambda found: replace(found.terms, target="https://b.exemple.fr/")
    )
    assert desk.memory.kept[mine.id].owner == "p-autre"


async def test_a_key_tells_its_own_secret_alone(desk: Desk) -> None:
    asker = replace(ME, key="k")
    first = await desk.book.create(asker, Channel.WEBHOOK, HOOK)
    again = await desk.book.create(asker, Channel.WEBHOOK, HOOK)
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert (first.secret, again.secret) == ("whsec_1", "whsec_1")

    await desk.book.rotate_secret(COLLEAGUE, first.subscription.id, timedelta())
    after = await desk.book.create(asker, Channel.WEBHOOK, HOOK)
    assert isinstance(after, Done)
    assert after.secret is None


async def test_a_contact_is_told_once_a_day(desk: Desk) -> None:
    mine = await subscribe(desk, HOOK, Channel.WEBHOOK)
    for _ in range(5):
        await desk.book.disable(mine.id, Cause.GONE, mine.terms.target)
        await desk.book.change(ME, mine.id, enabled=True)
    assert desk.memory.told == [mine.id]

    desk.now += timedelta(hours=24)
    await desk.book.disable(mine.id, Cause.GONE, mine.terms.target)
    assert desk.memory.told == [mine.id, mine.id]


async def test_what_the_address_before_has_done_disables_no_new_one(desk: Desk) -> None:
    mine = await subscribe(desk, HOOK, Channel.WEBHOOK)
    moved = replace(HOOK, target="https://b.exemple.fr/")
    await desk.book.change(ME, mine.id, lambda _: moved)

    await desk.book.disable(mine.id, Cause.GONE, HOOK.target)
    assert state(desk, mine) is State.ACTIVE
    await desk.book.disable(mine.id, Cause.GONE, moved.target)
    assert state(desk, mine) is State.DISABLED
