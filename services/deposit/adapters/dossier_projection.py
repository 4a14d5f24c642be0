"""Projection of dossiers: the latest state of each dossier that routing has published."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from services.deposit.adapters.documents import PIECES
from services.deposit.application.ports import Depositor
from services.deposit.domain.turns import DossierState
from shared.circuit.turns import Awaited, Turn
from shared.contracts.envelope import Event
from shared.contracts.routing_v1 import DossierChanged
from shared.runtime.messaging.projection import check_owners, keep_newest
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.schema import DocumentFormat, read_level
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

_STATE = TypeAdapter(DossierState)


async def project_dossiers(
    transaction: Transaction, events: Sequence[Event[DossierChanged]]
) -> None:
    """Keep the latest version of each dossier that the events hold.

    Raises ElsewhereError when an event has a piece that belongs to another dossier.
    """
    claims = [
        (piece.piece_id, event.data.dossier_id) for event in events for piece in event.data.pieces
    ]
    await check_owners(transaction, PIECES.collection, claims)
    rows = [DOSSIERS.write(_build_state(event.data), event.level) for event in events]
    await keep_newest(transaction, DOSSIERS.collection, rows)


def _write_state(state: DossierState) -> Document:
    return {
        "_id": state.id,
        "version": state.version,
        "state": _STATE.dump_python(state, mode="json", exclude={"level"}),
        "awaits": _build_await_keys(state),
    }


def _read_state(row: Document) -> DossierState:
    return _STATE.validate_python({**row["state"], "level": read_level(row)})


DOSSIERS = DocumentFormat("dossiers", read=_read_state, write=_write_state)


class MongoDossiers:
    """The projection of dossiers."""

    def __init__(self, store: Store) -> None:
        """Read from this store."""
        self._rows = store.collection(DOSSIERS.collection)

    async def prepare(self) -> None:
        """Create the index that finds the dossiers which await a given deposit."""
        await self._rows.create_index("awaits")

    async def find(self, dossier_id: str) -> DossierState | None:
        row: Document | None = await self._rows.find_one({"_id": dossier_id})
        return DOSSIERS.read(row) if row else None

    async def find_awaiting(self, who: Depositor, titulaire: str) -> str | None:
        row: Document | None = await self._rows.find_one(
            {"awaits": _build_await_key(who, titulaire)}
        )
        state = DOSSIERS.read(row) if row else None
        return state.awaited.piece_id if state and state.awaited else None


def _build_await_keys(state: DossierState) -> list[str]:
    titulaire = state.parties.titulaire.structure
    return [
        _build_await_key(Depositor(turn.role, turn.structure, cadre), titulaire)
        for turn in (state.awaited.turns if state.awaited else ())
        for cadre in turn.cadres
    ]


def _build_await_key(who: Depositor, titulaire: str) -> str:
    return f"{who.role}|{who.structure}|{who.cadre}|{titulaire}"


def _build_state(published: DossierChanged) -> DossierState:
    awaited = published.awaited
    numbers = {piece.piece_id: piece.number for piece in published.pieces}
    return DossierState(
        id=published.dossier_id,
        version=published.version,
        table_version=published.table_version,
        parties=published.parties.to_domain(),
        statuses={piece.piece_id: piece.status for piece in published.pieces},
        reported={piece.piece_id: piece.status_before_payment for piece in published.pieces},
        engagements={piece.piece_id: piece.engagement for piece in published.pieces},
        awaited=Awaited(
            turns=tuple(Turn(turn.role, turn.structure, turn.cadres) for turn in awaited.turns),
            piece_id=awaited.piece_id,
            number=numbers[awaited.piece_id],
            held=awaited.held,
        )
        if awaited
        else None,
        payment_not_reported=published.payment_not_reported,
        reported_awaited=_find_payer(published),
        prevailing=published.prevailing.to_domain() if published.prevailing else None,
        mandant=published.mandant,
        marche=next((piece.marche for piece in published.pieces if piece.marche), None),
    )


def _find_payer(published: DossierChanged) -> Awaited | None:
    paid = [piece for piece in published.pieces if piece.status is Status.MISE_EN_PAIEMENT]
    if not paid:
        return None
    payer = published.parties.service_financier.structure
    turn = Turn(Role.SERVICE_FINANCIER, payer, ())
    return Awaited((turn,), paid[-1].piece_id, paid[-1].number)
