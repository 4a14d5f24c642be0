"""Projection of dossiers: the pieces of the latest version of each."""

from collections.abc import Sequence

from services.portal.adapters.documents import PIECES
from services.portal.adapters.marks import unmark_changed
from services.portal.application.piece_states import read_pieces
from shared.contracts.envelope import Event
from shared.contracts.routing_v1 import DossierChanged
from shared.runtime.messaging.projection import check_owners, keep_newest
from shared.runtime.store.database import Transaction
from shared.runtime.store.driver import DeleteMany, ReplaceOne

DOSSIERS = "dossiers"


async def project_dossiers(
    transaction: Transaction, events: Sequence[Event[DossierChanged]]
) -> None:
    """Replace the pieces of each dossier that comes in a newer version.

    Raises ElsewhereError for a piece that belongs to another dossier.
    """
    latest = {
        event.data.dossier_id: event for event in sorted(events, key=lambda each: each.data.version)
    }
    versions = [{"_id": id_, "version": event.data.version} for id_, event in latest.items()]
    newer = [latest[id_] for id_ in await keep_newest(transaction, DOSSIERS, versions)]
    if not newer:
        return
    states = [event.data for event in newer]
    claims = [(piece.piece_id, state.dossier_id) for state in states for piece in state.pieces]
    await check_owners(transaction, PIECES.collection, claims)
    documents = [
        {**PIECES.write(piece, event.level), "version": event.data.version}
        for event in newer
        for piece in read_pieces(event.data)
    ]
    of_dossiers = {state.dossier_id: state.version for state in states}
    await unmark_changed(transaction, documents, of_dossiers)
    pieces = transaction.collection(PIECES.collection)
    if documents:
        await pieces.bulk_write(
            [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in documents],
            ordered=False,
            session=transaction.session,
        )
    await pieces.bulk_write(
        [
            DeleteMany({"dossier_id": state.dossier_id, "version": {"$lt": state.version}})
            for state in states
        ],
        ordered=False,
        session=transaction.session,
    )
