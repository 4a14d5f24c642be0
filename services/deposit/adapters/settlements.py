"""Settlements of dossiers by factures de régularisation: one document for each dossier.

The id of the document is that of the dossier, so one piece settles it, whichever replica writes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.deposit.domain.piece import Piece
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import UpdateOne
from shared.runtime.store.schema import DocumentFormat


@dataclass(frozen=True, slots=True)
class Settlement:
    """Settlement of a facture de régularisation on a dossier that it settles."""

    dossier_id: str
    piece_id: str


def _read(row: Document) -> Settlement:
    return Settlement(row["_id"], row["piece_id"])


def _write(claim: Settlement) -> Document:
    return {"_id": claim.dossier_id, "piece_id": claim.piece_id}


SETTLEMENTS = DocumentFormat("settlements", read=_read, write=_write)


async def find_settlements(store: Store, dossiers: Iterable[str]) -> Mapping[str, str]:
    """Find the piece that claims each of these dossiers, if any."""
    rows = store.collection(SETTLEMENTS.collection).find({"_id": {"$in": [*dossiers]}})
    claims = [SETTLEMENTS.read(row) async for row in rows]
    return {each.dossier_id: each.piece_id for each in claims}


async def record_settlements(
    transaction: Transaction, settling: Iterable[tuple[Piece, frozenset[str]]]
) -> None:
    """Write the claims of pieces, each over those of the pieces that it may take over.

    This is a compare-and-set: a dossier that another piece has claimed is not matched by the
    filter, and its id is a duplicate, which aborts the transaction.
    """
    writes = []
    for piece, freed in settling:
        for dossier in piece.draft.settles:
            row = SETTLEMENTS.write(Settlement(dossier, piece.id), transaction.level)
            matched = {"_id": row.pop("_id"), "piece_id": {"$in": [*freed]}}
            writes.append(UpdateOne(matched, {"$set": row}, upsert=True))
    if writes:
        claims = transaction.collection(SETTLEMENTS.collection)
        await claims.bulk_write(writes, ordered=False, session=transaction.session)
