"""Malformed records on a real store: each becomes a dead letter, and the sound ones pass."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, UnknownError
from aiokafka.structs import ConsumerRecord

from shared.contracts.envelope import Event
from shared.contracts.topics import (
    DEAD_LETTER_MAX_BYTES,
    DOSSIER,
    PIECE_DEPOSEE,
    STATUT,
    STRUCTURE,
    Topic,
)
from shared.runtime.messaging.broker import read_record
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.messaging.isolation import write_dead_letter
from shared.runtime.messaging.parsing import Record, RecordParser
from shared.runtime.messaging.projection import Projection, ProjectionConfig
from shared.runtime.record_size import measure_record
from shared.runtime.store.database import Store, Transaction
from tests.integration.runtime.test_broker import consuming
from tests.kit.events import NOTES, NOW, a_record
from tests.kit.malformed import RawRecord, build_malformed_records
from tests.kit.namespaces import Namespace
from tests.kit.outbox import read_outbox
from tests.kit.waiting import scale_timeout, wait_until

GOLDEN = Path(__file__).parents[2] / "contracts" / "golden"


def golden(topic: Topic) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(
        (GOLDEN / topic.payloads[0].event_type / "1.json").read_text(encoding="utf-8")
    )
    return event


def fetched(topic: Topic, wild: RawRecord, offset: int) -> Record:
    """Read a record as the link to the broker does."""
    raw: Any = ConsumerRecord(
        topic.name, 0, offset, 0, 0, wild.key, wild.value, None, 0, 0, wild.headers
    )
    return read_record(raw)


async def keep(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
    """Keep what is told as it is, as a service would."""
    rows = [{"of": event.subject, **event.data.model_dump(mode="json")} for event in events]
    await transaction.collection("kept").insert_many(rows, session=transaction.session)


def a_processor(store: Store, topic: Topic) -> Inbox | Projection:
    if topic.is_compacted:
        return Projection(store, topic, ProjectionConfig(keep, "kept"), lambda: NOW)
    return Inbox(store, topic, keep, lambda: NOW)


@pytest.mark.parametrize(
    "topic", [PIECE_DEPOSEE, STATUT, DOSSIER, STRUCTURE], ids=lambda topic: topic.name
)
async def test_no_malformed_record_stops_a_reader(store: Store, topic: Topic) -> None:
    processor = a_processor(store, topic)
    await processor.prepare()
    wild = [
        fetched(topic, each, rank)
        for rank, each in enumerate(build_malformed_records(golden(topic)))
    ]
    sound = of_another(golden(topic))

    await processor.process(wild)
    await processor.process(
        [fetched(topic, RawRecord("sound", json.dumps(sound).encode(), _key(sound)), 999)]
    )

    entries = await store.collection("inbox").find().to_list(None)
    letters = await read_outbox(store, topic=topic.dead_letters)
    dead = [entry for entry in entries if entry["state"] == "dead"]
    assert len(wild) * 0.8 < len(dead) <= len(letters) + 1
    for letter in letters:
        size = measure_record(
            letter["key"], letter["value"], [tuple(pair) for pair in letter["headers"]]
        )
        assert size <= DEAD_LETTER_MAX_BYTES
    kept = await store.collection("kept").find({"of": sound["subject"]}).to_list(None)
    assert kept, "the sound one passes"


def of_another(event: dict[str, Any]) -> dict[str, Any]:
    """Tell the same of another dossier: a dead letter holds back what follows it in its own."""
    about = event.get("dossierid") or event["subject"]
    another: dict[str, Any] = json.loads(json.dumps(event).replace(about, f"{about}-b"))
    return another | {"id": "sound"}


def _key(sound: dict[str, Any]) -> bytes:
    return str(sound.get("dossierid") or sound["subject"]).encode()


@pytest.mark.native
@pytest.mark.usefixtures("native_backbone")
@pytest.mark.parametrize("topic", [PIECE_DEPOSEE, DOSSIER], ids=lambda topic: topic.name)
async def test_on_a_real_kafka_the_group_moves_on(
    store: Store, namespace: Namespace, topic: Topic
) -> None:
    namespace.provision([topic])
    processor = a_processor(store, topic)
    await processor.prepare()
    sound = of_another(golden(topic))
    name = namespace.prefix + topic.name
    refused = 0
    async with AIOKafkaProducer(
        bootstrap_servers=namespace.platform.addresses.kafka, max_request_size=10**7
    ) as producer:
        for wild in build_malformed_records(golden(topic)):
            try:
                await producer.send_and_wait(
                    name, wild.value, key=wild.key, headers=list(wild.headers), partition=0
                )
            except (MessageSizeTooLargeError, UnknownError):
                # Too large whole, or without a key on a compacted topic.
                refused += 1
        await producer.send_and_wait(name, json.dumps(sound).encode(), key=_key(sound), partition=0)

    async def is_kept() -> bool:
        kept = await store.collection("kept").find_one({"of": sound["subject"]})
        return kept is not None

    async with consuming(namespace, processor, topic) as group:
        await wait_until(is_kept, "the sound one passes", limit_s=90)
        await asyncio.wait_for(group.wait_until_caught_up(), scale_timeout(60))

    assert refused <= 3
    dead = await store.collection("inbox").count_documents({"state": "dead"})
    assert dead > len(list(build_malformed_records(golden(topic)))) * 0.8


async def test_a_letter_that_the_store_refuses_is_a_dead_letter_as_bytes_at_a_position(
    store: Store,
) -> None:
    inbox = Inbox(store, NOTES, keep, lambda: NOW)
    await inbox.prepare()
    message = RecordParser(NOTES, is_sequenced=True).parse(a_record(b"{}", offset=7))

    # What a bound of the contracts may have forgotten: a rank that no store holds.
    await write_dead_letter(replace(message, id="odd", sequence=2**70), "a bug", inbox._commit)  # noqa: SLF001

    (dead,) = await store.collection("inbox").find({"state": "dead"}).to_list(None)
    assert (dead["_id"], dead["value"]) == ("essai.note.v1/0/7", b"{}")
    (letter,) = await read_outbox(store)
    reason = dict(letter["headers"])["x-reason"]
    assert "a bug" in reason
    assert "OverflowError" in reason
