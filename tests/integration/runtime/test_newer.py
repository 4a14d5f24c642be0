"""Two versions on one store: what is newer than a reader waits for a version that judges it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import pytest
from prometheus_client import REGISTRY

from shared.contracts.envelope import Event, Payload, encode
from shared.contracts.outgoing import Outgoing
from shared.runtime.errors import NewerDocumentError
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.messaging.parsing import Record
from shared.runtime.messaging.projection import Projection, ProjectionConfig, keep_newest
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.schema import DocumentFormat, RewrittenDocuments
from tests.kit.events import NOTES, NOW, Noted, a_record, an_event, build_records
from tests.kit.events import STATES as STATES_OF_NOTES
from tests.kit.namespaces import Namespace
from tests.kit.outbox import read_outbox


class Sung(Payload):
    """A type that the newer version alone knows."""

    event_type: ClassVar[str] = "fr.aiguillage.essai.chant.v1"

    text: str


class Stood(Payload):
    """The state of a dossier."""

    event_type: ClassVar[str] = "fr.aiguillage.essai.etat.v1"

    dossier_id: str
    version: int


NEWER_NOTES = replace(NOTES, payloads=(Noted, Sung))
STATES = replace(STATES_OF_NOTES, payloads=(Stood,))


def at_level(level: int, event: Event[Payload]) -> Event[Payload]:
    return event.model_copy(update={"level": level})


def as_record(event: Event[Payload], offset: int = 0) -> Record:
    return a_record(event, topic=STATES, offset=offset)


class Versions:
    """An inbox of this version and one of the next, with one handler, on one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.refused: set[str] = set()
        self.levels: list[int] = []
        self.old = Inbox(store, NOTES, self._handle, lambda: NOW, level=1)
        self.new = Inbox(store, NEWER_NOTES, self._handle, lambda: NOW, level=2)

    async def _handle(self, transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        self.levels.append(transaction.level)
        for event in events:
            if event.data.text in self.refused:
                raise ValueError("a bug")
        rows = [{"dossier": event.dossierid, "rank": event.sequence} for event in events]
        await transaction.collection("notes").insert_many(rows, session=transaction.session)

    async def effects(self, dossier: str = "d1") -> list[int]:
        notes = self.store.collection("notes").find({"dossier": dossier}).sort("_id", 1)
        return [note["rank"] async for note in notes]

    async def states(self) -> dict[str, str]:
        rows = self.store.collection("inbox").find({"held": True})
        return {row["_id"]: row["state"] async for row in rows}

    async def stream(self, dossier: str = "d1") -> tuple[int, int, list[str]]:
        row = await self.store.collection("streams").find_one({"stream": dossier})
        assert row is not None
        return row["next"], row["parked"], row["dead"]


@pytest.fixture
async def versions(store: Store) -> Versions:
    versions = Versions(store)
    await versions.old.prepare()
    return versions


def waiting(topic: str = NOTES.name) -> float | None:
    return REGISTRY.get_sample_value("aiguillage_newer_messages", {"topic": topic})


async def test_a_message_of_a_newer_level_waits_and_its_dossier_with_it(
    versions: Versions,
) -> None:
    newer = at_level(2, an_event("d1", 2, event_id="newer"))
    batch = [an_event("d1", 1), newer, an_event("d1", 3, event_id="behind"), an_event("d2", 1)]

    for _ in range(2):  # delivered twice
        await versions.old.process(build_records(batch))
    await versions.old.sweep()

    assert (await versions.effects(), await versions.effects("d2")) == ([1], [1])
    assert await versions.states() == {"newer": "newer", "behind": "parked"}
    assert await read_outbox(versions.store) == []
    assert waiting() == 1


async def test_the_version_that_judges_it_takes_it_in_its_turn_and_what_follows(
    versions: Versions,
) -> None:
    newer = [at_level(2, an_event("d1", rank)) for rank in (2, 4)]
    batch = [an_event("d1", 1), newer[0], an_event("d1", 3), newer[1], an_event("d1", 5)]
    await versions.old.process(build_records(batch))

    await versions.new.sweep()
    await versions.new.sweep()

    assert await versions.effects() == [1, 2, 3, 4, 5]
    assert await versions.states() == {}
    assert await versions.stream() == (6, 0, [])
    assert waiting() == 0
    await versions.old.process(build_records([*batch, an_event("d1", 6)]))
    assert await versions.effects() == [1, 2, 3, 4, 5, 6]


async def test_two_replicas_of_the_newer_version_take_what_waited_once(
    versions: Versions,
) -> None:
    replica = Inbox(versions.store, NEWER_NOTES, versions._handle, lambda: NOW, level=2)  # noqa: SLF001
    batch = [at_level(2, an_event(f"d{d}", rank)) for d in range(5) for rank in (1, 2, 3)]
    await versions.old.process(build_records(batch))

    await asyncio.gather(versions.new.sweep(), replica.sweep(), versions.old.sweep())

    for dossier in range(5):
        assert await versions.effects(f"d{dossier}") == [1, 2, 3]
    assert await versions.states() == {}


async def test_a_type_that_comes_with_the_newer_level_waits_and_is_not_passed_over(
    versions: Versions,
) -> None:
    sung = at_level(2, an_event("d1", 1, payload=Sung(text="la")))

    await versions.old.process(build_records([sung, an_event("d1", 2)]))
    assert await versions.effects() == []
    await versions.new.sweep()

    assert await versions.effects() == [1, 2]


async def test_an_unknown_type_of_a_level_that_is_judged_is_still_passed_over(
    versions: Versions,
) -> None:
    sung = an_event("d1", 1, payload=Sung(text="la"))

    await versions.old.process(build_records([sung, an_event("d1", 2)]))

    assert await versions.effects() == [2]


async def test_what_the_newer_version_fails_on_becomes_its_dead_letter(
    versions: Versions,
) -> None:
    versions.refused = {"boom"}
    broken = at_level(2, an_event("d2", 1, event_id="broken"))
    body = encode(broken).replace(b'"text"', b'"texte"')
    boom = at_level(2, an_event("d1", 1, "boom", event_id="boom"))
    await versions.old.process([a_record(boom), a_record(body), a_record(an_event("d1", 2))])

    await versions.new.sweep()

    states = await versions.states()
    assert (states["boom"], states["broken"]) == ("dead", "dead")
    assert await versions.effects() == []
    letters = await read_outbox(versions.store, topic=NOTES.dead_letters)
    reasons = [dict(each["headers"])["x-reason"] for each in letters]
    assert sorted(reason[:10] for reason in reasons) == ["1 invalid ", "ValueError"]


async def test_a_message_whose_rank_was_taken_meanwhile_is_a_dead_letter_then(
    versions: Versions,
) -> None:
    await versions.old.process(build_records([at_level(2, an_event("d1", 1, event_id="astray"))]))
    await versions.old.process(build_records([an_event("d1", 1), an_event("d1", 2)]))

    await versions.new.sweep()

    assert await versions.effects() == [1, 2]
    assert await versions.states() == {"astray": "dead"}


async def test_an_older_replica_gives_way_for_what_a_newer_one_parked(
    versions: Versions,
) -> None:
    second = at_level(2, an_event("d1", 2, event_id="second"))
    await versions.new.process(build_records([second, an_event("d1", 3)]))
    assert (await versions.states())["second"] == "parked"

    await versions.old.process(build_records([an_event("d1", 1)]))
    await versions.old.sweep()
    assert await versions.effects() == [1]
    assert (await versions.states())["second"] == "newer"
    await versions.new.sweep()

    assert await versions.effects() == [1, 2, 3]


async def test_an_operator_may_give_up_what_waits_for_a_newer_version(
    versions: Versions,
) -> None:
    await versions.old.process(build_records([at_level(2, an_event("d1", 1, event_id="newer"))]))
    await versions.old.process(build_records([an_event("d1", 2)]))

    await versions.store.collection("inbox").update_one(
        {"_id": "newer"}, {"$set": {"state": "discard"}}
    )
    await versions.old.sweep()

    assert await versions.effects() == [2]
    assert await versions.stream() == (3, 0, [])


async def test_a_level_beyond_all_sense_or_without_a_rank_is_a_dead_letter(
    versions: Versions,
) -> None:
    body = encode(an_event("d1", 1)).replace(b'"level":1', b'"level":1000000')
    without = at_level(2, an_event("d2", None, event_id="without"))

    await versions.old.process([a_record(body, offset=4), a_record(without)])

    assert await versions.states() == {f"{NOTES.name}/0/4": "dead", "without": "dead"}


async def test_what_comes_of_a_message_is_written_at_its_level(versions: Versions) -> None:
    await versions.new.process(build_records([an_event("d1", 1)]))
    await versions.new.process(build_records([an_event("d1", 2), at_level(2, an_event("d1", 3))]))
    await versions.new.process(build_records([an_event("d1", 4)]))
    await versions.old.process(build_records([at_level(2, an_event("d1", 5))]))
    await versions.new.sweep()

    assert versions.levels == [1, 2, 1, 2]


async def test_events_carry_the_level_of_the_store_or_of_what_they_come_from(
    namespace: Namespace,
) -> None:
    async def say(transaction: Transaction, level: int = 1) -> None:
        transaction.raise_level(level)
        transaction.publish(Outgoing(STATES, "d1", "d1", Noted(text="x"), "journey"))

    async with namespace.store() as low, namespace.store("essai2", level=2) as high:
        await low.transaction(say)
        await low.transaction(lambda transaction: say(transaction, 3))
        await high.transaction(say)
        told = [
            Event[Noted].model_validate_json(row["value"]).level
            for store in (low, high)
            for row in await read_outbox(store)
        ]

    assert told == [1, 3, 2]


async def test_what_comes_of_a_document_is_written_at_its_level(store: Store) -> None:
    notes: DocumentFormat[str] = DocumentFormat(
        "kept", read=lambda row: str(row["text"]), write=lambda text: {"text": text}, level=2
    )
    rows = [{"_id": "low", "text": "a", "schema": 1}, {"_id": "high", "text": "b", "schema": 2}]
    await store.collection("kept").insert_many(rows)

    async def rewrite(transaction: Transaction, name: str) -> list[int]:
        documents = RewrittenDocuments(notes, transaction)
        row = await transaction.collection("kept").find_one({"_id": name})
        assert row is not None
        said = documents.read(row)
        transaction.publish(Outgoing(STATES, "d1", "d1", Noted(text=said), "journey"))
        return [documents.write(name, said)["schema"], documents.write("new", said)["schema"]]

    written = [
        await store.transaction(partial(rewrite, name=name)) for name in ("low", "high", "low")
    ]

    assert written == [[1, 1], [2, 2], [1, 1]]
    told = await read_outbox(store)
    levels = [Event[Noted].model_validate_json(row["value"]).level for row in told]
    assert levels == [1, 2, 1]


async def test_a_dossier_whose_document_is_newer_waits_alone(versions: Versions) -> None:
    is_newer = True

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        if is_newer and any(event.dossierid == "d1" for event in events):
            raise NewerDocumentError("dossiers", ["d1"])
        await versions._handle(transaction, events)  # noqa: SLF001

    inbox = Inbox(versions.store, NOTES, handle, lambda: NOW)
    await inbox.process(build_records([an_event("d1", 1), an_event("d2", 1), an_event("d1", 2)]))
    await inbox.sweep()
    assert (await versions.effects(), await versions.effects("d2")) == ([], [1])

    is_newer = False
    await inbox.sweep()

    assert await versions.effects() == [1, 2]


class States:
    """A projection of this version and one of the next, on one store."""

    def __init__(self, store: Store) -> None:
        config = ProjectionConfig(self._keep, "states")
        self.store = store
        self.old = Projection(store, STATES, config, lambda: NOW, level=1)
        self.new = Projection(store, STATES, config, lambda: NOW, level=2)

    async def _keep(self, transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        rows: list[Document] = [
            {"_id": event.dossierid, "version": event.data.version} for event in events
        ]
        await keep_newest(transaction, "states", rows)

    async def known(self, dossier: str = "d1") -> int | None:
        row = await self.store.collection("states").find_one({"_id": dossier})
        return row["version"] if row else None

    async def held(self) -> list[str]:
        return [row["state"] async for row in self.store.collection("inbox").find({"held": True})]


@pytest.fixture
async def states(store: Store) -> States:
    states = States(store)
    await states.old.prepare()
    return states


def state(version: int, level: int = 1, dossier: str = "d1") -> Record:
    said = Stood(dossier_id=dossier, version=version)
    told = an_event(dossier, version, payload=said, event_id=f"{dossier}/{version}")
    return as_record(at_level(level, told), version)


async def test_a_newer_state_is_kept_aside_and_taken_by_the_version_that_judges_it(
    states: States,
) -> None:
    for _ in range(2):  # delivered twice
        await states.old.process([state(1), state(2, 2), state(1, 1, "d2")])
    await states.old.sweep()
    assert (await states.known(), await states.known("d2")) == (1, 1)
    assert await states.held() == ["newer"]
    assert waiting(STATES.name) == 1

    await states.new.sweep()

    assert await states.known() == 2
    assert await states.held() == []


async def test_a_state_that_waits_does_not_come_back_after_its_tombstone(states: States) -> None:
    await states.old.process([state(1), state(2, 2)])
    tombstone = replace(a_record(b"", topic=STATES, offset=3), is_null=True)
    assert await states.held() == ["newer"]

    await states.old.process([tombstone])
    await states.new.sweep()

    assert await states.known() is None
    assert await states.held() == []


async def test_a_later_state_that_is_judged_makes_up_for_one_that_waits(states: States) -> None:
    await states.old.process([state(1), state(2, 2), state(3)])
    assert await states.known() == 3

    await states.new.sweep()

    assert await states.known() == 3
    assert await states.held() == []


async def test_a_state_that_waited_is_believed_no_more_than_another(states: States) -> None:
    await states.old.process([state(1), state(900_000, 2)])

    await states.new.sweep()

    assert await states.known() == 1
    assert await states.held() == ["dead"]
