"""Store of sheets: one document for each sheet, and one for each of its versions."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from pydantic import TypeAdapter

from services.organisation.audit.adapters.change import MongoAuditedChange
from services.organisation.sheets.application.ports import SheetChange, Summary
from services.organisation.sheets.domain.sheets import Content, SheetVersion
from services.organisation.structures.adapters.mongo import find_structures
from services.organisation.structures.domain.structure import Structure
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.idempotency_keys import prepare_keys, transact_once
from shared.runtime.store.schema import DocumentFormat, TransactionDocuments
from shared.vocabulary.piece_numbers import build_number_key

T = TypeVar("T")
# Pydantic ignores the fields that a newer version of the service has added.
_CONTENT = TypeAdapter(Content)
_RANK_DIGITS = 8
_SUMMARY = {"sheet": 1, "version": 1, "number": 1, "title": 1, "active": 1, "at": 1, "schema": 1}


class MongoSheets:
    """Store of sheets."""

    def __init__(self, store: Store) -> None:
        """Use this store."""
        self._store = store
        self._sheets = store.collection(SHEETS.collection)
        self._versions = store.collection(SHEET_VERSIONS.collection)

    async def prepare(self) -> None:
        """Create the indexes."""
        await prepare_keys(self._store)
        await self._sheets.create_index("key", unique=True)
        await self._sheets.create_index([("moa", 1), ("_id", 1)])

    async def change(self, work: Callable[[SheetChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

        async def attempt(transaction: Transaction) -> T:
            return await work(_MongoChange(transaction))

        # Another request may have just created the same sheet: the retry finds it.
        return await transact_once(self._store, attempt)

    async def find(self, sheet: str) -> SheetVersion | None:
        """Read a sheet."""
        found = await self._sheets.find_one({"_id": sheet})
        return SHEETS.read(found) if found else None

    async def find_version(self, sheet: str, version: int) -> SheetVersion | None:
        """Read a version of a sheet."""
        found = await self._versions.find_one({"_id": _format_id(sheet, version)})
        return SHEET_VERSIONS.read(found) if found else None

    async def list_of(
        self, moa: str, number: str | None, after: str, limit: int
    ) -> Sequence[Summary]:
        """List the sheets of a structure by id, from the one after `after`."""
        wanted: Document = {"moa": moa, "_id": {"$gt": after}}
        if number is not None:
            wanted["key"] = _build_key(moa, number)
        rows = self._sheets.find(wanted, _SUMMARY).sort("_id", 1).limit(limit)
        return [_summarise(row) async for row in rows]

    async def list_versions(self, sheet: str, after: int, limit: int) -> Sequence[Summary]:
        """List the versions of a sheet, oldest first, from the one after `after`."""
        first, last = _format_id(sheet, after + 1), _format_id(sheet, 10**_RANK_DIGITS - 1)
        wanted = {"_id": {"$gte": first, "$lte": last}}
        rows = self._versions.find(wanted, _SUMMARY).sort("_id", 1).limit(limit)
        return [_summarise(row) async for row in rows]


class _MongoChange(MongoAuditedChange):
    """One transaction over sheets."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._sheets = TransactionDocuments(SHEETS, transaction)

    async def load(self, sheet: str) -> SheetVersion | None:
        return await self._sheets.find({"_id": sheet})

    async def find_by_number(self, moa: str, number: str) -> SheetVersion | None:
        return await self._sheets.find({"key": _build_key(moa, number)})

    async def save(self, sheet: SheetVersion) -> None:
        await self._sheets.save(sheet.id, sheet)
        versions = self._transaction.collection(SHEET_VERSIONS.collection)
        kept = SHEET_VERSIONS.write(sheet, self._transaction.level)
        await versions.insert_one(kept, session=self._session)

    async def find_structures(self, structures: Collection[str]) -> Mapping[str, Structure]:
        return await find_structures(self._transaction, structures)


def _build_key(moa: str, number: str) -> str:
    return f"{moa}|{build_number_key(number)}"


def _format_id(sheet: str, version: int) -> str:
    """Format the id of a version; ids sort in the order of versions."""
    return f"{sheet}|{version:0{_RANK_DIGITS}d}"


def _summarise(row: Document) -> Summary:
    SHEETS.check([row])
    return Summary(
        id=row["sheet"],
        version=row["version"],
        number=row["number"],
        title=row["title"],
        is_active=row["active"],
        at=row["at"],
    )


def _to_version(sheet: SheetVersion) -> Document:
    content = _CONTENT.dump_python(sheet.content, mode="json")
    return {
        "_id": _format_id(sheet.id, sheet.version),
        "sheet": sheet.id,
        "version": sheet.version,
        "moa": sheet.moa,
        # In lists, and in searches.
        "number": content.pop("number"),
        "title": content.pop("title"),
        "active": sheet.is_active,
        "at": sheet.at,
        "content": content,
    }


def _to_document(sheet: SheetVersion) -> Document:
    key = _build_key(sheet.moa, sheet.content.number)
    return {**_to_version(sheet), "_id": sheet.id, "key": key}


def _from_document(document: Document) -> SheetVersion:
    head = {"number": document["number"], "title": document["title"]}
    return SheetVersion(
        id=document["sheet"],
        version=document["version"],
        moa=document["moa"],
        content=_CONTENT.validate_python({**document["content"], **head}),
        at=document["at"],
        is_active=document["active"],
    )


SHEETS = DocumentFormat("sheets", read=_from_document, write=_to_document)
SHEET_VERSIONS = DocumentFormat("sheet_versions", read=_from_document, write=_to_version)
