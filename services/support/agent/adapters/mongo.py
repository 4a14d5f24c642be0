"""Store of conversations in MongoDB, with a time to live."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from pydantic import TypeAdapter

from services.support.agent.application.ports import ConversationChange, TurnOutcome
from services.support.agent.domain.conversation import Conversation
from shared.application.idempotency import Key, UsedKey
from shared.contracts.outgoing import Outgoing
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.idempotency_keys import (
    find_key_use,
    record_key_use,
    transact_once,
)
from shared.runtime.store.schema import DocumentFormat, RewrittenDocuments

_CONVERSATION = TypeAdapter(Conversation)


class MongoConversations:
    """Store of conversations, each one document under its id."""

    def __init__(self, store: Store, kept: timedelta) -> None:
        """Set after how long a conversation is deleted."""
        self._store = store
        self._conversations = store.collection(CONVERSATIONS.collection)
        self._kept = kept

    async def prepare(self) -> None:
        """Create the index of the time to live."""
        await self._conversations.create_index("expires_at", expireAfterSeconds=0)

    async def insert(self, conversation: Conversation, token_hash: str | None) -> None:
        row = {
            "_id": conversation.id,
            "token": token_hash,
            "expires_at": conversation.started_at + self._kept,
            **CONVERSATIONS.write(conversation, self._store.level),
        }
        await self._conversations.insert_one(row)

    async def find(self, conversation: str) -> Conversation | None:
        return _read_conversation(await self._conversations.find_one({"_id": conversation}))

    async def find_by_token(self, conversation: str, token_hash: str) -> Conversation | None:
        wanted = {"_id": conversation, "token": token_hash}
        return _read_conversation(await self._conversations.find_one(wanted))

    async def change(
        self, work: Callable[[ConversationChange], Awaitable[TurnOutcome]]
    ) -> TurnOutcome:

        async def attempt(transaction: Transaction) -> TurnOutcome:
            return await work(_MongoConversationChange(transaction))

        return await transact_once(self._store, attempt)


class _MongoConversationChange:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._conversations = transaction.collection(CONVERSATIONS.collection)
        self._documents = RewrittenDocuments(CONVERSATIONS, transaction)

    async def load(self, conversation: str) -> Conversation | None:
        session = self._transaction.session
        row = await self._conversations.find_one({"_id": conversation}, session=session)
        return self._documents.read(row) if row else None

    async def save(self, conversation: Conversation) -> None:
        # Fields are set, and the document not replaced: it holds the token as well.
        written = self._documents.write_change(conversation.id, conversation)
        await self._conversations.update_one(
            {"_id": conversation.id}, {"$set": written}, session=self._transaction.session
        )

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        return await find_key_use(self._transaction, key)

    async def record_key_use(self, key: Key | None, rank: str) -> None:
        await record_key_use(self._transaction, key, rank)

    def publish(self, message: Outgoing) -> None:
        self._transaction.publish(message)


def _from_conversation(conversation: Conversation) -> Document:
    return {"conversation": _CONVERSATION.dump_python(conversation, mode="json")}


def _to_conversation(row: Document) -> Conversation:
    return _CONVERSATION.validate_python(row["conversation"])


CONVERSATIONS = DocumentFormat("conversations", read=_to_conversation, write=_from_conversation)


def _read_conversation(row: Document | None) -> Conversation | None:
    return CONVERSATIONS.read(row) if row else None
