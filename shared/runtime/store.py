"""The document store of a service: one database, and transactions that carry their messages."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from motor.motor_asyncio import AsyncIOMotorCollection as Collection
from motor.motor_asyncio import AsyncIOMotorDatabase as Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.contracts.envelope import Event, encode
from shared.contracts.outgoing import Outgoing
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id

Document = dict[str, Any]
T = TypeVar("T")

_SERVER_SELECTION_MS = 3000


@dataclass(slots=True)
class Transaction:
    """One transaction of the store: what it writes and what it says are kept, or lost, together."""

    db: "Database[Document]"
    session: AsyncIOMotorClientSession
    source: str
    clock: Clock
    rows: list[Document] = field(default_factory=list)

    def collection(self, name: str) -> "Collection[Document]":
        """Get a collection; pass `session` to each of its calls."""
        return self.db[name]

    def publish(self, message: Outgoing) -> None:
        """Say `message` when this transaction commits."""
        event: Event[Any] = Event(
            id=new_id(),
            source=self.source,
            type=message.payload.event_type,
            time=self.clock(),
            subject=message.subject,
            dossierid=message.dossier_id,
            sequence=message.sequence,
            correlationid=message.correlation_id,
            causationid=message.causation_id,
            data=message.payload,
        )
        self.publish_raw(message.topic.name, message.key, encode(event), {})

    def publish_raw(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> None:
        """Say ready-made bytes when this transaction commits."""
        self.rows.append(
            {"_id": new_id(), "topic": topic, "key": key, "value": value, "headers": headers}
        )


class Store:
    """A service's own database."""

    def __init__(self, uri: str, service: str, clock: Clock) -> None:
        """Prepare the connection; nothing is sent before the first call."""
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            uri,
            serverSelectionTimeoutMS=_SERVER_SELECTION_MS,
            appname=service,
        )
        self._options: CodecOptions[Document] = CodecOptions(tz_aware=True)
        self._source = f"/services/{service}"
        self._clock = clock
        self.db: Database[Document] = self._client.get_database(
            service,
            codec_options=self._options,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority"),
        )
        self.committed = asyncio.Event()
        """Set at each commit that has something to say: it wakes the relay."""

    def collection(self, name: str) -> "Collection[Document]":
        """Get a collection for reads and writes outside a transaction."""
        return self.db[name]

    async def ping(self) -> None:
        """Raise when the store does not answer."""
        await self._client.admin.command("ping")

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in one transaction, again when the store asks for it, and commit.

        `work` may run several times: it keeps no state outside its transaction.
        Raises what `work` raises, after a rollback, and the store's errors.
        """

        async def attempt(session: AsyncIOMotorClientSession) -> tuple[T, bool]:
            transaction = Transaction(self.db, session, self._source, self._clock)
            result = await work(transaction)
            if transaction.rows:
                await self.db["outbox"].insert_many(transaction.rows, session=session)
            return result, bool(transaction.rows)

        outcome: tuple[T, bool]
        async with await self._client.start_session() as session:
            outcome = await session.with_transaction(attempt)
        result, has_said = outcome
        if has_said:
            self.committed.set()
        return result

    async def __aenter__(self) -> Self:
        """Use the store."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close its connections."""
        self._client.close()
