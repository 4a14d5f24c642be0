"""Store of the audit trail: a document for each entry, and one for the end of each chain."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from services.organisation.audit.domain.entries import (
    AuditEntry,
    AuditFault,
    Detail,
    RecordedEntry,
)
from shared.application.audit_chain import (
    END_MISSING,
    ENTRY_MISSING,
    MALFORMED,
    find_link_fault,
    link,
)
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import ReplaceOne

_ENTRIES, _HEADS = "audit", "audit_heads"
_RANK_DIGITS = 8


async def record(transaction: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Append entries to the chains of their entities, in their order.

    The end of each chain is written: of two transactions about one entity, one is run again.
    """
    if not entries:
        return
    heads = await _read_heads(transaction, {each.entity for each in entries})
    documents = []
    for entry in entries:
        rank, previous = heads.get(entry.entity, (0, ""))
        document = link(_to_document(entry, rank + 1), previous)
        heads[entry.entity] = (rank + 1, document["hash"])
        documents.append(document)
    session = transaction.session
    await transaction.collection(_HEADS).bulk_write(
        [
            ReplaceOne(
                {"_id": entity},
                {"_id": entity, "rank": rank, "hash": last, "schema": 1},
                upsert=True,
            )
            for entity, (rank, last) in sorted(heads.items())
        ],
        session=session,
    )
    await transaction.collection(_ENTRIES).insert_many(documents, session=session)


class AuditTrail:
    """Audit trail of organisation: read and verified by entity."""

    def __init__(self, store: Store) -> None:
        """Use this store."""
        self._entries = store.collection(_ENTRIES)
        self._heads = store.collection(_HEADS)

    async def list(self, entity: str, after: int, limit: int) -> Sequence[RecordedEntry]:
        """List the entries of an entity, oldest first, from the one after rank `after`."""
        first, last = _format_id(entity, after + 1), _format_id(entity, 10**_RANK_DIGITS - 1)
        wanted = {"_id": {"$gte": first, "$lte": last}}
        rows = await self._entries.find(wanted).sort("_id", 1).limit(limit).to_list(limit)
        return [_from_document(row) for row in rows]

    async def list_entities(self) -> AsyncIterator[str]:
        """List the entities that have a chain."""
        async for row in self._heads.find({}, {"_id": 1}).sort("_id", 1):
            yield row["_id"]

    async def verify(self, entity: str) -> AuditFault | None:
        """Verify the chain of an entity. Returns its first fault."""
        first, last = _format_id(entity, 0), _format_id(entity, 10**_RANK_DIGITS - 1)
        rank, previous = 0, ""
        wanted = {"_id": {"$gte": first, "$lte": last}}
        async for document in self._entries.find(wanted).sort("_id", 1):
            fault = _find_fault(document, rank, previous)
            if fault:
                return AuditFault(entity, rank + 1, fault)
            rank, previous = rank + 1, document["hash"]
        head = await self._heads.find_one({"_id": entity})
        if head is None or (head["rank"], head["hash"]) != (rank, previous):
            return AuditFault(entity, None, END_MISSING)
        return None


async def _read_heads(transaction: Transaction, entities: set[str]) -> dict[str, tuple[int, str]]:
    rows = transaction.collection(_HEADS).find(
        {"_id": {"$in": sorted(entities)}}, session=transaction.session
    )
    return {row["_id"]: (row["rank"], row["hash"]) async for row in rows}


def _find_fault(document: Document, rank: int, previous: str) -> str | None:
    try:
        if fault := find_link_fault(document, previous):
            return fault
        if document["rank"] != rank + 1:
            return ENTRY_MISSING
        _from_document(document)
    except (KeyError, TypeError, ValueError):
        return MALFORMED
    return None


def _to_document(entry: AuditEntry, rank: int) -> Document:
    # The moment is a text: what is hashed is what is stored, to the letter.
    return {
        "_id": _format_id(entry.entity, rank),
        "entity": entry.entity,
        "rank": rank,
        "act": entry.act,
        "by": entry.by,
        "at": entry.at.isoformat(),
        "details": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in entry.details.items()
        },
        "schema": 1,
    }


def _from_document(document: Document) -> RecordedEntry:
    entry = AuditEntry(
        entity=document["entity"],
        act=document["act"],
        by=document["by"],
        at=datetime.fromisoformat(document["at"]),
        details=_read_details(document["details"]),
    )
    return RecordedEntry(entry, document["rank"], document["hash"])


def _read_details(stored: Mapping[str, object]) -> Mapping[str, Detail]:
    details: dict[str, Detail] = {}
    for name, value in stored.items():
        if isinstance(value, list):
            details[name] = tuple(str(each) for each in value)
        elif value is None or isinstance(value, str | int | bool):
            details[name] = value
        else:
            raise TypeError(f"a detail is a plain value: {name}")
    return details


def _format_id(entity: str, rank: int) -> str:
    """Format the id of an entry; ids sort in the order of the chain."""
    return f"{entity}|{rank:0{_RANK_DIGITS}d}"
