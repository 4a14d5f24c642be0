"""A deposit that no rule refuses, and the world it is judged in: tests change one thing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from services.deposit.domain.file_party import Party as FileParty
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.judgement import World, judge
from services.deposit.domain.metadata import Follows, Metadata
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.piece import Draft, Piece
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.turns import DossierState
from shared.circuit.loader import load_current
from shared.circuit.parties import Parties, Party, Service, Structure
from shared.circuit.turns import Awaited, Turn
from shared.vocabulary.attachments import Attached, StoredFile
from shared.vocabulary.codes import Syntax
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
TITULAIRE, MOE = "73282932000074", "35600000049837"
MOA, PAYER = "35600000000048", "55208131766522"
COTRAITANT, SOUS_TRAITANT = "40483304800022", "48901230200035"


def a_structure(name: str, **changes: Any) -> Structure:  # noqa: ANN401 - any field
    public = name in {MOA, PAYER}
    plain = Structure(
        id=name,
        kind=StructureKind.PUBLIQUE if public else StructureKind.PRIVEE,
        status=StructureStatus.ACTIF,
        moa=MoaParameter.AVEC if name == MOA else MoaParameter.SANS,
        version=3,
        services={"TRAVAUX": Service(), "CLOS": Service(active=False)},
    )
    return replace(plain, **changes)


NAMES = {
    Role.TITULAIRE: TITULAIRE,
    Role.COTRAITANT: COTRAITANT,
    Role.SOUS_TRAITANT: SOUS_TRAITANT,
    Role.MOE: MOE,
    Role.MOA: MOA,
    Role.SERVICE_FINANCIER: PAYER,
}
DIRECTORY = {name: a_structure(name) for name in NAMES.values()}
PARTIES = Parties(Party(TITULAIRE), Party(PAYER), moe=Party(MOE), moa=Party(MOA))

READ = Invoice(
    syntax=Syntax.UBL,
    number="SIT-1",
    issued_on=TODAY,
    currency="EUR",
    ht=Decimal("100.00"),
    tva=Decimal("20.00"),
    ttc=Decimal("120.00"),
    due=Decimal("120.00"),
    type_code="380",
    seller=FileParty("Bâtisseurs", TITULAIRE),
    buyer=FileParty("Ville", PAYER),
    cadre="A4",
)
OPENING = Proposal(
    role=Role.TITULAIRE,
    structure=TITULAIRE,
    metadata=Metadata(parties={Role.MOE: Party(MOE), Role.MOA: Party(MOA)}),
    read=READ,
)
WORLD = World(circuit=load_current(), directory=DIRECTORY, today=TODAY, max_number_length=20)


def stating(**fields: Any) -> Metadata:  # noqa: ANN401 - any field of an e-invoice
    """Say some fields beside the opener."""
    return replace(OPENING.metadata, fields=Invoice(syntax=Syntax.PDF, **fields))


def reading(**fields: Any) -> Proposal:  # noqa: ANN401 - any field of an e-invoice
    """Propose the opener with other fields in its file."""
    return replace(OPENING, read=replace(READ, **fields))


def naming(parties: Mapping[Role, Party | None]) -> Proposal:
    """Propose the opener with other parties."""
    named = {**OPENING.metadata.parties, **parties}
    return replace(
        OPENING,
        metadata=Metadata(parties={role: party for role, party in named.items() if party}),
    )


def broken(proposal: Proposal, world: World = WORLD) -> list[tuple[str, str]]:
    return [(each.code, each.field) for each in judge(proposal, world).violations]


def accepted(proposal: Proposal, world: World = WORLD) -> Draft:
    verdict = judge(proposal, world)
    assert verdict.violations == ()
    assert verdict.draft is not None
    return verdict.draft


def attaching(name: str, size_bytes: int, head: bytes = b"%PDF-1.7") -> Proposal:
    return replace(OPENING, attachments=(Attached(name, size_bytes, head),))


def a_piece(proposal: Proposal = OPENING, world: World = WORLD, id_: str = "piece-1") -> Piece:
    file = StoredFile("0" * 64, 10, "f.xml", "application/xml")
    return Piece(id_, "dossier-1", accepted(proposal, world), file, (), "1" * 64, NOW)


def opening(cadre: str, role: Role, *named: Role, **fields: Any) -> Proposal:  # noqa: ANN401
    """Propose an opener of a role that names others beside itself; the seller is its supplier."""
    seller = NAMES[role] if role in SUPPLIER_SIDE else TITULAIRE
    return Proposal(
        role=role,
        structure=NAMES[role],
        metadata=Metadata(parties={each: Party(NAMES[each]) for each in named}),
        read=replace(READ, cadre=cadre, seller=FileParty(siret=seller), **fields),
    )


def a_turn(role: Role, *cadres: str) -> Turn:
    """Give the turn of the party that plays a role."""
    return Turn(role, NAMES[role], cadres)


def awaiting(*turns: Turn, piece_id: str = "piece-1", held: str | None = None) -> Awaited:
    """Await somebody, and whoever may act in its place."""
    return Awaited(turns, piece_id, "SIT-1", held)


def a_state(
    piece: Piece, status: Status = Status.A_ASSOCIER_MOE, awaited: Awaited | None = None
) -> DossierState:
    """Give the state of a dossier whose one piece awaits somebody; the MOE unless told."""
    return DossierState(
        id=piece.dossier_id,
        version=4,
        table_version=piece.draft.table_version,
        parties=piece.draft.parties,
        statuses={piece.id: status},
        reported={piece.id: status},
        awaited=awaited or awaiting(a_turn(Role.MOE, "A15"), piece_id=piece.id),
    )


def after(piece: Piece, state: DossierState | None) -> World:
    """Give the world of a piece that follows."""
    return replace(WORLD, following=FollowedPiece(piece, state))


def next_piece(role: Role = Role.MOE, structure: str = MOE, **fields: Any) -> Proposal:  # noqa: ANN401
    """Propose an A15 as a plain PDF with its fields beside it."""
    stated: dict[str, Any] = {
        "number": "EA-1",
        "issued_on": TODAY,
        "currency": "EUR",
        "ht": Decimal("100.00"),
        "tva": Decimal("20.00"),
        "ttc": Decimal("120.00"),
        "due": Decimal("120.00"),
        "cadre": "A15",
        **fields,
    }
    beside = Metadata(
        fields=Invoice(syntax=Syntax.PDF, **stated), follows=Follows(piece_id="piece-1")
    )
    return Proposal(role=role, structure=structure, metadata=beside)
