"""Projection of the sheets of marchés: the latest version of each one."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from shared.circuit.sheets import Sheet
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import SheetChanged
from shared.runtime.messaging.projection import keep_newest
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.schema import DocumentFormat
from shared.vocabulary.piece_numbers import build_number_key

_COLLECTION = "sheets"
_SHEET = TypeAdapter(Sheet)


async def project_sheets(transaction: Transaction, events: Sequence[Event[SheetChanged]]) -> None:
    """Keep the latest version of each sheet: the handler of the projection."""
    rows = [SHEETS.write(event.data.to_domain(), event.level) for event in events]
    await keep_newest(transaction, _COLLECTION, rows)


class MongoSheets:
    """Lookup of projected sheets."""

    def __init__(self, store: Store) -> None:
        """Read from this store."""
        self._rows = store.collection(_COLLECTION)

    async def prepare(self) -> None:
        """Create the index of the MOA and the number."""
        await self._rows.create_index("key")

    async def find(self, moa: str, number: str) -> Sheet | None:
        """Find the sheet of a marché, by the structure whose marché it is and its number."""
        row = await self._rows.find_one({"key": _build_key(moa, number)})
        return SHEETS.read(row) if row else None


def _build_key(moa: str, number: str) -> str:
    return f"{moa}|{build_number_key(number)}"


def _build_row(sheet: Sheet) -> Document:
    return {
        "_id": sheet.id,
        "version": sheet.version,
        "key": _build_key(sheet.moa, sheet.number),
        "sheet": _SHEET.dump_python(sheet, mode="json"),
    }


def _read(row: Document) -> Sheet:
    return _SHEET.validate_python(row["sheet"])


SHEETS = DocumentFormat(_COLLECTION, read=_read, write=_build_row)
