"""Projection of dossiers: the pieces of the latest version of each."""

from collections.abc import Sequence

from services.portal.adapters.documents import to_document
from services.portal.application.piece_states import read_pieces
from shared.contracts.envelope import Event
from shared.contracts.routing_v1 import DossierChanged
from shared.runtime.messaging.projection import check_owners, keep_newest
from shared.runtime.store.database import Transaction
from shared.runtime.store.driver import DeleteMany, ReplaceOne

PIECES = "pieces"
DOSSIERS = "dossiers"


async def project_dossiers(
    transaction: Transaction, events: Sequence[Event[DossierChanged]]
) -> None:
    """Replace the pieces of each dossier that comes in a newer version."""
    states = sorted((event.data for event in events), key=lambda state: state.version)
    latest = {state.dossier_id: state for state in states}
    versions = [{"_id": id_, "version": state.version} for id_, state in latest.items()]
    newer = [latest[id_] for id_ in await keep_newest(transaction, DOSSIERS, versions)]
    if not newer:
        return
    claims = [(piece.piece_id, state.dossier_id) for state in newer for piece in state.pieces]
    await check_owners(transaction, PIECES, claims)
    documents = [
        to_document(piece, state.version) for state in newer for piece in read_pieces(state)
    ]
    pieces = transaction.collection(PIECES)
    if documents:
        await pieces.bulk_write(
            [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in documents],
            ordered=False,
            session=transaction.session,
        )
    await pieces.bulk_write(
        [
            DeleteMany({"dossier_id": state.dossier_id, "version": {"$lt": state.version}})
            for state in newer
        ],
        ordered=False,
        session=transaction.session,
    )
