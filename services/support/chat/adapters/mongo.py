"""Store of chats, lines, queues and presence in MongoDB, with a time to live."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import TypeAdapter

from services.support.access.adapters.mongo_tokens import add_token
from services.support.chat.application.ports import ChatChange, ChatPresence
from services.support.chat.domain.chat import (
    Chat,
    ChatState,
    ChatUpdate,
    Line,
    LineKind,
    Message,
    Queue,
)
from shared.application.idempotency import Key, UsedKey
from shared.runtime.errors import NewerDocumentError
from shared.runtime.notifier import Notifier
from shared.runtime.store.change_stream import watch_inserts
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.idempotency_keys import (
    find_key_use,
    record_key_use,
    transact_once,
)
from shared.runtime.store.schema import DocumentFormat, RewrittenDocuments
from shared.vocabulary.tickets import Side

T = TypeVar("T")
_QUEUES, _PRESENCE = "chat_queues", "chat_presence"
_PRESENCE_KEPT = timedelta(days=2)
_CHAT, _LINE = TypeAdapter(Chat), TypeAdapter(Line)


class MongoChats:
    """Store of chats, each one document, and of their lines."""

    def __init__(self, store: Store, kept: timedelta) -> None:
        """Set after how long a chat is deleted."""
        self._store = store
        self._chats = store.collection(CHATS.collection)
        self._lines = store.collection(LINES.collection)
        self._presence = store.collection(_PRESENCE)
        self._kept = kept

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._chats.create_index([("queue", 1), ("state", 1), ("place", 1)])
        await self._chats.create_index("open_of", sparse=True)
        await self._chats.create_index("sent", sparse=True)
        await self._lines.create_index([("chat", 1), ("rank", 1)], unique=True)
        await self._lines.create_index("keyed", sparse=True)
        for collection in (self._chats, self._lines, self._presence):
            await collection.create_index("expires_at", expireAfterSeconds=0)

    async def change(self, work: Callable[[ChatChange], Awaitable[T]]) -> T:

        async def attempt(transaction: Transaction) -> T:
            return await work(_MongoChatChange(transaction, self._kept))

        # Two first chats of a queue may come at once, too: the second attempt finds the queue.
        return await transact_once(self._store, attempt)

    async def find(self, chat: str) -> Chat | None:
        return _read_chat(await self._chats.find_one({"_id": chat}))

    async def find_by_token(self, chat: str, token_hash: str) -> Chat | None:
        return _read_chat(await self._chats.find_one({"_id": chat, "token": token_hash}))

    async def list_lines(self, chat: str, after: int) -> Sequence[Line]:
        found = self._lines.find({"chat": chat, "rank": {"$gt": after}}).sort("rank")
        return [LINES.read(each) async for each in found]

    async def find_position(self, chat: Chat) -> int:
        before = {**_filter_waiting(chat.queue), "place": {"$lt": chat.place}}
        return await self._chats.count_documents(before) + 1

    async def list_queue(self, queue: Queue) -> Sequence[Chat]:
        states = [ChatState.EN_ATTENTE.value, ChatState.EN_COURS.value]
        return [
            CHATS.read(each)
            for state in states
            async for each in self._chats.find({"queue": queue.name, "state": state}).sort("place")
        ]

    async def list_open(self) -> Mapping[str, ChatPresence | None]:
        rows = await self._chats.find({"open_of": {"$exists": True}}).to_list(None)
        seen = {
            each["_id"]: each["at"]
            async for each in self._presence.find({"_id": {"$in": [row["_id"] for row in rows]}})
        }
        return {row["_id"]: _read_presence(row, seen.get(row["_id"])) for row in rows}

    async def find_seen_at(self, chat: str) -> datetime | None:
        row = await self._presence.find_one({"_id": chat})
        return row["at"] if row else None

    async def record_presence(self, chat: str, at: datetime) -> None:
        row = {"at": at, "expires_at": at + _PRESENCE_KEPT}
        await self._presence.update_one({"_id": chat}, {"$set": row}, upsert=True)

    async def watch(self, notifier: Notifier) -> None:
        """Notify of chats and lines that any replica stores (change stream), until cancelled."""

        def notify_queue(chat: Document) -> None:
            notifier.notify(chat["queue"])

        def notify_readers(line: Document) -> None:
            notifier.notify(*line.get("rings", ()))

        async with asyncio.TaskGroup() as watching:
            # A chat that starts without a text has no line.
            watching.create_task(watch_inserts(self._chats, notify_queue, notifier.notify_all))
            watching.create_task(watch_inserts(self._lines, notify_readers, notifier.notify_all))


class _MongoChatChange:
    def __init__(self, transaction: Transaction, kept: timedelta) -> None:
        self._transaction = transaction
        self._session = transaction.session
        self._chats = transaction.collection(CHATS.collection)
        self._lines = transaction.collection(LINES.collection)
        self._queues = transaction.collection(_QUEUES)
        self._kept = kept
        self._documents = RewrittenDocuments(CHATS, transaction)

    async def load(self, chat: str) -> Chat | None:
        return self._read(await self._chats.find_one({"_id": chat}, session=self._session))

    def _read(self, row: Document | None) -> Chat | None:
        return self._documents.read(row) if row else None

    async def count_waiting(self, queue: Queue) -> int:
        row = await self._queues.find_one({"_id": queue.name}, session=self._session)
        return row["waiting"] if row else 0

    async def count_waiting_without_account(self, queue: Queue) -> int:
        without = {**_filter_waiting(queue), "token": {"$ne": None}}
        found = self._chats.find(without, {"_id": 1}, session=self._session)
        return len(await found.to_list(None))

    async def join_queue(self, queue: Queue) -> int:
        # Two requests at once conflict here, so that places are given in the order of arrival.
        place = {"_id": queue.name}
        counted = {"$inc": {"last": 1, "waiting": 1}}
        await self._queues.update_one(place, counted, upsert=True, session=self._session)
        row = await self._queues.find_one(place, session=self._session)
        last: int = row["last"] if row else 1
        return last

    async def leave_queue(self, queue: Queue) -> None:
        left = {"$inc": {"waiting": -1}}
        await self._queues.update_one({"_id": queue.name}, left, session=self._session)

    async def find_first(self, queue: Queue) -> Chat | None:
        found = (
            self._chats.find(_filter_waiting(queue), session=self._session).sort("place").limit(1)
        )
        return self._read(next(iter(await found.to_list(1)), None))

    async def count_open(self, owner: str) -> int:
        found = self._chats.find({"open_of": owner}, {"_id": 1}, session=self._session)
        return len(await found.to_list(None))

    async def find_line(self, chat: Chat, message: Message) -> Line | None:
        if not message.key:
            return None
        keyed = _build_key_id(chat.id, message, message.desk or chat.queue)
        row = await self._lines.find_one({"keyed": keyed}, session=self._session)
        return LINES.read(row) if row else None

    async def find_started(self, sent: str) -> Chat | None:
        return self._read(await self._chats.find_one({"sent": sent}, session=self._session))

    async def add_token(self, chat: str, token_hash: str) -> None:
        await add_token(self._transaction, CHATS.collection, chat, token_hash)

    async def insert(
        self, update: ChatUpdate, owner: str, token_hash: str | None, sent: str | None
    ) -> None:
        row = {
            "_id": update.chat.id,
            "open_of": owner,
            "token": [token_hash] if token_hash else None,
            **({"sent": sent} if sent else {}),
            "expires_at": update.chat.started_at + self._kept,
            **self._documents.write(update.chat.id, update.chat),
        }
        await self._chats.insert_one(row, session=self._session)
        await self._insert_lines(update)

    async def save(self, update: ChatUpdate) -> None:
        # Fields are set, and the document not replaced: it holds the token and the owner as well.
        written = self._documents.write_change(update.chat.id, update.chat)
        change: Document = {"$set": written}
        if not update.chat.is_open:
            change["$unset"] = {"open_of": "", "sent": ""}
        await self._chats.update_one({"_id": update.chat.id}, change, session=self._session)
        await self._insert_lines(update)

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        return await find_key_use(self._transaction, key)

    async def record_key_use(self, key: Key | None, chat: str) -> None:
        await record_key_use(self._transaction, key, chat)

    async def _insert_lines(self, update: ChatUpdate) -> None:
        rows = [self._to_line_document(update, line) for line in update.lines]
        if rows:
            await self._lines.insert_many(rows, session=self._session)

    def _to_line_document(self, update: ChatUpdate, line: Line) -> Document:
        chat = update.chat
        # A message notifies the readers of its chat alone. Any other line changes a queue, whose
        # followers are notified too.
        queues = () if line.kind is LineKind.MESSAGE else (chat.queue, update.left_queue)
        row: Document = {
            "_id": f"{chat.id}|{line.rank}",
            "chat": chat.id,
            "rings": [chat.id, *(queue.name for queue in queues if queue)],
            "rank": line.rank,
            "expires_at": chat.started_at + self._kept,
            **LINES.write(line, self._transaction.level),
        }
        return row | ({"keyed": _build_key_id(chat.id, line, chat.queue)} if line.key else {})


def _build_key_id(chat: str, words: Line | Message, desk: Queue) -> str:
    """Build the unique id of a message key; each writer has its own keys."""
    writer = (desk.name, words.who) if words.by is Side.BUREAU else ()
    return repr((chat, words.by.value, *writer, words.key))


def _filter_waiting(queue: Queue) -> Document:
    return {"queue": queue.name, "state": ChatState.EN_ATTENTE.value}


def _to_document(chat: Chat) -> Document:
    return {
        "queue": chat.queue.name,
        "state": chat.state.value,
        "place": chat.place,
        "chat": _CHAT.dump_python(chat, mode="json"),
    }


def _to_chat(row: Document) -> Chat:
    return _CHAT.validate_python(row["chat"])


def _from_line(line: Line) -> Document:
    return {"line": _LINE.dump_python(line, mode="json")}


def _to_line(row: Document) -> Line:
    return _LINE.validate_python(row["line"])


CHATS = DocumentFormat("chats", read=_to_chat, write=_to_document)
LINES = DocumentFormat("chat_lines", read=_to_line, write=_from_line)


def _read_presence(row: Document, seen_at: datetime | None) -> ChatPresence | None:
    try:
        chat = CHATS.read(row)
    except (KeyError, ValueError, NewerDocumentError):
        return None
    return ChatPresence(chat, seen_at or chat.started_at)


def _read_chat(row: Document | None) -> Chat | None:
    return CHATS.read(row) if row else None
