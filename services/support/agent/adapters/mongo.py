"""Store of conversations in MongoDB, with a time to live."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from pydantic import TypeAdapter

from services.support.agent.application.ports import ConversationChange, TurnOutcome
from services.support.agent.domain.conversation import Conversation
from shared.contracts.outgoing import Outgoing
from shared.runtime.store.database import Document, Store, Transaction

_CONVERSATIONS = "conversations"
_CONVERSATION = TypeAdapter(Conversation)


class MongoConversations:
    """Store of conversations, each one document under its id."""

    def __init__(self, store: Store, kept: timedelta) -> None:
        """Set after how long a conversation is deleted."""
        self._store = store
        self._conversations = store.collection(_CONVERSATIONS)
        self._kept = kept

    async def prepare(self) -> None:
        """Create the index of the time to live."""
        await self._conversations.create_index("expires_at", expireAfterSeconds=0)

    async def insert(self, conversation: Conversation, token_hash: str | None) -> None:
        row = {
            "_id": conversation.id,
            "token": token_hash,
            "expires_at": conversation.started_at + self._kept,
            "conversation": _CONVERSATION.dump_python(conversation, mode="json"),
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

        return await self._store.transaction(attempt)


class _MongoConversationChange:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._conversations = transaction.collection(_CONVERSATIONS)

    async def load(self, conversation: str) -> Conversation | None:
        session = self._transaction.session
        return _read_conversation(
            await self._conversations.find_one({"_id": conversation}, session=session)
        )

    async def save(self, conversation: Conversation) -> None:
        # Not replaced: the token is not part of the conversation.
        written = {"conversation": _CONVERSATION.dump_python(conversation, mode="json")}
        await self._conversations.update_one(
            {"_id": conversation.id}, {"$set": written}, session=self._transaction.session
        )

    def publish(self, message: Outgoing) -> None:
        self._transaction.publish(message)


def _read_conversation(row: Document | None) -> Conversation | None:
    return _CONVERSATION.validate_python(row["conversation"]) if row else None
