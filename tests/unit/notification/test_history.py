"""Who sees which statuses, and when, over statuses in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from services.notification.statuses.application.history import (
    History,
    MarkedEntry,
    Scope,
    Subject,
    build_entry,
)
from services.notification.statuses.domain.entry import Entry, filter_visible
from shared.contracts.common_v1 import ActorV1, PartiesV1, PartyV1
from shared.contracts.routing_v1 import StatusChanged
from shared.runtime.notifier import Notifier
from shared.runtime.web.connection_limit import ConnectionLimit, LimitReached
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.kit.waiting import scale_timeout

TITULAIRE = Actor(Role.TITULAIRE, "t")
MOA = Actor(Role.MOA, "m")
DOSSIER = Subject(Scope.DOSSIER, "d")
FIRST = Entry(
    sequence=1,
    dossier_id="d",
    piece_id="p1",
    cadre="A4",
    number="F1",
    status=Status.DEPOSEE,
    at=datetime(2026, 11, 24, tzinfo=UTC),
    parties=frozenset({TITULAIRE, MOA}),
)
PAID = replace(FIRST, sequence=2, status=Status.MISE_EN_PAIEMENT, payment_not_reported=True)
OF_NEXT_PIECE = replace(FIRST, sequence=3, piece_id="p2", cadre="A15")


@dataclass
class Memory:
    """Statuses in memory."""

    kept: list[Entry] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    """What else happens while a read takes its time."""

    async def find_last(self, subject: Subject) -> Entry | None:
        self.meanwhile()
        dossiers = {entry.dossier_id for entry in self.kept if _is_of(entry, subject)}
        return next((each for each in self.kept[::-1] if each.dossier_id in dossiers), None)

    async def list_since(self, subject: Subject, after: int) -> Sequence[Entry]:
        return [each for each in self.kept if each.sequence > after and _is_of(each, subject)]

    async def list_marked(self, viewer: Actor, after: int, limit: int) -> Sequence[MarkedEntry]:
        """Marks are ten times the ranks; a hidden status is not listed."""
        seen = filter_visible(self.kept, viewer.role)
        marked = [MarkedEntry(10 * each.sequence, each) for each in seen]
        return [each for each in marked if each.mark > after][:limit]


def _is_of(entry: Entry, subject: Subject) -> bool:
    return subject.id == (entry.piece_id if subject.scope is Scope.PIECE else entry.dossier_id)


@pytest.fixture
def memory() -> Memory:
    return Memory([FIRST, PAID, OF_NEXT_PIECE])


@pytest.fixture
def notifier() -> Notifier:
    return Notifier()


@pytest.fixture
def history(memory: Memory, notifier: Notifier) -> History:
    return History(memory, notifier, heartbeat_s=60)


async def next_rank(stream: AsyncIterator[Entry | None]) -> int | None:
    entry = await asyncio.wait_for(anext(stream, None), scale_timeout(5))
    return entry.sequence if entry else None


async def listening(notifier: Notifier) -> None:
    while not notifier.subscriptions:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def test_a_payment_that_is_not_reported_is_hidden_from_the_supplier_alone(
    history: History,
) -> None:
    for_titulaire = await history.read(TITULAIRE, DOSSIER)
    for_moa = await history.read(MOA, DOSSIER)

    assert for_titulaire == (FIRST, OF_NEXT_PIECE)
    assert for_moa == (FIRST, PAID, OF_NEXT_PIECE)


@pytest.mark.parametrize(
    "stranger",
    [Actor(Role.TITULAIRE, "m"), Actor(Role.MOE, "t"), Actor(Role.MOA, "x")],
)
async def test_a_stranger_learns_nothing(history: History, stranger: Actor) -> None:
    assert await history.read(stranger, DOSSIER) is None
    assert await history.read(stranger, Subject(Scope.PIECE, "p1")) is None
    assert [entry async for entry in history.follow(stranger, DOSSIER, 0)] == []


@pytest.mark.parametrize(
    ("named", "limited", "expected"),
    [
        ("TRAVAUX", None, True),
        ("TRAVAUX", "TRAVAUX", True),
        ("TRAVAUX", "VOIRIE", False),
        (None, "TRAVAUX", False),
    ],
)
async def test_who_is_limited_to_a_service_reads_the_dossiers_that_name_it(
    notifier: Notifier, named: str | None, limited: str | None, expected: bool
) -> None:
    first = replace(FIRST, parties=frozenset({TITULAIRE, replace(MOA, service=named)}))
    history = History(Memory([first]), notifier, heartbeat_s=60)

    found = await history.read(replace(MOA, service=limited), DOSSIER)

    assert (found is not None) is expected


async def test_an_unknown_dossier_has_no_history(history: History) -> None:
    assert await history.read(MOA, Subject(Scope.DOSSIER, "x")) is None


async def test_the_parties_are_those_of_the_latest_status(history: History, memory: Memory) -> None:
    other = Actor(Role.MOA, "other")
    memory.kept.append(replace(OF_NEXT_PIECE, sequence=4, parties=frozenset({TITULAIRE, other})))

    assert await history.read(MOA, DOSSIER) is None
    assert await history.read(other, Subject(Scope.PIECE, "p1")) == (FIRST, PAID)


async def test_a_stream_gives_what_is_there_then_what_comes(
    history: History, memory: Memory, notifier: Notifier
) -> None:
    stream = history.follow(TITULAIRE, DOSSIER, 1)
    there = await next_rank(stream)
    memory.kept.append(replace(OF_NEXT_PIECE, sequence=4))
    notifier.notify("d")

    assert [there, await next_rank(stream)] == [3, 4]


async def test_a_status_kept_while_the_stream_reads_is_not_missed(
    history: History, memory: Memory, notifier: Notifier
) -> None:
    stream = history.follow(MOA, DOSSIER, 2)
    assert await next_rank(stream) == 3
    memory.kept.append(replace(OF_NEXT_PIECE, sequence=4))
    notifier.notify("d")
    memory.kept.append(replace(OF_NEXT_PIECE, sequence=5))

    assert [await next_rank(stream), await next_rank(stream)] == [4, 5]


async def test_a_stream_of_a_piece_leaves_the_others_out(
    history: History, memory: Memory, notifier: Notifier
) -> None:
    stream = history.follow(MOA, Subject(Scope.PIECE, "p1"), 0)
    ranks = [await next_rank(stream), await next_rank(stream)]
    memory.kept += [replace(OF_NEXT_PIECE, sequence=4), replace(FIRST, sequence=5)]
    notifier.notify("d")

    assert [*ranks, await next_rank(stream)] == [1, 2, 5]


async def test_a_stream_that_is_silent_says_so_and_goes_on(
    memory: Memory, notifier: Notifier
) -> None:
    stream = History(memory, notifier, heartbeat_s=0.01).follow(MOA, DOSSIER, 3)
    silent = await asyncio.wait_for(anext(stream), scale_timeout(5))
    memory.kept.append(replace(OF_NEXT_PIECE, sequence=4))
    notifier.notify("d")

    assert silent is None
    assert await next_rank(stream) == 4


async def test_a_hidden_payment_does_not_put_a_heartbeat_off(
    memory: Memory, notifier: Notifier
) -> None:
    """Its delay would tell the supplier the moment of the payment."""
    loop, beat_s = asyncio.get_running_loop(), 0.4
    memory.kept = [FIRST]
    stream = History(memory, notifier, heartbeat_s=beat_s).follow(TITULAIRE, DOSSIER, 1)
    begun = loop.time()

    def pay() -> None:
        memory.kept.append(PAID)
        notifier.notify("d")

    loop.call_later(beat_s * 0.7, pay)
    beats = [(await anext(stream), loop.time() - begun) for _ in range(2)]

    assert [each for each, _ in beats] == [None, None]
    assert [at / beat_s for _, at in beats] == pytest.approx([1, 2], abs=0.4)


async def test_a_stream_that_is_woken_again_and_again_for_nothing_still_says_that_it_lives(
    memory: Memory, notifier: Notifier
) -> None:
    """As each second where the store tells no changes, or by the other pieces of a dossier."""
    stream = History(memory, notifier, heartbeat_s=0.05).follow(MOA, DOSSIER, 3)

    async def wake() -> None:
        while True:
            notifier.notify_all()
            await asyncio.sleep(0)

    waking = asyncio.create_task(wake())
    silent = await asyncio.wait_for(anext(stream), scale_timeout(5))
    waking.cancel()

    assert silent is None


async def test_closing_ends_a_stream_that_waits(history: History, notifier: Notifier) -> None:
    waiting = asyncio.create_task(next_rank(history.follow(MOA, DOSSIER, 3)))
    await listening(notifier)
    notifier.close()

    assert await waiting is None
    assert notifier.subscriptions == 0


async def test_closing_ends_a_stream_that_reads(
    history: History, memory: Memory, notifier: Notifier
) -> None:
    stream = history.follow(MOA, DOSSIER, 2)
    assert await next_rank(stream) == 3
    memory.kept.append(replace(OF_NEXT_PIECE, sequence=4))
    memory.meanwhile = notifier.close
    notifier.notify("d")

    assert [await next_rank(stream), await next_rank(stream)] == [4, None]


async def test_a_stream_ends_when_its_viewer_is_no_party_any_more(
    history: History, memory: Memory, notifier: Notifier
) -> None:
    stream = history.follow(MOA, DOSSIER, 2)
    assert await next_rank(stream) == 3
    memory.kept.append(replace(OF_NEXT_PIECE, sequence=4, parties=frozenset({TITULAIRE})))
    notifier.notify_all()

    assert await next_rank(stream) is None


async def test_a_stream_that_is_abandoned_listens_no_more(
    history: History, notifier: Notifier
) -> None:
    waiting = asyncio.create_task(next_rank(history.follow(MOA, DOSSIER, 3)))
    await listening(notifier)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert notifier.subscriptions == 0


def test_a_status_comes_off_the_wire_with_the_parties_that_are_named() -> None:
    told = StatusChanged(
        piece_id="p1",
        dossier_id="d",
        cadre="A4",
        number="F1",
        status=Status.REFUSEE_MOE,
        by=ActorV1(role=Role.MOE, structure="e"),
        motive="AUTRE",
        comment="Doublon",
        parties=PartiesV1(
            titulaire=PartyV1(structure="t"),
            moe=PartyV1(structure="e", service="S"),
            service_financier=PartyV1(structure="f"),
        ),
        depositor=ActorV1(role=Role.TITULAIRE, structure="t"),
        at=FIRST.at,
    )

    assert build_entry(4, told) == replace(
        FIRST,
        sequence=4,
        status=Status.REFUSEE_MOE,
        parties=frozenset(
            {TITULAIRE, Actor(Role.MOE, "e", "S"), Actor(Role.SERVICE_FINANCIER, "f")}
        ),
        by=Actor(Role.MOE, "e"),
        motive="AUTRE",
        comment="Doublon",
    )


def test_a_structure_has_so_many_connections_until_it_releases_one() -> None:
    limit = ConnectionLimit(in_all=3, each=2)
    release = limit.acquire("t")
    assert callable(release)
    limit.acquire("t")

    assert limit.acquire("t") is LimitReached.HOLDER
    release()
    assert callable(limit.acquire("t"))
    assert callable(limit.acquire("m"))
    assert limit.acquire("x") is LimitReached.SERVICE


@pytest.mark.parametrize(
    ("viewer", "after", "limit", "expected"),
    [
        (MOA, 0, 2, ([1, 2], 20, True)),
        (MOA, 20, 2, ([3], 30, False)),
        (MOA, 30, 2, ([], 30, False)),
        (TITULAIRE, 0, 1, ([1], 10, True)),
        (TITULAIRE, 10, 5, ([3], 30, False)),
    ],
)
async def test_a_reader_goes_on_from_the_mark_of_the_last_page(
    history: History, viewer: Actor, after: int, limit: int, expected: tuple[list[int], int, bool]
) -> None:
    page = await history.read_forward(viewer, after, limit)

    assert ([each.entry.sequence for each in page.entries], page.mark, page.has_more) == expected


async def test_a_hidden_status_does_not_move_the_mark(memory: Memory, notifier: Notifier) -> None:
    memory.kept = [FIRST, PAID]

    page = await History(memory, notifier, 15).read_forward(TITULAIRE, 10, 5)

    assert (page.entries, page.mark, page.has_more) == ((), 10, False)
