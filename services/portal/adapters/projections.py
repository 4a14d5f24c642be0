"""Keep the latest version of each dossier, as its pieces, and of each structure, as its name."""

from collections.abc import Iterable, Sequence

from pymongo import DeleteMany, ReplaceOne

from services.portal.adapters.documents import to_document
from services.portal.application.projecting import pieces_of
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import StructureChanged
from shared.contracts.routing_v1 import DossierChanged
from shared.runtime.messaging.projection import keep_newest, refuse_elsewhere
from shared.runtime.store.database import Document, Transaction
from shared.vocabulary.texts import one_line

PIECES = "pieces"
DOSSIERS = "dossiers"
STRUCTURES = "structures"


async def project_dossiers(
    transaction: Transaction, events: Sequence[Event[DossierChanged]]
) -> None:
    """Replace the pieces of each dossier that is told in a newer version."""
    known = await _versions(transaction, DOSSIERS, {event.data.dossier_id for event in events})
    newer: dict[str, DossierChanged] = {}
    for event in events:
        said = event.data
        if said.version > known.get(said.dossier_id, -1):
            known[said.dossier_id] = said.version
            newer[said.dossier_id] = said
    if not newer:
        return
    claims = [(piece.piece_id, id_) for id_, said in newer.items() for piece in said.pieces]
    await refuse_elsewhere(transaction, PIECES, claims)
    documents = [
        to_document(piece, said.version) for said in newer.values() for piece in pieces_of(said)
    ]
    pieces = transaction.collection(PIECES)
    if documents:
        await pieces.bulk_write(_replacing(documents), ordered=False, session=transaction.session)
    await pieces.bulk_write(
        [
            DeleteMany({"dossier_id": id_, "version": {"$lt": said.version}})
            for id_, said in newer.items()
        ],
        ordered=False,
        session=transaction.session,
    )
    versions = [{"_id": id_, "version": said.version} for id_, said in newer.items()]
    await _replace(transaction, DOSSIERS, versions)


async def project_structures(
    transaction: Transaction, events: Sequence[Event[StructureChanged]]
) -> None:
    """Keep the name of each structure that is told in a newer version."""
    await keep_newest(
        transaction,
        STRUCTURES,
        [
            {"_id": said.structure, "version": said.version, "name": one_line(said.name)}
            for said in (event.data for event in events)
        ],
    )


async def _versions(transaction: Transaction, name: str, ids: Iterable[str]) -> dict[str, int]:
    found = transaction.collection(name).find(
        {"_id": {"$in": list(ids)}}, {"version": 1}, session=transaction.session
    )
    return {row["_id"]: row["version"] async for row in found}


async def _replace(transaction: Transaction, name: str, rows: Sequence[Document]) -> None:
    if rows:
        await transaction.collection(name).bulk_write(
            _replacing(rows), ordered=False, session=transaction.session
        )


def _replacing(rows: Iterable[Document]) -> list[ReplaceOne[Document]]:
    return [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows]
