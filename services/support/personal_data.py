"""Export and erasure of a person in the store of support, by an e-mail address.

Only the address is searched: support knows no other name of who has no account. Topics hold what
was published before, until their retention ends.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from services.support.access.domain.personal_data import Person
from services.support.agent.adapters.mongo import CONVERSATIONS
from services.support.agent.domain import personal_data as agent
from services.support.agent.domain.conversation import Conversation
from services.support.chat.adapters.mongo import LINES
from services.support.chat.domain.chat import Line
from services.support.tickets.adapters.mongo import TICKETS
from services.support.tickets.domain import personal_data as tickets
from services.support.tickets.domain.tickets import Ticket
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.idempotency_keys import find_keys_of, forget_keys
from shared.runtime.store.schema import RewrittenDocuments

_TICKET, _CONVERSATION = TypeAdapter(Ticket), TypeAdapter(Conversation)
_LINE = TypeAdapter(Line)
_OWNER = "email:"
"""Owner of the idempotency keys of who has no account: this, and the address as it was typed."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased of a person, or would be."""

    own_tickets: int
    other_tickets: int
    conversations: int
    lines: int
    keys: int


class PersonalData:
    """Personal data of one person in the store of support."""

    def __init__(self, store: Store, person: Person) -> None:
        """Search this store for this person."""
        self._store = store
        self._person = person

    async def export(self) -> dict[str, Any]:
        """Export all that is kept of the person, as JSON values; files by their SHA-256."""
        found = [each async for each in self._find_tickets()]
        own = [each for each in found if tickets.is_issuer(each, self._person)]
        others = [each for each in found if not tickets.is_issuer(each, self._person)]
        return {
            "service": "support",
            "email": self._person.email,
            "tickets": [_TICKET.dump_python(each, mode="json") for each in own],
            "tickets_mentioning_it": [each.number or each.id for each in others],
            "conversations": [
                _CONVERSATION.dump_python(each, mode="json")
                async for each in self._find_conversations()
            ],
            "chat_lines": [
                {"chat": row["chat"], **_LINE.dump_python(LINES.read(row), mode="json")}
                async for row in self._find_lines()
            ],
            "idempotency_keys": len(await self._find_keys()),
        }

    async def erase(self, *, is_dry: bool = False) -> Erased:
        """Erase the person; done again, it erases nothing more. `is_dry` only counts."""
        found = [each async for each in self._find_tickets()]
        talks = [each.id async for each in self._find_conversations()]
        lines = [row["_id"] async for row in self._find_lines()]
        keys = await self._find_keys()
        if not is_dry:
            for ticket in found:
                await self._store.transaction(self._build_ticket_work(ticket.id))
            for talk in talks:
                await self._store.transaction(self._build_conversation_work(talk))
            for line in lines:
                await self._store.transaction(self._build_line_work(line))
            await forget_keys(self._store, keys)
        own = sum(tickets.is_issuer(each, self._person) for each in found)
        return Erased(own, len(found) - own, len(talks), len(lines), len(keys))

    async def _find_tickets(self) -> AsyncIterator[Ticket]:
        fields = ("issuer.email", "content.title", "content.description", "journal.text")
        async for row in self._find(TICKETS.collection, *(f"ticket.{each}" for each in fields)):
            ticket = TICKETS.read(row)
            if tickets.is_about(ticket, self._person):
                yield ticket

    async def _find_conversations(self) -> AsyncIterator[Conversation]:
        fields = ("email", "message", "answer")
        searched = (f"conversation.turns.{each}" for each in fields)
        async for row in self._find(CONVERSATIONS.collection, *searched):
            conversation = CONVERSATIONS.read(row)
            if agent.is_about(conversation, self._person):
                yield conversation

    async def _find_lines(self) -> AsyncIterator[Document]:
        async for row in self._find(LINES.collection, "line.text"):
            if self._person.is_in(LINES.read(row).text):
                yield row

    async def _find(self, collection: str, *fields: str) -> AsyncIterator[Document]:
        """Find the documents in which a field may mention the address, whatever its case."""
        pattern = {"$regex": self._person.search, "$options": "i"}
        wanted: Document = {"$or": [{field: pattern} for field in fields]}
        async for row in self._store.collection(collection).find(wanted).sort("_id", 1):
            yield row

    async def _find_keys(self) -> Collection[str]:
        def is_owner(owner: str) -> bool:
            return self._person.is_address(owner.removeprefix(_OWNER))

        return await find_keys_of(self._store, _OWNER, is_owner)

    def _build_ticket_work(self, ticket_id: str) -> Callable[[Transaction], Awaitable[None]]:
        async def work(transaction: Transaction) -> None:
            rows, session = transaction.collection(TICKETS.collection), transaction.session
            row = await rows.find_one({"_id": ticket_id}, session=session)
            if row is None:
                return
            documents = RewrittenDocuments(TICKETS, transaction)
            ticket = documents.read(row)
            change = documents.write_change(ticket.id, tickets.erase_person(ticket, self._person))
            if tickets.is_issuer(ticket, self._person):
                # Nobody follows the ticket any more: its link names the person.
                change["token"] = None
            await rows.update_one({"_id": ticket_id}, {"$set": change}, session=session)

        return work

    def _build_conversation_work(self, talk: str) -> Callable[[Transaction], Awaitable[None]]:
        async def work(transaction: Transaction) -> None:
            rows, session = transaction.collection(CONVERSATIONS.collection), transaction.session
            row = await rows.find_one({"_id": talk}, session=session)
            if row is None:
                return
            documents = RewrittenDocuments(CONVERSATIONS, transaction)
            erased = agent.erase_person(documents.read(row), self._person)
            change = {"$set": documents.write_change(talk, erased)}
            await rows.update_one({"_id": talk}, change, session=session)

        return work

    def _build_line_work(self, line_id: str) -> Callable[[Transaction], Awaitable[None]]:
        async def work(transaction: Transaction) -> None:
            rows, session = transaction.collection(LINES.collection), transaction.session
            row = await rows.find_one({"_id": line_id}, session=session)
            if row is None:
                return
            documents = RewrittenDocuments(LINES, transaction)
            line = documents.read(row)
            erased = replace(line, text=self._person.redact(line.text))
            change = {"$set": documents.write_change(line_id, erased)}
            await rows.update_one({"_id": line_id}, change, session=session)

        return work


async def export_person(store: Store, person: Person) -> str:
    """Export a person as a JSON text."""
    async with store:
        found = await PersonalData(store, person).export()
    return json.dumps(found, ensure_ascii=False, indent=2)


async def erase_person(store: Store, person: Person, *, is_dry: bool) -> str:
    """Erase a person, and describe what was erased."""
    async with store:
        erased = await PersonalData(store, person).erase(is_dry=is_dry)
    return (
        f"{erased.own_tickets} tickets without account, {erased.conversations} conversations, "
        f"{erased.lines} lines of chats, {erased.keys} idempotency keys; the address in "
        f"{erased.other_tickets} other tickets"
    )
