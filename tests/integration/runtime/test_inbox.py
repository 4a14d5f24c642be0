"""The inbox on a real store: one effect per message, in order, through poison and replicas."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from shared.contracts.envelope import Event, encode
from shared.runtime.clock import Clock
from shared.runtime.errors import NotYetError, TransientError
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.store.database import Document, Store, Transaction
from tests.kit.events import NOTES, NOW, Whispered, a_record, an_event, build_records
from tests.kit.outbox import read_outbox
from tests.kit.waiting import scale_timeout


class Notebook:
    """A handler that writes down what it is given, and that can be made to fail."""

    def __init__(self) -> None:
        self.faults: dict[str, Exception] = {}

    async def handle(self, transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        for event in events:
            if event.data.text in self.faults:
                raise self.faults[event.data.text]
        await transaction.collection("notes").insert_many(
            [
                {"dossier": event.dossierid, "rank": event.sequence, "text": event.data.text}
                for event in events
            ],
            session=transaction.session,
        )


class Bench:
    """An inbox, its handler and its store."""

    def __init__(self, store: Store, clock: Clock = lambda: NOW) -> None:
        self.store = store
        self.notebook = Notebook()
        self.inbox = Inbox(store, NOTES, self.notebook.handle, clock)

    async def effects(self, dossier: str = "d1") -> list[int]:
        notes = self.store.collection("notes").find({"dossier": dossier}).sort("_id", 1)
        return [note["rank"] async for note in notes]

    async def entry(self, entry_id: str) -> Document:
        found = await self.store.collection("inbox").find_one({"_id": entry_id})
        assert found is not None
        return found

    async def state(self, entry_id: str) -> str:
        return str((await self.entry(entry_id))["state"])

    async def dead_letters(self) -> list[Document]:
        return await read_outbox(self.store, topic=NOTES.dead_letters)

    async def ask(self, entry_id: str, state: str, **change: object) -> None:
        await self.store.collection("inbox").update_one(
            {"_id": entry_id}, {"$set": {"state": state, **change}}
        )
        await self.inbox.sweep()


def parked() -> float | None:
    """Read the gauge of parked messages, on which the alert is."""
    return REGISTRY.get_sample_value("aiguillage_parked_messages", {"topic": NOTES.name})


@pytest.fixture
async def bench(store: Store) -> Bench:
    bench = Bench(store)
    await bench.inbox.prepare()
    return bench


async def test_redelivery_has_no_second_effect(bench: Bench) -> None:
    batch = build_records(an_event(rank=rank) for rank in (1, 2, 3))

    await bench.inbox.process(batch)
    await bench.inbox.process(batch)
    await bench.inbox.process([*batch[1:], *batch])

    assert await bench.effects() == [1, 2, 3]


async def test_what_comes_early_is_parked_then_released_in_order(bench: Bench) -> None:
    first, second, third, fourth = (an_event(rank=rank) for rank in (1, 2, 3, 4))

    await bench.inbox.process(build_records([fourth, third]))
    assert await bench.effects() == []
    await bench.inbox.process(build_records([first]))
    assert await bench.effects() == [1]
    await bench.inbox.process(build_records([second]))

    assert await bench.effects() == [1, 2, 3, 4]
    stream = await bench.store.collection("streams").find_one({"stream": "d1"})
    assert stream is not None
    assert (stream["next"], stream["parked"], stream["dead"]) == (5, 0, [])


async def test_a_gap_waits_for_ever_and_other_dossiers_pass(bench: Bench) -> None:
    await bench.inbox.process(build_records([an_event("d1", 2), an_event("d2", 1)]))
    await bench.inbox.sweep()

    assert await bench.effects("d1") == []
    assert await bench.effects("d2") == [1]


async def test_bad_data_becomes_a_dead_letter_with_its_bytes_and_holds_its_dossier(
    bench: Bench,
) -> None:
    poison = encode(an_event(rank=2, event_id="e2")).replace(b'"text"', b'"texte"')
    batch = [
        a_record(an_event("d1", 1)),
        a_record(poison, headers={"traceparent": "00-trace"}, offset=7),
        a_record(an_event("d1", 3, event_id="e3")),
        a_record(an_event("d2", 1)),
    ]

    await bench.inbox.process(batch)

    assert await bench.effects("d1") == [1]
    assert await bench.effects("d2") == [1]
    assert await bench.state("e3") == "parked"
    (letter,) = await bench.dead_letters()
    headers = dict(letter["headers"])
    assert letter["value"] == poison
    assert letter["key"] == "d1"
    assert "text" in headers["x-reason"]
    assert headers["x-position"] == "essai.note.v1/0/7"
    assert headers["x-entry"] == "e2"
    assert headers["traceparent"] == "00-trace"


async def test_bytes_that_are_no_event_hold_the_dossier_of_their_key(bench: Bench) -> None:
    await bench.inbox.process([a_record(an_event("d1", 1)), a_record(b"\xff\xfe\x00", offset=9)])
    await bench.inbox.process([a_record(an_event("d1", 2)), a_record(an_event("d2", 1))])

    assert await bench.effects("d1") == [1]
    assert await bench.effects("d2") == [1]
    assert await bench.state("essai.note.v1/0/9") == "dead"


async def test_other_bytes_at_the_same_offset_of_a_topic_made_again_are_kept(
    bench: Bench,
) -> None:
    first, second = a_record(b"{", offset=9), a_record(b"[", offset=9)

    await bench.inbox.process([first])
    for _ in range(2):
        await bench.inbox.process([first, second])

    rows = await bench.store.collection("inbox").find({"state": "dead"}).to_list(None)
    assert sorted(row["value"] for row in rows) == [b"[", b"{"]
    assert len(await bench.dead_letters()) == 2


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b'{"specversion":"0.3"}', b"\x00" * 40])
async def test_no_bytes_whatever_stop_the_inbox(bench: Bench, value: bytes) -> None:
    await bench.inbox.process([a_record(value, headers={"": "", "a.b": "$", "nul\x00": "\x00"})])
    await bench.inbox.process([a_record(an_event("d2", 1))])

    assert await bench.effects("d2") == [1]
    assert len(await bench.dead_letters()) == 1


async def test_a_bug_in_the_handler_dead_letters_the_one_message_it_fails_on(
    bench: Bench,
) -> None:
    bench.notebook.faults["boom"] = ValueError("x" * 10_000)
    batch = [an_event(f"d{dossier}", rank) for dossier in range(10) for rank in (1, 2)]
    batch[6] = an_event("d3", 1, "boom", event_id="guilty")

    await bench.inbox.process(build_records(batch))

    for dossier in range(10):
        assert await bench.effects(f"d{dossier}") == ([] if dossier == 3 else [1, 2])
    assert await bench.state("guilty") == "dead"
    (letter,) = await bench.dead_letters()
    assert dict(letter["headers"])["x-reason"].startswith("ValueError('xxx")
    assert len(dict(letter["headers"])["x-reason"]) <= 500


async def test_a_replay_after_the_bug_is_fixed_restores_the_order(bench: Bench) -> None:
    bench.notebook.faults["boom"] = ValueError("bug")
    await bench.inbox.process(build_records([an_event("d1", 1, "boom", event_id="e1")]))
    await bench.inbox.process(build_records(an_event("d1", rank) for rank in (2, 3)))
    await bench.inbox.process(build_records([an_event("d1", 4)]))
    assert await bench.effects() == []

    bench.notebook.faults.clear()
    await bench.ask("e1", "replay")

    assert await bench.effects() == [1, 2, 3, 4]
    assert "held" not in await bench.entry("e1")
    await bench.inbox.process(build_records([an_event("d1", 5)]))
    assert await bench.effects() == [1, 2, 3, 4, 5]


async def test_a_replay_that_fails_again_stays_dead_and_says_so_again(bench: Bench) -> None:
    bench.notebook.faults["boom"] = ValueError("bug")
    await bench.inbox.process(
        build_records([an_event("d1", 1, "boom", event_id="e1"), an_event("d1", 2)])
    )

    await bench.ask("e1", "replay")

    assert await bench.state("e1") == "dead"
    assert len(await bench.dead_letters()) == 2
    assert await bench.effects() == []


async def test_a_replay_with_a_corrected_body_takes_its_place(bench: Bench) -> None:
    broken = a_record(b"{", offset=4)
    await bench.inbox.process([broken])
    await bench.inbox.process(build_records([an_event("d1", 2)]))

    corrected = encode(an_event("d1", 1, "corrected"))
    await bench.ask("essai.note.v1/0/4", "replay", value=corrected)

    assert await bench.effects() == [1, 2]


async def test_a_corrected_body_may_be_of_another_dossier_than_its_key(bench: Bench) -> None:
    await bench.inbox.process([a_record(b"{", key="structure", offset=4)])
    await bench.inbox.process(build_records([an_event("d1", 2)]))

    corrected = encode(an_event("d1", 1))
    await bench.ask("essai.note.v1/0/4", "replay", value=corrected)

    assert await bench.effects("d1") == [1, 2]


async def test_what_is_discarded_is_passed_over(bench: Bench) -> None:
    bench.notebook.faults["boom"] = ValueError("bug")
    await bench.inbox.process(
        build_records([an_event("d1", 1, "boom", event_id="e1"), an_event("d1", 2)])
    )

    await bench.ask("e1", "discard")

    assert await bench.effects() == [2]
    assert await bench.state("e1") == "discarded"


async def test_what_is_discarded_before_its_turn_is_passed_over_in_its_turn(bench: Bench) -> None:
    poison = encode(an_event(rank=3, event_id="e3")).replace(b'"text"', b'"texte"')
    await bench.inbox.process([a_record(poison), a_record(an_event("d1", 4))])

    await bench.ask("e3", "discard")
    await bench.inbox.process(build_records([an_event("d1", 1), an_event("d1", 2)]))

    assert await bench.effects() == [1, 2, 4]
    assert await bench.state("e3") == "discarded"


async def test_what_is_parked_is_discarded_and_passed_over_in_its_turn(bench: Bench) -> None:
    events = [an_event("d1", rank, event_id=f"e{rank}") for rank in (1, 3, 4)]
    await bench.inbox.process(build_records(events))
    await bench.inbox.sweep()
    assert parked() == 2

    # As the command does.
    await bench.store.collection("inbox").update_many(
        {"state": "parked"}, {"$set": {"is_given_up": True}}
    )
    await bench.inbox.sweep()
    assert parked() == 0

    await bench.inbox.process(build_records([an_event("d1", 5), an_event("d1", 2)]))
    assert await bench.effects() == [1, 2, 5]
    assert [await bench.state("e3"), await bench.state("e4")] == ["discarded"] * 2
    stream = await bench.store.collection("streams").find_one({"stream": "d1"})
    assert stream is not None
    assert (stream["next"], stream["parked"]) == (6, 0)


async def test_bytes_that_do_not_tell_their_rank_are_discarded_at_the_rank_given(
    bench: Bench,
) -> None:
    await bench.inbox.process([a_record(b"{", offset=4), a_record(an_event("d1", 2))])

    await bench.ask("essai.note.v1/0/4", "discard", sequence=1)

    assert await bench.effects() == [2]


async def test_two_dead_letters_of_a_dossier_are_settled_in_any_order(bench: Bench) -> None:
    poisons = [
        encode(an_event(rank=rank, event_id=f"e{rank}")).replace(b'"text"', b'"texte"')
        for rank in (1, 2)
    ]
    await bench.inbox.process([*map(a_record, poisons), a_record(an_event("d1", 3))])

    await bench.ask("e2", "replay", value=encode(an_event(rank=2, event_id="e2")))
    assert await bench.effects() == []
    await bench.ask("e1", "replay", value=encode(an_event(rank=1, event_id="e1")))

    assert await bench.effects() == [1, 2, 3]


async def test_an_unknown_type_is_passed_over_and_keeps_its_rank(bench: Bench) -> None:
    whisper = an_event("d1", 2, payload=Whispered())

    await bench.inbox.process(build_records([an_event("d1", 1), whisper, an_event("d1", 3)]))

    assert await bench.effects() == [1, 3]
    assert await bench.dead_letters() == []


async def test_parked_messages_left_by_a_crash_are_released_by_the_sweep(bench: Bench) -> None:
    await bench.inbox.process(build_records([an_event("d1", 2), an_event("d1", 3)]))
    await bench.inbox.process(build_records([an_event("d2", 1)]))
    # The crash: rank 1 was applied, and the process died before it released what waited for it.
    await bench.store.collection("streams").update_one({"stream": "d1"}, {"$set": {"next": 2}})

    await bench.inbox.sweep()

    assert await bench.effects("d1") == [2, 3]


async def test_replicas_that_settle_side_by_side_settle_once(bench: Bench) -> None:
    replica = Inbox(bench.store, NOTES, bench.notebook.handle, lambda: NOW)
    bench.notebook.faults["boom"] = ValueError("bug")
    await bench.inbox.process(build_records([an_event("d1", 1, "boom", event_id="e1")]))
    await bench.inbox.process(build_records(an_event("d1", rank) for rank in range(2, 12)))
    bench.notebook.faults.clear()
    await bench.store.collection("inbox").update_one({"_id": "e1"}, {"$set": {"state": "replay"}})

    await asyncio.gather(bench.inbox.sweep(), replica.sweep(), bench.inbox.sweep())

    assert await bench.effects() == list(range(1, 12))
    stream = await bench.store.collection("streams").find_one({"stream": "d1"})
    assert stream is not None
    assert (stream["next"], stream["parked"], stream["dead"]) == (12, 0, [])


async def test_a_replay_that_fails_on_two_replicas_is_said_once(bench: Bench) -> None:
    replica = Inbox(bench.store, NOTES, bench.notebook.handle, lambda: NOW)
    bench.notebook.faults["boom"] = ValueError("bug")
    await bench.inbox.process(build_records([an_event("d1", 1, "boom", event_id="e1")]))
    await bench.store.collection("inbox").update_one({"_id": "e1"}, {"$set": {"state": "replay"}})

    await asyncio.gather(bench.inbox.sweep(), replica.sweep())

    assert await bench.state("e1") == "dead"
    assert len(await bench.dead_letters()) == 2
    stream = await bench.store.collection("streams").find_one({"stream": "d1"})
    assert stream is not None
    assert stream["dead"] == ["e1"]


async def test_a_dossier_that_waits_for_something_outside_waits_alone(bench: Bench) -> None:
    bench.notebook.faults["early"] = NotYetError(["d1"], "a structure is not known yet")

    await bench.inbox.process(
        build_records([an_event("d1", 1, "early"), an_event("d1", 2), an_event("d2", 1)])
    )
    await bench.inbox.sweep()

    assert await bench.effects("d1") == []
    assert await bench.effects("d2") == [1]
    assert await bench.dead_letters() == []

    bench.notebook.faults.clear()
    await bench.inbox.sweep()

    assert await bench.effects("d1") == [1, 2]


async def test_of_a_batch_that_waits_for_no_named_dossier_one_message_waits(bench: Bench) -> None:
    bench.notebook.faults["early"] = NotYetError(["a-structure"], "a structure is newer")

    await bench.inbox.process(
        build_records(
            [an_event("d2", 1), an_event("d1", 1, "early"), an_event("d1", 2), an_event("d3", 1)]
        )
    )

    assert [await bench.effects(each) for each in ("d1", "d2", "d3")] == [[], [1], [1]]
    assert await bench.dead_letters() == []

    bench.notebook.faults.clear()
    await bench.inbox.sweep()

    assert await bench.effects("d1") == [1, 2]


async def test_replicas_that_take_the_same_batch_apply_it_once(bench: Bench) -> None:
    replica = Inbox(bench.store, NOTES, bench.notebook.handle, lambda: NOW)
    batch = build_records(
        an_event(f"d{dossier}", rank) for dossier in range(5) for rank in (1, 2, 3)
    )

    await asyncio.gather(
        *(each.process(batch) for each in (bench.inbox, replica) for _ in range(2))
    )

    for dossier in range(5):
        assert await bench.effects(f"d{dossier}") == [1, 2, 3]
    assert await bench.dead_letters() == []


async def test_topics_of_one_service_do_not_release_each_others_messages(bench: Bench) -> None:
    other = replace(NOTES, name="essai.autre.v1")
    beside = Inbox(bench.store, other, bench.notebook.handle, lambda: NOW)
    await bench.inbox.process(build_records([an_event("d1", 2, "of notes", event_id="n2")]))

    await beside.process([a_record(an_event("d1", 1, "of other"), topic=other)])
    await beside.process([a_record(an_event("d1", 3, "of other"), topic=other)])

    assert await bench.state("n2") == "parked"
    assert await bench.effects() == [1]


async def test_ids_are_forgotten_by_the_store_after_retention_and_a_week(bench: Bench) -> None:
    await bench.inbox.process(build_records([an_event("d1", 1, event_id="e1")]))

    indexes = await bench.store.collection("inbox").index_information()
    ttl = [each for each in indexes.values() if "expireAfterSeconds" in each]
    assert [tuple(pair) for pair in ttl[0]["key"]] == [("expires_at", 1)]
    assert ttl[0]["expireAfterSeconds"] == 0
    assert (await bench.entry("e1"))["expires_at"] - NOW == timedelta(days=37)


async def test_a_held_message_is_never_forgotten(bench: Bench) -> None:
    await bench.inbox.process(
        [a_record(b"{", offset=1), a_record(an_event("d1", 2, event_id="e2"))]
    )

    assert "expires_at" not in await bench.entry("essai.note.v1/0/1")
    assert "expires_at" not in await bench.entry("e2")


async def test_an_event_older_than_the_inbox_remembers_is_refused_by_name(bench: Bench) -> None:
    old = an_event("d1", 1, event_id="old", time=NOW - timedelta(days=37, seconds=1))

    await bench.inbox.process(build_records([old]))

    assert await bench.effects() == []
    assert "older than the inbox remembers" in (await bench.entry("old"))["reason"]


async def test_waiting_for_the_world_is_never_a_dead_letter(bench: Bench) -> None:
    bench.notebook.faults["not yet"] = TransientError("the directory is behind")
    taking = asyncio.create_task(bench.inbox.process(build_records([an_event("d1", 1, "not yet")])))
    await asyncio.sleep(0.7)
    assert not taking.done()

    bench.notebook.faults.clear()
    await asyncio.wait_for(taking, scale_timeout(10))

    assert await bench.effects() == [1]
    assert await bench.dead_letters() == []


async def test_a_handler_that_is_cancelled_leaves_nothing_and_blocks_nobody(bench: Bench) -> None:
    begun = asyncio.Event()

    async def slow(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        await bench.notebook.handle(transaction, events)
        begun.set()
        await asyncio.sleep(60)

    cut_short = Inbox(bench.store, NOTES, slow, lambda: NOW)
    taking = asyncio.create_task(cut_short.process(build_records([an_event("d1", 1)])))
    await asyncio.wait_for(begun.wait(), scale_timeout(10))
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)

    await asyncio.wait_for(
        bench.inbox.process(build_records([an_event("d1", 1)])), scale_timeout(5)
    )

    assert await bench.effects() == [1]


async def test_dead_letters_and_parked_messages_are_counted_by_topic(bench: Bench) -> None:
    await bench.inbox.process([a_record(b"{", offset=1), a_record(an_event("d1", 2))])
    await bench.inbox.sweep()

    labels = {"topic": NOTES.name}
    assert REGISTRY.get_sample_value("aiguillage_dead_letters", labels) == 1
    assert REGISTRY.get_sample_value("aiguillage_parked_messages", labels) == 1


async def test_every_search_of_the_inbox_goes_through_an_index(bench: Bench) -> None:
    held = {"held": True, "topic": NOTES.name, "state": "dead"}

    plan = await bench.store.db.command({"explain": {"find": "inbox", "filter": held}})

    assert "IXSCAN" in str(plan)
    assert "COLLSCAN" not in str(plan)


async def test_an_id_reused_in_another_dossier_is_a_dead_letter_once(bench: Bench) -> None:
    first = a_record(an_event("d1", 1, event_id="same"), offset=1)
    astray = a_record(an_event("d2", 1, event_id="same"), offset=2)
    await bench.inbox.process([first])
    for _ in range(2):
        await bench.inbox.process(
            [astray, first, a_record(an_event("d2", 2, event_id="e"), offset=3)]
        )

    assert await bench.effects() == [1]
    assert await bench.effects("d2") == []
    (dead,) = await bench.dead_letters()
    assert "its id same is that of another message" in dict(dead["headers"])["x-reason"]

    await bench.ask(f"{NOTES.name}/0/2", "replay")
    assert await bench.effects("d2") == [1, 2]
