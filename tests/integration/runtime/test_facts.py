"""Facts are logged once, after the commit of their transaction, and by the relay after the ack."""

import asyncio
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from shared.contracts.envelope import Event, encode
from shared.contracts.organisation_v1 import ParametersV1, StructureChanged
from shared.contracts.outgoing import Outgoing
from shared.contracts.routing_v1 import StatusChanged
from shared.contracts.topics import STATUT, STRUCTURE
from shared.runtime.messaging.directory import project_structures
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.messaging.outbox import Relay
from shared.runtime.messaging.projection import Projection, ProjectionConfig
from shared.runtime.store.database import Document, Store, Transaction
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus
from tests.kit.events import NOTES, NOW, a_record, an_event, build_records
from tests.kit.outbox import FakeBroker, read_outbox
from tests.kit.states import a_status
from tests.kit.waiting import wait_until

Line = dict[str, Any]
IDS = {"dossier_id": "d1", "piece_id": "p", "correlation_id": "journey of d1"}


class Log:
    """The lines of facts that were written."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def read(self) -> list[Line]:
        """Give those that have come since."""
        lines = self._capsys.readouterr().out.splitlines()
        return [json.loads(line) for line in lines if '"event": "fact.' in line]


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    return Log(capsys)


def a_message(status: Event[StatusChanged], act: str | None = None) -> Outgoing:
    return Outgoing(STATUT, "d1", "p", status.data, "journey of d1", "d1", 1, "cause", act)


async def test_a_fact_is_written_once_however_often_its_transaction_is_tried(
    store: Store, log: Log
) -> None:
    async def add(transaction: Transaction) -> None:
        things = transaction.collection("things")
        found = await things.find_one({"_id": 1}, session=transaction.session)
        await asyncio.sleep(0.01)
        transaction.publish(a_message(a_status("d1", 1)))
        transaction.facts.note_warning("something.odd", n=(found or {})["n"])
        tries.append(transaction)
        await things.update_one(
            {"_id": 1}, {"$set": {"n": (found or {})["n"] + 1}}, session=transaction.session
        )

    tries: list[Transaction] = []
    await store.collection("things").insert_one({"_id": 1, "n": 0})
    await asyncio.gather(*(store.transaction(add) for _ in range(8)))

    rows = await read_outbox(store)
    assert len(tries) > len(rows) == 8
    lines = log.read()
    assert Counter(line["message_id"] for line in lines) == Counter(
        row["about"]["ids"]["message_id"] for row in rows
    )
    first = lines[0]
    assert first.items() >= IDS.items()
    assert (first["event"], first["level"], first["status"]) == ("fact.status", "info", "DEPOSEE")
    assert first["service"] == "essai"
    assert next(iter(first)) == "timestamp"


async def test_what_is_rolled_back_is_not_written(store: Store, log: Log) -> None:
    async def work(transaction: Transaction) -> None:
        transaction.publish(a_message(a_status("d1", 1)))
        transaction.facts.note_warning("something.odd")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.transaction(work)

    assert log.read() == []


async def test_an_act_is_written_before_the_status_that_it_led_to(store: Store, log: Log) -> None:
    async def work(transaction: Transaction) -> None:
        status = a_status("d1", 1)
        by = status.data.depositor
        told = status.model_copy(update={"data": status.data.model_copy(update={"by": by})})
        transaction.publish(a_message(told, "suspendre"))

    await store.transaction(work)

    act, status = log.read()
    assert (act["event"], act["act"], act["role"]) == ("fact.act", "suspendre", "titulaire")
    assert status["event"] == "fact.status"
    assert act["message_id"] == status["message_id"]


class _Gone:
    def write(self, _: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


async def test_a_log_that_nobody_reads_any_more_undoes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(transaction: Transaction) -> None:
        transaction.publish(a_message(a_status("d1", 1)))

    monkeypatch.setattr(sys, "stdout", _Gone())
    await store.transaction(work)

    assert len(await read_outbox(store)) == 1


@pytest.fixture
def _warnings_alone() -> Iterator[None]:
    ours = logging.getLogger("shared")
    before = ours.level
    ours.setLevel("WARNING")
    yield
    ours.setLevel(before)


@pytest.mark.usefixtures("_warnings_alone")
async def test_the_level_of_the_log_holds(store: Store, log: Log) -> None:
    inbox = Inbox(store, NOTES, _do_nothing, lambda: NOW)
    await inbox.process([*build_records([an_event(rank=1)]), a_record(b"{", offset=1)])

    assert [line["event"] for line in log.read()] == ["fact.dead_letter"]


async def _do_nothing(_: Transaction, __: Sequence[Event[Any]]) -> None:
    """Stand for a handler."""


async def test_a_delivery_is_written_once_however_often_a_message_comes(
    store: Store, log: Log
) -> None:
    inbox = Inbox(store, NOTES, _do_nothing, lambda: NOW)
    first, second, third = (an_event(rank=rank) for rank in (1, 2, 3))

    await inbox.process(build_records([first, first]))
    await inbox.process(build_records([first, third]))
    assert [line["message_id"] for line in log.read()] == [first.id]

    await inbox.process(build_records([second]))
    lines = log.read()
    # The third was parked: it takes effect when the second has.
    assert [line["message_id"] for line in lines] == [second.id, third.id]
    assert {line["event"] for line in lines} == {"fact.delivery"}
    assert lines[0] == {
        "timestamp": lines[0]["timestamp"],
        "level": "info",
        "service": "essai",
        "event": "fact.delivery",
        "dossier_id": "d1",
        "message_id": second.id,
        "correlation_id": "journey-1",
        "topic": NOTES.name,
        "type": "fr.aiguillage.essai.note.v1",
    }


async def test_a_dead_letter_is_written_once_with_its_reason(store: Store, log: Log) -> None:
    async def fail(_: Transaction, __: Sequence[Event[Any]]) -> None:
        raise ValueError("a bug")

    inbox = Inbox(store, STATUT, fail, lambda: NOW)
    status = a_status("d1", 1)
    for _ in range(2):
        await inbox.process([a_record(encode(status), topic=STATUT)])

    (line,) = log.read()
    assert line.items() >= {**IDS, "message_id": "d1-1", "topic": STATUT.name}.items()
    assert (line["event"], line["level"]) == ("fact.dead_letter", "error")
    assert line["reason"] == "ValueError('a bug')"
    assert line["entry"] == "d1-1"


async def test_a_state_is_delivered_once_and_only_when_it_is_newer(store: Store, log: Log) -> None:
    config = ProjectionConfig(project_structures, "structures")
    projection = Projection(store, STRUCTURE, config, lambda: NOW)
    first, second, third = (a_structure(version) for version in (1, 2, 3))

    for batch in ([first, second], [first, second], [third, second]):
        await projection.process([a_record(each, topic=STRUCTURE, key="s") for each in batch])

    lines = log.read()
    assert [line["message_id"] for line in lines] == [first.id, second.id, third.id]
    # A structure is in no dossier.
    assert all("dossier_id" not in line for line in lines)


def a_structure(version: int) -> Event[Any]:
    state = StructureChanged(
        structure="s",
        version=version,
        identifier_type=IdentifierType.SIRET,
        identifier="35600000000048",
        name="Une structure",
        kind=StructureKind.PUBLIQUE,
        status=StructureStatus.ACTIF,
        parameters=ParametersV1(),
        at=NOW,
    )
    event = an_event("s", None, event_id=f"s-{version}", payload=state)
    return event.model_copy(update={"dossierid": None})


async def test_a_publication_is_written_when_the_broker_has_it(store: Store, log: Log) -> None:
    async def work(transaction: Transaction) -> None:
        transaction.publish(a_message(a_status("d1", 1)))
        transaction.publish_raw(NOTES.dead_letters, "d1", b"{", {})

    acknowledged: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    class Waiting(FakeBroker):
        async def publish(self, message: Document) -> asyncio.Future[object]:
            await super().publish(message)
            return acknowledged

    broker = Waiting()
    await store.transaction(work)
    relay = asyncio.create_task(Relay(store, broker).run())
    await wait_until(lambda: len(broker.messages) == 2, "both are handed over")
    (status,) = log.read()

    acknowledged.set_result(None)

    async def is_empty() -> bool:
        return not await read_outbox(store)

    await wait_until(is_empty, "the outbox is empty")
    relay.cancel()
    published = {line["topic"]: line for line in log.read()}
    assert published[STATUT.name].items() >= IDS.items()
    assert published[STATUT.name]["message_id"] == status["message_id"]
    assert published[STATUT.name]["type"] == "fr.aiguillage.piece.statut.v1"
    assert published[NOTES.dead_letters]["event"] == "fact.publication"
