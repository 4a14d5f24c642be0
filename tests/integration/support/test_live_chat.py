"""The chat on a real store, with a clock and bounds of the test's own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from services.support.access.adapters.rate_limits import HourlyRates
from services.support.access.domain.parties import Asker
from services.support.chat.adapters.mongo import MongoChats
from services.support.chat.application.feed import ChatFeed
from services.support.chat.application.live_chat import LiveChat
from services.support.chat.application.ports import ChatPorts, QueuePosition, StartedChat, TakenChat
from services.support.chat.application.visitors import Visitor
from services.support.chat.domain.chat import (
    Chat,
    ChatLimits,
    ChatRequest,
    ChatTransfer,
    Ending,
    Line,
    LineKind,
    Message,
    Queue,
)
from services.support.desks.domain.hours import OpeningHours
from services.support.settings import DATA, load_catalogue
from shared.circuit.parties import Structure
from shared.runtime.ids import new_id
from shared.runtime.notifier import Notifier
from shared.runtime.store.database import Store
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus
from shared.vocabulary.tickets import Desk, Side

MONDAY = datetime(2026, 7, 13, 10, tzinfo=UTC)
DESK = Queue(Desk.TECHNIQUE)
LIMITS = ChatLimits(
    hours=OpeningHours(),
    waiting=3,
    waiting_open=1,
    open_each=2,
    silence=timedelta(minutes=15),
    absence=timedelta(minutes=2),
    messages=4,
)


@dataclass
class Everybody:
    """A directory in which every structure is active, until the test says otherwise."""

    status: StructureStatus = StructureStatus.ACTIF

    async def find(self, structures: Iterable[str]) -> Mapping[str, Structure]:
        return {
            each: Structure(each, StructureKind.PUBLIQUE, self.status, MoaParameter.SANS, version=1)
            for each in structures
        }


@dataclass
class Bench:
    """A chat room whose time the test makes pass."""

    store: Store
    now: datetime = MONDAY
    directory: Everybody = field(default_factory=Everybody)
    chats: MongoChats = field(init=False)
    room: LiveChat = field(init=False)
    news: ChatFeed = field(init=False)

    def __post_init__(self) -> None:
        self.chats = MongoChats(self.store, timedelta(days=1000))
        ports = ChatPorts(
            chats=self.chats,
            notifier=Notifier(),
            catalogue=load_catalogue(DATA / "catalogue.csv"),
            structures=self.directory,
            starts=HourlyRates(self.store, lambda: self.now).build_limit("tchat", 2),
            clock=lambda: self.now,
            new_id=new_id,
            heartbeat_s=0.05,
        )
        self.room, self.news = LiveChat(ports, LIMITS), ChatFeed(ports)

    async def try_begin(
        self, structure: str | None = None, address: str = "a", queue: Queue = DESK
    ) -> StartedChat | str:
        asker = Asker(structure, Role.MOE) if structure else None
        sub_category = "M_REFUS" if queue.structure else None
        request = ChatRequest(sub_category, queue.structure, text="Bonjour")
        outcome = await self.room.start(Visitor(asker, address), request)
        return outcome if isinstance(outcome, StartedChat) else outcome[0].code

    async def begin(self, structure: str, queue: Queue = DESK) -> Chat:
        outcome = await self.try_begin(structure, queue=queue)
        assert isinstance(outcome, StartedChat)
        return outcome.chat

    async def pass_time_limits(self) -> None:
        """Apply the time limits that have been reached, as the jobs do."""
        for chat_id in await self.room.list_reached():
            await self.room.apply_time_limits(chat_id)

    async def ending(self, chat: Chat) -> Ending | None:
        found = await self.chats.find(chat.id)
        assert found is not None
        return found.ending


@pytest.fixture
async def bench(store: Store) -> Bench:
    made = Bench(store)
    await made.chats.prepare()
    return made


async def test_those_without_an_account_take_their_own_share_of_a_queue_alone(
    bench: Bench,
) -> None:
    assert isinstance(await bench.try_begin(address="a"), StartedChat)
    assert await bench.try_begin(address="b") == "SUP-TCHAT-12"
    taken = await bench.begin("s")
    assert await bench.try_begin(address="b") == "SUP-TCHAT-12"
    await bench.begin("t")
    assert await bench.try_begin("u") == "SUP-TCHAT-02"

    await bench.room.take_next(DESK, "Ali")
    assert isinstance(await bench.try_begin(address="c"), StartedChat)
    assert (await bench.chats.find(taken.id)) == taken


async def test_a_full_queue_takes_one_for_each_that_leaves_it_however_it_does(
    bench: Bench,
) -> None:
    chats = [await bench.begin(f"s{rank}") for rank in range(3)]
    leaves: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: bench.room.take_next(DESK, "Ali"),
        lambda: bench.room.end(chats[1].id, Ending.DEMANDEUR),
        lambda: bench.room.end(chats[1].id, Ending.DEMANDEUR),
    )
    for rank, (leave, has_room) in enumerate(zip(leaves, (True, True, False), strict=True)):
        assert await bench.try_begin(f"full-{rank}") == "SUP-TCHAT-02"
        await leave()
        assert isinstance(await bench.try_begin(f"new-{rank}"), StartedChat) is has_room
    # One that was taken leaves no queue when it ends.
    await bench.room.end(chats[0].id, Ending.BUREAU, "Ali")
    assert await bench.try_begin("full-again") == "SUP-TCHAT-02"


async def test_those_who_come_at_once_have_each_a_place(bench: Bench) -> None:
    outcomes = await asyncio.gather(*(bench.try_begin(f"s{rank}") for rank in range(12)))

    begun = [each.chat for each in outcomes if isinstance(each, StartedChat)]
    assert sorted(chat.place for chat in begun) == [1, 2, 3]
    assert [each for each in outcomes if isinstance(each, str)] == ["SUP-TCHAT-02"] * 9
    listed = await bench.room.list_queue(DESK)
    assert [chat.place for chat in listed] == [1, 2, 3]
    assert [await bench.chats.find_position(chat) for chat in listed] == [1, 2, 3]


async def test_a_structure_has_so_many_open_and_an_address_so_many_an_hour(bench: Bench) -> None:
    mine = await bench.begin("s")
    await bench.begin("s")
    assert await bench.try_begin("s") == "SUP-TCHAT-03"
    await bench.room.end(mine.id, Ending.DEMANDEUR)
    await bench.room.take_next(DESK, "Ali")
    assert isinstance(await bench.try_begin("s"), StartedChat)

    first = await bench.try_begin(address="x")
    assert isinstance(first, StartedChat)
    await bench.room.end(first.chat.id, Ending.DEMANDEUR)
    second = await bench.try_begin(address="x")
    assert isinstance(second, StartedChat)
    await bench.room.end(second.chat.id, Ending.DEMANDEUR)
    assert await bench.try_begin(address="x") == "SUP-TCHAT-04"
    assert isinstance(await bench.try_begin(address="y"), StartedChat)


async def test_messages_written_at_once_have_each_a_rank_until_the_chat_is_full(
    bench: Bench,
) -> None:
    chat = await bench.begin("s")
    await bench.room.take_next(DESK, "Ali")

    outcomes = await asyncio.gather(
        *(
            bench.room.write(chat.id, Message(side, f"{rank}", who=side, key=f"{side}-{rank}"))
            for rank in range(2)
            for side in (Side.BUREAU, Side.DEMANDEUR)
        ),
        *(
            bench.room.write(chat.id, Message(Side.DEMANDEUR, "0", key="demandeur-0"))
            for _ in range(2)
        ),
    )

    ranks = {each.rank for each in outcomes if isinstance(each, Line)}
    assert ranks == {3, 4, 5}
    refused = [each for each in outcomes if not isinstance(each, Line)]
    assert {each[0].code for each in refused} == {"SUP-TCHAT-05"}
    assert [line.rank for line in await bench.room.list_lines(chat)] == [1, 2, 3, 4, 5]


async def test_a_key_of_a_message_is_its_writer_s_own(bench: Bench) -> None:
    chat = await bench.begin("s")
    await bench.room.take_next(DESK, "Ali")
    writers = [
        Message(Side.DEMANDEUR, "Oui", key="1"),
        Message(Side.BUREAU, "Oui", "Ali", key="1", desk=DESK),
        Message(Side.BUREAU, "Non", "Zoé", key="1", desk=DESK),
    ]

    once = [await bench.room.write(chat.id, each) for each in writers]
    again = [await bench.room.write(chat.id, each) for each in writers]

    assert all(isinstance(each, Line) for each in once)
    assert again == once
    assert len({each.rank for each in once if isinstance(each, Line)}) == 3


async def test_who_is_gone_loses_the_place_and_who_follows_keeps_it(bench: Bench) -> None:
    gone, there = await bench.begin("s1"), await bench.begin("s2")
    bench.now += LIMITS.absence - timedelta(seconds=1)
    news = bench.news.follow_chat(there.id, 1)
    assert await anext(news) == QueuePosition(2)
    await bench.pass_time_limits()
    assert await bench.ending(gone) is None

    bench.now += timedelta(seconds=1)
    await bench.pass_time_limits()
    assert await bench.ending(gone) is Ending.ABSENCE
    assert await bench.ending(there) is None
    assert await anext(news) == QueuePosition(1)
    await news.aclose()


async def test_a_chat_that_cannot_be_read_is_reached_and_keeps_no_other_from_it(
    bench: Bench,
) -> None:
    unreadable, gone, there = [await bench.begin(f"s{rank}") for rank in range(3)]
    await bench.store.collection("chats").update_one({"_id": unreadable.id}, {"$set": {"chat": {}}})
    bench.now += LIMITS.absence
    await bench.chats.record_presence(there.id, bench.now)

    assert {*await bench.room.list_reached()} == {unreadable.id, gone.id}
    await bench.room.apply_time_limits(gone.id)
    assert await bench.ending(gone) is Ending.ABSENCE
    with pytest.raises(ValidationError):
        await bench.room.apply_time_limits(unreadable.id)


async def test_time_limits_are_judged_again_when_they_are_applied(bench: Bench) -> None:
    back = await bench.begin("s")
    bench.now += LIMITS.absence
    assert await bench.room.list_reached() == [back.id]
    await bench.chats.record_presence(back.id, bench.now)

    await bench.room.apply_time_limits(back.id)

    assert await bench.ending(back) is None


async def test_nobody_is_absent_while_the_service_was_down(bench: Bench) -> None:
    chat = await bench.begin("s")
    bench.now += LIMITS.absence * 3
    restarted = Bench(bench.store, bench.now)

    await restarted.pass_time_limits()
    assert await bench.ending(chat) is None
    restarted.now += LIMITS.absence
    await restarted.pass_time_limits()
    assert await bench.ending(chat) is Ending.ABSENCE


async def test_a_desk_that_follows_keeps_nobody_else_present(bench: Bench) -> None:
    chat = await bench.begin("s")
    bench.now += LIMITS.absence
    news = bench.news.follow_chat(chat.id, 1, DESK)
    await anext(news)
    await news.aclose()

    await bench.pass_time_limits()
    assert await bench.ending(chat) is Ending.ABSENCE


async def test_a_chat_that_is_handed_over_waits_at_the_other_desk_and_leaves_this_one(
    bench: Bench,
) -> None:
    business = Queue(Desk.METIER, "s9")
    waiting = await bench.begin("s0", business)
    chat = await bench.begin("s1")
    await bench.room.take_next(DESK, "Ali")
    issuer, desk = bench.news.follow_chat(chat.id, 2), bench.news.follow_chat(chat.id, 2, DESK)
    hearing, seeing = asyncio.ensure_future(anext(issuer)), asyncio.ensure_future(anext(desk))
    await asyncio.sleep(0)
    transfer = ChatTransfer("Ali", DESK, business, "C'est un refus.")

    both = await asyncio.gather(*(bench.room.transfer(chat.id, transfer) for _ in range(2)))

    assert sorted(len(each.violations) for each in both) == [0, 1]
    assert await hearing == await seeing
    line = await seeing
    assert isinstance(line, Line)
    assert line.kind is LineKind.TRANSFERT
    assert [each async for each in desk] == []
    assert await anext(issuer) == QueuePosition(2)
    refused = await bench.room.write(chat.id, Message(Side.BUREAU, "Encore", "Ali", desk=DESK))
    assert not isinstance(refused, Line)
    assert refused[0].code == "SUP-TCHAT-11"
    await bench.room.end(chat.id, Ending.BUREAU, "Ali", DESK)
    assert await bench.ending(chat) is None

    assert await bench.room.list_queue(DESK) == []
    taken = [await bench.room.take_next(business, "Zoé") for _ in range(3)]
    assert [each.chat and each.chat.id for each in taken if isinstance(each, TakenChat)] == [
        waiting.id,
        chat.id,
        None,
    ]
    following = await anext(issuer)
    assert isinstance(following, Line | QueuePosition)
    await issuer.aclose()
    # Both queues are counted to the end: the one it left takes as many as before.
    for rank in range(LIMITS.waiting):
        assert isinstance(await bench.try_begin(f"full-{rank}"), StartedChat)
    assert await bench.try_begin("full") == "SUP-TCHAT-02"


async def test_who_watches_a_queue_sees_each_change_of_it_and_no_message(bench: Bench) -> None:
    states = bench.news.follow_queue(DESK)

    async def seen() -> list[tuple[str, str]]:
        return [(chat.id, chat.state) for chat in await anext(states)]

    assert await seen() == []
    first, second = await bench.begin("s1"), await bench.begin("s2")
    assert await seen() == [(first.id, "EN_ATTENTE"), (second.id, "EN_ATTENTE")]
    await bench.room.take_next(DESK, "Ali")
    assert await seen() == [(second.id, "EN_ATTENTE"), (first.id, "EN_COURS")]
    following = asyncio.ensure_future(anext(states))
    await bench.room.write(first.id, Message(Side.DEMANDEUR, "Encore"))
    # Longer than it rests: it has looked, and had nothing to say.
    done, _ = await asyncio.wait([following], timeout=0.3)
    assert not done
    await bench.room.end(second.id, Ending.DEMANDEUR)
    assert [chat.id for chat in await following] == [first.id]
    await states.aclose()


async def test_silence_and_closing_end_a_talk_while_it_is_followed(bench: Bench) -> None:
    silent, late = await bench.begin("s1"), await bench.begin("s2")
    for _ in range(2):
        await bench.room.take_next(DESK, "Ali")
    bench.now += LIMITS.silence - timedelta(seconds=1)
    await bench.room.write(late.id, Message(Side.DEMANDEUR, "Je cherche le numéro."))
    bench.now += timedelta(seconds=1)
    await bench.pass_time_limits()
    told = [each async for each in bench.news.follow_chat(silent.id, 2)]
    assert [line.kind for line in told if isinstance(line, Line)] == ["fin"]
    assert await bench.ending(silent) is Ending.SILENCE
    assert await bench.ending(late) is None

    news = bench.news.follow_chat(late.id, 3)
    following = asyncio.ensure_future(anext(news))
    bench.now = datetime(2026, 7, 13, 16, 30, tzinfo=UTC)
    await asyncio.gather(*(bench.pass_time_limits() for _ in range(3)))
    line = await following
    assert isinstance(line, Line)
    assert line.text.startswith("Le tchat est fermé. Il ouvre le mercredi 15 juillet 2026 à 8 h 30")
    assert [each async for each in news] == []


UUID = "018f6f0e-7c1a-7e1e-9b1e-0123456789ab"


@pytest.mark.parametrize(
    ("visitor", "key"), [(Visitor(Asker("S1", Role.MOE), "a"), "1"), (Visitor(None, "a"), UUID)]
)
async def test_a_chat_begun_again_with_its_key_is_one(
    bench: Bench, visitor: Visitor, key: str
) -> None:
    request = ChatRequest(text="Bonjour", key=key)
    outcomes = [
        *await asyncio.gather(*(bench.room.start(visitor, request) for _ in range(2))),
        *[await bench.room.start(visitor, request) for _ in range(5)],
    ]

    begun = [each for each in outcomes if isinstance(each, StartedChat)]
    assert len(begun) == 7
    (chat,) = {each.chat.id for each in begun}
    assert len(await bench.chats.list_queue(DESK)) == 1
    assert len(await bench.chats.list_lines(chat, 0)) == 1
    for each in begun[-5:]:
        assert await bench.room.find_for_visitor(chat, visitor.asker, each.token or "")

    await bench.room.end(chat, Ending.DEMANDEUR)
    # So many an hour without an account.
    bench.now += timedelta(hours=1)
    afresh = await bench.room.start(visitor, request)
    assert isinstance(afresh, StartedChat)
    assert afresh.chat.id != chat


async def test_a_chat_is_resumed_with_its_key_though_it_could_begin_no_more(bench: Bench) -> None:
    visitor = Visitor(Asker("S1", Role.MOE), "a")
    request = ChatRequest("M_REFUS", "S9", "Bonjour", "1")
    begun = await bench.room.start(visitor, request)
    other = replace(request, key="2")

    bench.directory.status = StructureStatus.INACTIF
    gone = [await bench.room.start(visitor, each) for each in (request, other)]
    bench.directory.status, bench.now = StructureStatus.ACTIF, MONDAY + timedelta(hours=12)
    closed = [await bench.room.start(visitor, each) for each in (request, other)]

    assert isinstance(begun, StartedChat)
    assert [gone[0], closed[0]] == [begun, begun]
    refused = [each[0].code for each in (gone[1], closed[1]) if not isinstance(each, StartedChat)]
    assert refused == ["SUP-DESTINATAIRE-03", "SUP-TCHAT-01"]


async def test_another_text_with_the_key_of_a_chat_begins_another_chat(bench: Bench) -> None:
    visitor, request = Visitor(Asker("S1", Role.MOE), "a"), ChatRequest(text="Bonjour", key="1")

    # Two of one structure may both count their keys from 1.
    both = [await bench.room.start(visitor, replace(request, text=text)) for text in ("a", "b")]

    assert len({each.chat.id for each in both if isinstance(each, StartedChat)}) == 2


@pytest.mark.parametrize(
    ("visitor", "other", "key"),
    [
        # Without an account others share the address: they may count from 1 as well.
        (Visitor(None, "a"), Visitor(None, "a"), "1"),
        (Visitor(None, "a"), Visitor(None, "b"), UUID),
        (Visitor(Asker("S1", Role.MOE), "a"), Visitor(Asker("S2", Role.MOE), "a"), UUID),
        (Visitor(Asker("S1", Role.MOE), "a"), Visitor(Asker("S1", Role.MOA), "a"), UUID),
    ],
)
async def test_nobody_comes_into_the_chat_of_another_by_a_key(
    bench: Bench, visitor: Visitor, other: Visitor, key: str
) -> None:
    request = ChatRequest(text="Bonjour", key=key)
    one = await bench.room.start(visitor, request)
    # One alone may wait without an account.
    await bench.room.take_next(DESK, "Zoé")
    two = await bench.room.start(other, request)

    assert isinstance(one, StartedChat)
    assert isinstance(two, StartedChat)
    assert one.chat.id != two.chat.id
