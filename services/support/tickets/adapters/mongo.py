"""Store of tickets and of their idempotency keys in MongoDB."""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from pydantic import TypeAdapter

from services.support.access.adapters.mongo_tokens import add_token
from services.support.tickets.application.ports import Page, Search, TicketChange
from services.support.tickets.domain.tickets import Ticket
from services.support.tickets.domain.transitions import OPEN_STATUSES
from shared.application.idempotency import Key, UsedKey
from shared.contracts.outgoing import Outgoing
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import DuplicateKeyError, ReturnDocument
from shared.runtime.store.idempotency_keys import (
    find_key_use,
    prepare_keys,
    record_key_use,
    transact_once,
)
from shared.runtime.store.schema import DocumentFormat, RewrittenDocuments
from shared.vocabulary.texts import fold
from shared.vocabulary.tickets import Desk, Priority, TicketStatus

T = TypeVar("T")
_NUMBERS = "numbers"
# Projection of a list, without the long texts. Response times need the rest of the journal.
_LIST_PROJECTION = {
    "ticket.content.description": 0,
    "ticket.journal.text": 0,
    "ticket.journal.attachments": 0,
}
_TICKET = TypeAdapter(Ticket)
_URGENCY = {priority: rank for rank, priority in enumerate(reversed(Priority))}
"""Rank of each priority in the queue, the most urgent first."""


class MongoTickets:
    """Store of tickets: one document for each ticket, under its id."""

    def __init__(self, store: Store) -> None:
        """Use this store."""
        self._store = store
        self._tickets = store.collection(TICKETS.collection)

    async def prepare(self) -> None:
        """Create the indexes: for lists of tickets, the files they refer to, numbers and keys."""
        create = self._tickets.create_index
        await create([("structure", 1), ("_id", -1)])
        await create([("desk", 1), ("recipient", 1), ("open", 1), ("place", 1)])
        await create([("status", 1), ("changed_at", 1)])
        await create("files")
        await create("number", unique=True, partialFilterExpression={"number": {"$type": "string"}})
        await prepare_keys(self._store)

    async def change(self, work: Callable[[TicketChange], Awaitable[T]]) -> T:

        async def attempt(transaction: Transaction) -> T:
            return await work(_MongoTicketChange(transaction))

        return await transact_once(self._store, attempt)

    async def find(self, ticket: str) -> Ticket | None:
        return _read_ticket(await self._tickets.find_one({"_id": ticket}))

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        return await find_key_use(self._store, key)

    async def take_next_number(self, year: int) -> int:
        numbers = self._store.collection(_NUMBERS)
        while True:
            # No transaction: in one, each request would wait for the transaction of the one before.
            row: Document | None = await numbers.find_one_and_update(
                {"_id": year}, {"$inc": {"last": 1}}, return_document=ReturnDocument.AFTER
            )
            if row:
                last: int = row["last"]
                return last
            # Two requests may both find no row for a new year: only one of them inserts it.
            with suppress(DuplicateKeyError):
                await numbers.insert_one({"_id": year, "last": 0})

    async def find_by_token(self, ticket: str, token_hash: str) -> Ticket | None:
        return _read_ticket(await self._tickets.find_one({"_id": ticket, "token": token_hash}))

    async def list_of_structure(self, structure: str, search: Search) -> Page:
        wanted: Document = {"structure": structure, **_build_filter(search)}
        if search.status:
            wanted["status"] = search.status.value
        if search.after:
            wanted["_id"] = {"$lt": search.after}
        return await self._list_page(wanted, ("_id", -1), search.limit)

    async def list_queue(self, desk: Desk, structure: str | None, search: Search) -> Page:
        wanted: Document = {"desk": desk.value, "recipient": structure, **_build_filter(search)}
        if search.status:
            wanted["status"] = search.status.value
        wanted["open"] = search.status is None or search.status in OPEN_STATUSES
        if search.after:
            wanted["place"] = {"$gt": search.after}
        return await self._list_page(wanted, ("place", 1), search.limit)

    async def count_by_status(
        self, desk: Desk, structure: str | None
    ) -> Mapping[TicketStatus, int]:
        return {
            status: await self._tickets.count_documents(
                {"desk": desk.value, "recipient": structure, "open": True, "status": status.value}
            )
            for status in TicketStatus
            if status in OPEN_STATUSES
        }

    async def list_settled_before(self, moment: datetime) -> Collection[str]:
        wanted: Document = {"status": TicketStatus.RESOLU.value, "changed_at": {"$lt": moment}}
        return [row["_id"] async for row in self._tickets.find(wanted, {"_id": 1})]

    async def find_referenced_files(self, files: Iterable[str]) -> set[str]:
        """Find which of these files are referenced by a ticket."""
        wanted = set(files)
        rows = self._tickets.find({"files": {"$in": list(wanted)}}, {"files": 1})
        return {sha256 async for row in rows for sha256 in row["files"]} & wanted

    async def _list_page(self, wanted: Document, order: tuple[str, int], limit: int) -> Page:
        cursor = self._tickets.find(wanted, _LIST_PROJECTION).sort(*order).limit(limit + 1)
        rows = await cursor.to_list(limit + 1)
        found = [TICKETS.read(row) for row in rows[:limit]]
        return Page(found, rows[limit - 1][order[0]] if len(rows) > limit else None)


class _MongoTicketChange:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._session = transaction.session
        self._tickets = transaction.collection(TICKETS.collection)
        self._documents = RewrittenDocuments(TICKETS, transaction)

    async def load(self, ticket: str) -> Ticket | None:
        row = await self._tickets.find_one({"_id": ticket}, session=self._session)
        return self._documents.read(row) if row else None

    async def save(self, ticket: Ticket) -> None:
        # Fields are set, and the document not replaced: it holds the token as well.
        change = {"$set": self._documents.write_change(ticket.id, ticket)}
        await self._tickets.update_one({"_id": ticket.id}, change, session=self._session)

    async def insert(self, ticket: Ticket, token_hash: str | None = None) -> None:
        row = {
            "_id": ticket.id,
            "token": [token_hash] if token_hash else None,
            **self._documents.write(ticket.id, ticket),
        }
        await self._tickets.insert_one(row, session=self._session)

    async def remove(self, ticket: str) -> None:
        await self._tickets.delete_one({"_id": ticket}, session=self._session)

    async def add_token(self, ticket: str, token_hash: str) -> None:
        await add_token(self._transaction, TICKETS.collection, ticket, token_hash)

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        return await find_key_use(self._transaction, key)

    async def record_key_use(self, key: Key | None, ticket: str) -> None:
        await record_key_use(self._transaction, key, ticket)

    def publish(self, message: Outgoing) -> None:
        self._transaction.publish(message)


def _to_document(ticket: Ticket) -> Document:
    content = ticket.content
    searched = (ticket.number or "", content.title, content.description, content.piece or "")
    submitted = ticket.submitted_at.isoformat() if ticket.submitted_at else ""
    return {
        "ticket": _TICKET.dump_python(ticket, mode="json"),
        "structure": ticket.issuer.structure,
        "desk": ticket.desk.value if ticket.desk else None,
        "recipient": ticket.recipient.structure if ticket.recipient else None,
        "number": ticket.number,
        "status": ticket.status.value,
        "open": ticket.status in OPEN_STATUSES,
        "place": f"{_URGENCY[ticket.priority]}|{submitted}|{ticket.id}",
        "sub_category": content.sub_category,
        "dossier": content.dossier,
        "piece": content.piece,
        "assignee": ticket.assignee,
        "priority": ticket.priority.value,
        "changed_at": ticket.changed_at,
        "files": [file.sha256 for file in ticket.files],
        "search": fold("\n".join(searched)),
    }


def _build_filter(search: Search) -> Document:
    wanted: Document = {
        name: value
        for name in ("sub_category", "dossier", "piece", "assignee", "priority")
        if (value := getattr(search, name)) is not None
    }
    if query := fold(search.query):
        wanted["search"] = {"$regex": re.escape(query)}
    return wanted


def _to_ticket(row: Document) -> Ticket:
    return _TICKET.validate_python(row["ticket"])


TICKETS = DocumentFormat("tickets", read=_to_ticket, write=_to_document, open_lists=["files"])


def _read_ticket(row: Document | None) -> Ticket | None:
    return TICKETS.read(row) if row else None
