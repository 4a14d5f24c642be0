"""Database of a service: connection, and transactions that commit messages to the outbox."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlsplit

from bson import Timestamp
from bson.binary import Binary
from bson.codec_options import CodecOptions
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
)
from motor.motor_asyncio import AsyncIOMotorDatabase as Database
from pymongo.errors import ConfigurationError, ConnectionFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.contracts.envelope import Event, encode
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import DEAD_LETTER_MAX_BYTES, RECORD_MAX_BYTES
from shared.runtime.clock import Clock
from shared.runtime.errors import StoreUriError, TooLargeError
from shared.runtime.facts.log import FactLog
from shared.runtime.facts.occurrence import Ids
from shared.runtime.facts.publications import describe_message
from shared.runtime.ids import new_id
from shared.runtime.notifier import Notifier
from shared.runtime.record_size import measure_record
from shared.runtime.store.outbox_documents import pack_messages
from shared.runtime.tracing.traceparent import HEADER, format_traceparent
from shared.vocabulary.levels import WRITE_LEVEL

Document = dict[str, Any]
Collection: TypeAlias = "AsyncIOMotorCollection[Document]"
Session: TypeAlias = AsyncIOMotorClientSession
T = TypeVar("T")

_SESSIONS_KEPT_S = 7 * 24 * 3600
"""Time for which the ids of sessions are kept, in seconds."""
_TIMEOUTS: Mapping[str, Any] = {
    "serverSelectionTimeoutMS": 3000,
    "connectTimeoutMS": 3000,
    "socketTimeoutMS": 20_000,
}
"""Timeouts of a client, in milliseconds: a store that stops answering counts as away, and no call
waits for ever. Those that the connection string states win."""
_CONFLICTS_S = 5.0
"""Time for which a transaction is retried after conflicts, in seconds."""
_PAUSE_S = 0.02
"""Longest retry delay after a conflict, in seconds."""
_PING_S = 2.0
"""Timeout of a ping, in seconds."""
SNAPSHOT = ReadConcern("snapshot")
_MAJORITY = WriteConcern("majority")
_NO_IDS: Ids = MappingProxyType({})


def list_timeouts(uri: str) -> Mapping[str, Any]:
    """List the timeouts of a client that its connection string does not state."""
    stated = {name.lower() for name, _ in parse_qsl(urlsplit(uri).query)}
    return {name: value for name, value in _TIMEOUTS.items() if name.lower() not in stated}


@contextmanager
def name_uri_faults() -> Iterator[None]:
    """Raise StoreUriError where the driver refuses a connection string."""
    try:
        yield
    except (ConfigurationError, ValueError) as error:
        raise StoreUriError(str(error)) from error


@dataclass(slots=True)
class Transaction:
    """A transaction: its documents and its outgoing messages are committed together, or neither."""

    db: "Database[Document]"
    session: Session
    service: str
    clock: Clock
    facts: FactLog
    """Facts to log once this transaction has committed."""
    level: int = WRITE_LEVEL
    """Level of the values written: at least that of the messages and documents they come from."""
    messages: list[Document] = field(default_factory=list)
    notified: set[str] = field(default_factory=set)
    """Keys whose subscribers in this process are notified when the transaction commits."""

    def collection(self, name: str) -> Collection:
        """Get a collection; pass `session` to each of its calls."""
        return self.db[name]

    def raise_level(self, level: int) -> None:
        """Raise the level of this transaction to `level`, as it writes a value of that level."""
        self.level = max(self.level, level)

    def publish(self, message: Outgoing) -> None:
        """Publish `message` when this transaction commits.

        Raises TooLargeError for a message that the broker would refuse: after the commit it would
        be too late.
        """
        event: Event[Any] = Event(
            id=new_id(),
            source=f"/services/{self.service}",
            type=message.payload.event_type,
            time=self.clock(),
            subject=message.subject,
            dossierid=message.dossier_id,
            sequence=message.sequence,
            correlationid=message.correlation_id,
            causationid=message.causation_id,
            level=self.level,
            data=message.payload,
        )
        value = encode(event)
        headers = [(HEADER, format_traceparent(event.correlationid, event.id))]
        size = measure_record(message.key, value, headers)
        if size > RECORD_MAX_BYTES:
            raise TooLargeError(
                message.topic.name, size, RECORD_MAX_BYTES, _find_heaviest_field(event)
            )
        self._add_message(
            topic=message.topic.name,
            key=message.key,
            stream=message.dossier_id or message.key,
            rank=message.sequence or getattr(message.payload, "version", 0),
            value=value,
            headers=headers,
            about=describe_message(event, self.facts.find_parent_span(event)),
        )
        self.facts.note_message(event, message.act)

    def publish_raw(
        self, topic: str, key: str, value: bytes, headers: Mapping[str, str], ids: Ids = _NO_IDS
    ) -> None:
        """Publish bytes as they are when this transaction commits; `ids` are logged with them.

        Raises TooLargeError when no topic takes so many bytes.
        """
        size = measure_record(key, value, headers.items())
        if size > DEAD_LETTER_MAX_BYTES:
            raise TooLargeError(topic, size, DEAD_LETTER_MAX_BYTES, "value")
        # Headers are stored as pairs: a header name may not be a valid name of a field.
        pairs = list(headers.items())
        self._add_message(
            topic=topic,
            key=key,
            stream=key,
            rank=0,
            value=value,
            headers=pairs,
            about={"ids": dict(ids)},
        )

    def _add_message(self, **message: Any) -> None:  # noqa: ANN401 - a document
        self.messages.append(message)


def _find_heaviest_field(event: Event[Any]) -> str:
    """Find the field of a payload that takes most of its bytes."""
    fields: dict[str, Any] = event.data.model_dump(mode="json", exclude_none=True)
    return max(fields, key=lambda name: len(json.dumps(fields[name])), default="data")


class Store:
    """Database of one service."""

    def __init__(
        self,
        uri: str,
        service: str,
        clock: Clock,
        namespace: str = "",
        instance: str = "1",
        level: int = WRITE_LEVEL,
    ) -> None:
        """Prepare the connection; nothing is sent before the first call.

        Raises StoreUriError for a connection string that cannot be used.
        """
        with name_uri_faults():
            self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
                uri, appname=service, **list_timeouts(uri)
            )
        options: CodecOptions[Document] = CodecOptions(tz_aware=True)
        self.service = service
        self.level = level
        """Write level: the level at which each transaction starts."""
        self._clock = clock
        self.db: Database[Document] = self._client.get_database(
            name_database(service, namespace),
            codec_options=options,
            read_concern=ReadConcern("majority"),
            write_concern=_MAJORITY,
        )
        self._instance = instance
        self._registered: set[bytes] = set()
        self.committed = asyncio.Event()
        """Set at each commit with outgoing messages: it wakes the relay."""
        self.notifier = Notifier()

    def collection(self, name: str) -> Collection:
        """Get a collection for reads and writes outside a transaction."""
        return self.db[name]

    async def ping(self) -> None:
        """Raise an error when the store does not answer."""
        await asyncio.wait_for(self._client.admin.command("ping"), _PING_S)

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in one transaction and commit; retry when it conflicts with another one.

        `work` may run several times, so it must keep no state outside its transaction. Raises the
        errors of `work`, after a rollback, and those of the store. When the store is away it does
        not retry: the caller knows whether somebody is waiting for the answer.
        """
        give_up = time.monotonic() + _CONFLICTS_S
        async with await self._client.start_session() as session:
            await self._register(_read_session_id(session))
            while True:
                try:
                    return await self._attempt(session, work)
                except PyMongoError as error:
                    if not _is_conflict(error) or time.monotonic() > give_up:
                        raise
                await asyncio.sleep(_PAUSE_S * random.uniform(0.2, 1))  # noqa: S311 - jitter

    async def abort_orphans(self) -> None:
        """Abort the transactions that this instance left open when it was killed.

        They would block writers of the same documents until the store aborts them, after a minute.
        Aborting a living transaction by mistake does no harm: it is retried.
        """
        sessions = self.db["sessions"]
        await sessions.create_index("at", expireAfterSeconds=_SESSIONS_KEPT_S)
        mine = [row["_id"] async for row in sessions.find({"instance": self._instance})]
        orphans = [each for each in mine if each not in self._registered]
        if orphans:
            await self.db.command("killSessions", [{"id": each} for each in orphans])
            await sessions.delete_many({"_id": {"$in": orphans}})

    async def _register(self, session_id: Binary) -> None:
        """Record a session before its first transaction. The driver reuses a few."""
        if session_id not in self._registered:
            row = {"_id": session_id, "instance": self._instance, "at": self._clock()}
            await self.db["sessions"].replace_one({"_id": session_id}, row, upsert=True)
            self._registered.add(session_id)

    async def _attempt(self, session: Session, work: Callable[[Transaction], Awaitable[T]]) -> T:
        facts = FactLog(self.service)
        transaction = Transaction(self.db, session, self.service, self._clock, facts, self.level)
        async with session.start_transaction(SNAPSHOT, _MAJORITY):
            result = await work(transaction)
            if transaction.messages:
                clock = await self._read_logical_clock(session)
                documents = pack_messages(transaction.messages, clock)
                await self.db["outbox"].insert_many(documents, session=session)
        facts.write()
        if transaction.messages:
            self.committed.set()
        self.notifier.notify(*transaction.notified)
        return result

    async def _read_logical_clock(self, session: Session) -> Timestamp:
        """Read the cluster time of a transaction: after that of each transaction that it has read.

        The time of a commit is after every time that the store returned before it.
        """
        time_read: Any = session.cluster_time
        if time_read is None:
            # `work` has made no call to the store. A `ping` would abort the transaction.
            await self.db["outbox"].find_one({"_id": ""}, session=session)
            time_read = session.cluster_time
        clock: Timestamp = time_read["clusterTime"]
        return clock

    async def read_clock(self) -> datetime:
        """Read the store's clock: the only one by which replicas agree."""
        return await read_clock(self.db)

    async def __aenter__(self) -> Self:
        """Return the store itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()


async def read_clock(db: "Database[Document]") -> datetime:
    """Read the clock of the store's primary.

    The clock is read first rather than set by each update as `$$NOW`: that costs a round trip, but
    an update by a pipeline costs SecantusDB 4 ms instead of 0.5.
    """
    hello = await db.command("hello", codec_options=db.codec_options)
    now: datetime = hello["localTime"]
    return now


async def aggregate(
    collection: Collection,
    pipeline: Sequence[Mapping[str, Any]],
    session: Session | None = None,
) -> AsyncIterator[Document]:
    """Run an aggregation pipeline and yield its documents one by one."""
    async for row in collection.aggregate(pipeline, session=session):
        yield row


def name_database(service: str, namespace: str) -> str:
    """Build the name of a service's database, without the dots that a store refuses."""
    return f"{namespace}{service}".replace(".", "-")


def _read_session_id(session: Session) -> Binary:
    document: Any = session.session_id  # Motor's stub takes it for a method
    identifier: Binary = document["id"]
    return identifier


def _is_conflict(error: PyMongoError) -> bool:
    return error.has_error_label("TransientTransactionError") and not isinstance(
        error, ConnectionFailure
    )
