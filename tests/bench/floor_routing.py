"""Floor of the bench, a lower bound of routing's cost: A4, A15, A19 and nothing else, by hand.

The same reads, the same documents in the same transaction, the same records as routing, on
aiokafka, pydantic and motor alone: no framework, no shared runtime, no domain, no dossier but the
stored document.

python -m tests.bench.floor_routing KAFKA MONGO
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import TypeAdapter
from pymongo import ReplaceOne, UpdateOne
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.envelope import Event
from shared.contracts.topics import PIECE_DEPOSEE
from tests.bench.floor_documents import Batch, Deposited, Document, add_state, route

TOPIC = PIECE_DEPOSEE.name
READER: TypeAdapter[Deposited] = TypeAdapter(Event[PieceDeposited])


async def main(kafka: str, mongo: str) -> None:
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(mongo)
    db = client.get_database(
        "routing", read_concern=ReadConcern("majority"), write_concern=WriteConcern("majority")
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=False, max_batch_size=256 * 1024
    )
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        group_id="floor",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await producer.start()
    await consumer.start()
    consumer.assign([TopicPartition(TOPIC, part) for part in range(PIECE_DEPOSEE.partitions)])
    print("ready", flush=True)
    while True:
        fetched = await consumer.getmany(timeout_ms=20, max_records=500)
        events = [READER.validate_json(each.value) for part in fetched.values() for each in part]
        if not events:
            continue
        async with await client.start_session() as session:
            batch: Batch = await session.with_transaction(partial(transact, db, events))
        sent = [
            await producer.send(
                document["topic"],
                row["value"],
                key=row["key"].encode(),
                headers=[("content-type", b"application/cloudevents+json; charset=UTF-8")],
            )
            for document in batch.outbox.values()
            for row in document["messages"]
        ]
        await asyncio.gather(*sent)
        names = [document["_id"] for document in batch.outbox.values()]
        await db["outbox"].delete_many({"_id": {"$in": names}})
        await consumer.commit()


async def transact(db: Any, events: list[Deposited], session: Any) -> Batch:  # noqa: ANN401
    async def read(collection: str, ids: set[str]) -> list[Document]:
        found = db[collection].find({"_id": {"$in": list(ids)}}, session=session)
        return [document async for document in found]

    batch = Batch()
    seen = {row["_id"] for row in await read("inbox", {event.id for event in events})}
    streams = await read("streams", {f"{TOPIC}|{event.dossierid}" for event in events})
    expected = {row["stream"]: row["next"] for row in streams}
    known = await read("dossiers", {event.data.dossier_id for event in events})
    dossiers = {row["_id"]: row for row in known}
    names = {name for event in events for name in event.data.directory}
    directory = {row["_id"]: row for row in await read("structures", names)}
    for event in events:
        dossier_id, rank = event.data.dossier_id, event.sequence or 0
        if event.id in seen or rank != expected.get(dossier_id, 1):
            raise RuntimeError("the load of the bench is in order and without repeats")
        if any(directory[n]["version"] < v for n, v in event.data.directory.items()):
            raise RuntimeError("the directory is behind")
        expected[dossier_id] = rank + 1
        batch.streams[dossier_id] = rank + 1
        route(batch, dossiers, event)
        now = datetime.now(UTC)  # noqa: TID251 - by hand
        batch.inbox.append(
            {
                "_id": event.id,
                "topic": TOPIC,
                "stream": dossier_id,
                "sequence": event.sequence,
                "state": "done",
                "at": now,
                "expires_at": now + timedelta(days=37),
            }
        )
    for dossier in batch.dossiers.values():
        add_state(batch, dossier)
    await write(db, session, batch)
    return batch


async def write(db: Any, session: Any, batch: Batch) -> None:  # noqa: ANN401
    await db["audit"].insert_many(batch.audit, session=session)
    await db["dossiers"].bulk_write(
        [ReplaceOne({"_id": key}, each, upsert=True) for key, each in batch.dossiers.items()],
        ordered=False,
        session=session,
    )
    await db["inbox"].insert_many(batch.inbox, session=session)
    await db["streams"].bulk_write(
        [
            UpdateOne(
                {"_id": f"{TOPIC}|{stream}"},
                {"$set": {"topic": TOPIC, "stream": stream, "next": rank, "dead": [], "parked": 0}},
                upsert=True,
            )
            for stream, rank in batch.streams.items()
        ],
        ordered=False,
        session=session,
    )
    await db["outbox"].insert_many(list(batch.outbox.values()), session=session)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
