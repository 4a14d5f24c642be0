"""States of dossiers and statuses of pieces, as routing publishes them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from shared.contracts.common_v1 import ActorV1, AmountsV1, PartiesV1, PartyV1
from shared.contracts.envelope import Event
from shared.contracts.routing_v1 import AwaitedV1, DossierChanged, PieceStateV1, StatusChanged
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.kit.events import NOW

NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)
TITULAIRE, MOE, MOA, PAYER = (
    "90000000100017",
    "90000000200015",
    "90000000300013",
    "90000000600016",
)
PARTIES = PartiesV1(
    titulaire=PartyV1(structure=TITULAIRE, service="CHANTIERS"),
    moe=PartyV1(structure=MOE),
    moa=PartyV1(structure=MOA, service="BATIMENTS"),
    service_financier=PartyV1(structure=PAYER, service="TRAVAUX"),
)


def a_piece(piece_id: str = "p1", **changes: Any) -> PieceStateV1:  # noqa: ANN401
    """Build a piece: a titulaire's A4 that awaits the MOE."""
    piece = {
        "piece_id": piece_id,
        "cadre": "A4",
        "number": f"SIT-{piece_id}",
        "status": Status.A_ASSOCIER_MOE,
        "depositor": ActorV1(role=Role.TITULAIRE, structure=TITULAIRE),
        "status_at": NOON,
        "issued_on": date(2026, 11, 20),
        "deposited_at": NOON,
        "currency": "EUR",
        "amounts": build_amounts("100.00"),
        "engagement": "ENG-1",
        "marche": "M-2026-1",
    } | changes
    piece.setdefault("reported", piece["status"])
    piece.setdefault("reported_at", piece["status_at"])
    return PieceStateV1.model_validate(piece)


def build_amounts(ht: str) -> AmountsV1:
    """Build amounts with 20% of VAT."""
    net = Decimal(ht)
    tva = (net / 5).quantize(Decimal("0.01"))
    return AmountsV1(ht=net, tva=tva, ttc=net + tva, due=net + tva)


def build_awaited(role: Role, structure: str, piece_id: str = "p1", **more: Any) -> AwaitedV1:  # noqa: ANN401
    """Build the actor who is awaited on a piece."""
    asked = {"role": role, "structure": structure, "piece_id": piece_id, "since": NOON}
    return AwaitedV1.model_validate(asked | more)


def a_state(
    dossier_id: str = "d1",
    version: int = 1,
    pieces: Sequence[PieceStateV1] = (),
    **changes: Any,  # noqa: ANN401
) -> DossierChanged:
    """Build the state of a dossier that awaits its MOE on one piece."""
    state = {
        "dossier_id": dossier_id,
        "version": version,
        "closed": False,
        "table_version": "2026-2",
        "parties": PARTIES,
        "pieces": tuple(pieces) or (a_piece(f"{dossier_id}-p1"),),
        "awaited": None,
        "at": NOON,
    } | changes
    return DossierChanged.model_validate(state)


def build_event(state: DossierChanged) -> Event[DossierChanged]:
    """Build the event of a state."""
    return Event(
        id=new_id(),
        source="/services/routing",
        type=DossierChanged.event_type,
        time=state.at,
        subject=state.dossier_id,
        dossierid=state.dossier_id,
        sequence=max(state.version, 1),
        correlationid="journey-1",
        data=state,
    )


def a_paid_piece(piece_id: str = "p1", **changes: Any) -> PieceStateV1:  # noqa: ANN401
    """Build a paid piece, mandated two days before."""
    mandated_at = datetime(2026, 11, 26, 11, tzinfo=UTC)
    return a_piece(
        piece_id,
        status=Status.MISE_EN_PAIEMENT,
        status_at=datetime(2026, 11, 28, 11, tzinfo=UTC),
        reported=Status.MANDATEE,
        reported_at=mandated_at,
        **changes,
    )


def a_status(dossier: str, rank: int, motive: str | None = None) -> Event[StatusChanged]:
    """Build the event of a deposited piece's status, of rank `rank` in its dossier."""
    party = PartyV1(structure="35600000000048")
    return Event(
        id=f"{dossier}-{rank}",
        source="/services/routing",
        type=StatusChanged.event_type,
        time=NOW,
        subject="p",
        dossierid=dossier,
        sequence=rank,
        correlationid=f"journey of {dossier}",
        data=StatusChanged(
            piece_id="p",
            dossier_id=dossier,
            cadre="A4",
            number="1",
            status=Status.DEPOSEE,
            motive=motive,
            parties=PartiesV1(titulaire=party, moe=party, service_financier=party),
            depositor=ActorV1(role=Role.TITULAIRE, structure="s"),
            at=NOW,
        ),
    )
