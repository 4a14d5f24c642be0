"""Deposited pieces in the document store: found by id, number, dossier and file."""

from collections.abc import Iterable, Mapping

from services.deposit.adapters.documents import PIECES, build_number_id
from services.deposit.adapters.settlements import find_settlements
from services.deposit.domain.piece import Piece
from shared.application.idempotency import Key, UsedKey
from shared.runtime.store.database import Document, Store
from shared.runtime.store.idempotency_keys import find_key_use, prepare_keys
from shared.vocabulary.piece_numbers import build_number_key
from shared.vocabulary.roles import Role

RANKS = "ranks"
"""Collection of the number of events published, by dossier."""


class MongoPieces:
    """Store of deposited pieces."""

    def __init__(self, store: Store) -> None:
        """Read from this store."""
        self._store = store
        self._pieces = store.collection(PIECES.collection)

    async def prepare(self) -> None:
        """Create the indexes, one of which keeps a depositor's numbers unique."""
        await self._pieces.create_index("number_id", unique=True)
        await self._pieces.create_index("number_key")
        await self._pieces.create_index("dossier_id")
        await self._pieces.create_index("files")
        await prepare_keys(self._store)

    async def get(self, piece_id: str) -> Piece | None:
        return _read(await self._pieces.find_one({"_id": piece_id}))

    async def find_by_number(self, depositor: str, number: str) -> Piece | None:
        return _read(await self._pieces.find_one({"number_id": build_number_id(depositor, number)}))

    async def find_with_number(self, number: str, role: Role, structure: str) -> list[Piece]:
        wanted = {
            "number_key": build_number_key(number),
            f"piece.draft.parties.{role.value}.structure": structure,
        }
        return [PIECES.read(row) async for row in self._pieces.find(wanted)]

    async def list_ids(self, dossier_id: str) -> set[str]:
        found = self._pieces.find({"dossier_id": dossier_id}, {"_id": 1})
        return {row["_id"] async for row in found}

    async def find_settlements(self, dossiers: Iterable[str]) -> Mapping[str, str]:
        return await find_settlements(self._store, dossiers)

    async def find_key_use(self, key: Key) -> UsedKey | None:
        return await find_key_use(self._store, key)

    async def find_referenced_files(self, files: Iterable[str]) -> set[str]:
        """Find which of these files some piece refers to."""
        wanted = set(files)
        rows = self._pieces.find({"files": {"$in": list(wanted)}}, {"files": 1})
        return {sha256 async for row in rows for sha256 in row["files"]} & wanted


def _read(row: Document | None) -> Piece | None:
    return PIECES.read(row) if row else None
