"""Formats of stored documents: upcast by level when read, unknown fields kept when written.

Each document of record carries `schema`, the level by which it was written; without one it is of
level 1. One of a higher level than this version judges is refused when it is read, and waits for a
version that judges it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shared.runtime.errors import NewerDocumentError
from shared.runtime.metrics import NEWER_DOCUMENTS
from shared.runtime.store.database import Document, Transaction
from shared.runtime.store.unknown_fields import Unknown, find_unknown, put_back
from shared.vocabulary.levels import LEVEL

T = TypeVar("T")
Upcast = Callable[[Document], Document]
SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a document keeps when it is written again: its level, and its unknown fields."""

    level: int = 1
    unknown: Unknown | None = None
    items: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Unknown items of lists, by the field of the list."""


NEW = Kept()
"""A document that was not in the store."""


class DocumentFormat(Generic[T]):
    """Format of the documents of one collection: reads values from them, and writes them."""

    def __init__(
        self,
        collection: str,
        *,
        read: Callable[[Document], T],
        write: Callable[[T], Document],
        upcasts: Mapping[int, Upcast] | None = None,
        level: int = LEVEL,
        open_lists: Collection[str] = (),
    ) -> None:
        """Take the functions of a collection.

        Args:
            collection: its name.
            read: reads a document of this version's level.
            write: writes a value. A stored field that it leaves out for the value as it was read
                is unknown, and is kept. A field that it wrote for that value, and leaves out for
                the changed one, is removed.
            upcasts: by level, the function that converts a document of that level to the next;
                absent where the shape did not change.
            level: the highest level that is judged.
            open_lists: fields that hold a list of values to which a newer version may add its own:
                these are kept, as the files that a document names. Not a list by which documents
                are found: a version that corrects it could take nothing out of it.
        """
        self.collection = collection
        self._read = read
        self._write = write
        self._upcasts = upcasts or {}
        self._level = level
        self._open_lists = open_lists

    def read(self, document: Document) -> T:
        """Read a document. Raises NewerDocumentError for one of a higher level."""
        self.check([document])
        return self._read(self._upcast(document))

    def read_to_change(self, document: Document) -> tuple[T, Kept]:
        """Read a document that is to be written again, and what it keeps then.

        Raises NewerDocumentError for one of a higher level.
        """
        self.check([document])
        current = self._upcast(document)
        value = self._read(current)
        known = self._write(value)
        items = {name: _subtract(current.get(name, ()), known[name]) for name in self._open_lists}
        return value, Kept(read_level(document), find_unknown(current, known), items)

    def write(self, value: T, level: int, kept: Kept = NEW) -> Document:
        """Build the whole document of a value, at `level` or its stored level if that is higher."""
        return _restore(self._write(value), level, kept)

    def write_change(self, value: T, level: int, kept: Kept) -> Document:
        """Build only the fields of a value, to be set in a document that has other fields."""
        written = self._write(value)
        document = _restore(written, level, kept)
        return {name: document[name] for name in (*written, SCHEMA)}

    def check(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Raise NewerDocumentError when some of these documents are of a higher level."""
        newer = [document["_id"] for document in documents if self._is_newer(document)]
        if newer:
            NEWER_DOCUMENTS.labels(self.collection).inc(len(newer))
            raise NewerDocumentError(self.collection, newer)

    def _is_newer(self, document: Mapping[str, Any]) -> bool:
        return read_level(document) > self._level

    def _upcast(self, document: Document) -> Document:
        for level in range(read_level(document), self._level):
            if upcast := self._upcasts.get(level):
                document = upcast(document)
        return document


class RewrittenDocuments(Generic[T]):
    """Documents that one transaction reads and writes again, each with what it keeps."""

    def __init__(self, documents: DocumentFormat[T], transaction: Transaction) -> None:
        """Use the format of a collection within a transaction."""
        self._format = documents
        self._transaction = transaction
        self._kept: dict[str, Kept] = {}

    def read(self, document: Document) -> T:
        """Read a document. The transaction writes at its level from then on, or higher."""
        value, self._kept[document["_id"]] = self._format.read_to_change(document)
        self._transaction.raise_level(read_level(document))
        return value

    def write(self, key: str, value: T) -> Document:
        """Build the whole document of a value; a document that was not read is a new one."""
        return self._format.write(value, self._transaction.level, self._kept.get(key, NEW))

    def write_change(self, key: str, value: T) -> Document:
        """Build only the fields of a value, to be set in its document."""
        kept = self._kept.get(key, NEW)
        return self._format.write_change(value, self._transaction.level, kept)


class TransactionDocuments(RewrittenDocuments[T]):
    """Documents of one collection, found and saved within a transaction."""

    def __init__(self, documents: DocumentFormat[T], transaction: Transaction) -> None:
        """Use the format of a collection within a transaction."""
        super().__init__(documents, transaction)
        self._collection = transaction.collection(documents.collection)
        self._session = transaction.session

    async def find(self, wanted: Document) -> T | None:
        """Find the document that matches a query."""
        row = await self._collection.find_one(wanted, session=self._session)
        return self.read(row) if row else None

    async def list(self, wanted: Document) -> Sequence[T]:
        """List the documents that match a query, by id."""
        rows = self._collection.find(wanted, session=self._session).sort("_id", 1)
        return [self.read(row) async for row in rows]

    async def count(self, wanted: Document) -> int:
        """Count the documents that match a query."""
        return await self._collection.count_documents(wanted, session=self._session)

    async def save(self, key: str, value: T) -> None:
        """Write the whole document of a value; one that was not there is new."""
        document = {**self.write(key, value), "_id": key}
        await self._collection.replace_one(
            {"_id": key}, document, upsert=True, session=self._session
        )


def _restore(written: Document, level: int, kept: Kept) -> Document:
    """Put back what is unknown of a document, and stamp its level: it is never lowered."""
    whole: Document = put_back(kept.unknown, written)
    lists = {
        name: [*written[name], *_subtract(items, written[name])]
        for name, items in kept.items.items()
    }
    return {**whole, **lists, SCHEMA: max(level, kept.level)}


def _subtract(items: Iterable[Any], others: Collection[Any]) -> list[Any]:
    return [item for item in items if item not in others]


def read_level(document: Mapping[str, Any]) -> int:
    """Read the level by which a document was written; 1 for a document without a level."""
    level: int = document.get(SCHEMA, 1)
    return level
