"""What becomes of messages, whatever order, repetition and poison the broker comes up with."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.envelope import Event, Payload
from shared.runtime.messaging.outcomes import Outcomes, Seen, Stream, decide_outcomes
from shared.runtime.messaging.parsing import Incoming
from tests.kit.events import NOW, Noted, Whispered, a_record, an_event

SINCE = NOW - timedelta(days=37)


def incoming(event: Event[Payload], fault: str | None = None) -> Incoming:
    known = isinstance(event.data, Noted)
    message = Incoming(
        a_record(event), event.id, event.dossierid or "", event.sequence, event if known else None
    )
    return message.with_fault(fault) if fault else message


@dataclass
class Delivery:
    """A message of dossier `dossier`, at `rank`, poisoned or not."""

    dossier: str
    rank: int
    poisoned: bool

    def message(self) -> Incoming:
        event = an_event(self.dossier, self.rank, event_id=f"{self.dossier}/{self.rank}")
        return incoming(event, "poison" if self.poisoned else None)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Delivery]]:
    """Every message of a few dossiers at least once, in any order, cut into batches."""
    messages = [
        Delivery(dossier, rank, draw(st.integers(0, 9)) == 0)
        for dossier in "abc"[: draw(st.integers(1, 3))]
        for rank in range(1, draw(st.integers(1, 8)) + 1)
    ]
    again = draw(st.lists(st.sampled_from(messages), max_size=10))
    shuffled = draw(st.permutations([*messages, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    return [
        list(shuffled[start:end])
        for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)
    ]


class World:
    """An inbox without a store: what it has seen, where its dossiers stand, what it did."""

    def __init__(self) -> None:
        self.seen: Seen = {}
        self.streams: dict[str, Stream] = defaultdict(Stream)
        self.applied: dict[str, list[int]] = defaultdict(list)
        self.parked: dict[str, Incoming] = {}
        self.dead: dict[str, Incoming] = {}

    def take(self, batch: list[Incoming]) -> Outcomes:
        outcomes = decide_outcomes(batch, self.seen, self.streams, SINCE)
        for message in outcomes.applied:
            self.applied[message.stream].append(message.sequence or 0)
        self.parked |= {message.id: message for message in outcomes.parked}
        self.dead |= {message.id: message for message in outcomes.dead}
        return outcomes


@settings(max_examples=400)
@given(histories())
def test_ranks_are_applied_in_order_each_once_and_nothing_is_lost(
    history: list[list[Delivery]],
) -> None:
    world = World()
    given_ids = {f"{each.dossier}/{each.rank}" for batch in history for each in batch}

    for batch in history:
        outcomes = world.take([each.message() for each in batch])
        named = [*outcomes.applied, *outcomes.parked, *outcomes.dead, *outcomes.redelivered]
        assert len(batch) == len(named)

    for ranks in world.applied.values():
        assert list(range(1, len(ranks) + 1)) == ranks
    applied = {f"{name}/{rank}" for name, ranks in world.applied.items() for rank in ranks}
    assert given_ids == applied | world.parked.keys() | world.dead.keys()
    assert len(given_ids) == len(applied) + len(world.parked) + len(world.dead)


@settings(max_examples=200)
@given(histories())
def test_streams_count_what_waits(history: list[list[Delivery]]) -> None:
    world = World()
    for batch in history:
        world.take([each.message() for each in batch])

    for name, stream in world.streams.items():
        assert stream.next == len(world.applied[name]) + 1
        assert stream.parked == sum(each.stream == name for each in world.parked.values())
        assert set(stream.dead) == {each.id for each in world.dead.values() if each.stream == name}


def test_a_poisoned_message_holds_back_its_dossier_and_no_other() -> None:
    world = World()

    outcomes = world.take(
        [
            incoming(an_event("a", 1, event_id="a1"), "poison"),
            incoming(an_event("a", 2, event_id="a2")),
            incoming(an_event("b", 1, event_id="b1")),
        ]
    )

    assert [each.id for each in outcomes.applied] == ["b1"]
    assert [each.id for each in outcomes.parked] == ["a2"]


def test_a_poison_that_tells_no_rank_holds_back_its_dossier() -> None:
    world = World()

    outcomes = world.take(
        [
            incoming(an_event("a", None, event_id="poison"), "unreadable"),
            incoming(an_event("a", 1, event_id="a1")),
        ]
    )

    assert [each.id for each in outcomes.parked] == ["a1"]


def test_a_message_of_an_unknown_type_takes_its_rank() -> None:
    world = World()

    world.take([incoming(an_event("a", 1, payload=Whispered())), incoming(an_event("a", 2))])

    assert world.applied["a"] == [1, 2]


def test_another_message_at_a_rank_that_is_taken_is_refused_by_name() -> None:
    world = World()
    world.take([incoming(an_event("a", 1, event_id="first"))])

    outcomes = world.take([incoming(an_event("a", 1, event_id="second"))])

    assert "rank 1" in (outcomes.dead[0].fault or "")


def test_a_message_older_than_the_inbox_remembers_is_refused_by_name() -> None:
    world = World()

    outcomes = world.take([incoming(an_event("a", 1, time=SINCE - timedelta(seconds=1)))])

    assert "older than the inbox remembers" in (outcomes.dead[0].fault or "")


def test_an_old_message_whose_rank_was_applied_is_known_without_its_id() -> None:
    world = World()
    world.take([incoming(an_event("a", 1))])
    world.seen.clear()

    outcomes = world.take([incoming(an_event("a", 1, time=SINCE - timedelta(seconds=1)))])

    assert len(outcomes.redelivered) == 1


def test_an_id_that_another_message_has_is_seen_and_named() -> None:
    world = World()
    first = incoming(an_event("d1", 1, event_id="same"))
    astray = incoming(an_event("d2", 1, event_id="same"))
    astray = replace(astray, record=replace(astray.record, position="essai.note.v1/2/7"))
    world.take([first])

    outcomes = world.take([astray, incoming(an_event("d2", 2)), first, astray])

    (dead,) = outcomes.dead
    assert dead.id == "essai.note.v1/2/7"
    assert "its id same is that of another message" in (dead.fault or "")
    assert [each.sequence for each in outcomes.parked] == [2]
    assert len(outcomes.redelivered) == 2
