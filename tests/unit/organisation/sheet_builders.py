"""Sheets and structures of the directory, for unit tests of sheets."""

from datetime import date
from typing import Any

from services.organisation.sheets.domain.sheets import Content, Lot
from services.organisation.structures.domain.structure import (
    Declaration,
    Parameters,
    Service,
    Structure,
)
from shared.circuit.sheets import SheetActor, SheetField, SheetRole
from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    StructureKind,
    StructureStatus,
)

MOA, MOE, TITULAIRE, GONE = "90000000300013", "90000000200015", "90000000100017", "90000000400011"


def a_structure(siret: str, kind: StructureKind, **more: Any) -> Structure:  # noqa: ANN401 - fields of a declaration
    return Structure(1, Declaration(IdentifierType.SIRET, siret, "Nom", kind, **more))


DIRECTORY = {
    each.id: each
    for each in (
        a_structure(
            MOA,
            StructureKind.PUBLIQUE,
            parameters=Parameters(MoaParameter.AVEC),
            services=(Service("TRAVAUX", "Travaux"), Service("FERME", "Fermé", active=False)),
        ),
        a_structure(MOE, StructureKind.PRIVEE),
        a_structure(TITULAIRE, StructureKind.PRIVEE),
        a_structure(GONE, StructureKind.PRIVEE, status=StructureStatus.INACTIF),
    )
}


def an_actor(role: SheetRole, structure: str, **more: Any) -> SheetActor:  # noqa: ANN401 - fields of an actor
    return SheetActor(role, structure, **more)


WHOLE = Content(
    number="2026-T-017",
    title="Rénovation du groupe scolaire « Jean-Macé » = lot n° 1",
    actors=(
        an_actor(SheetRole.TITULAIRE, TITULAIRE, lot="1"),
        an_actor(SheetRole.MOE, MOE, valid_from=date(2026, 1, 1), valid_until=date(2027, 12, 31)),
        an_actor(SheetRole.MOE, TITULAIRE, valid_from=date(2028, 1, 1)),
        an_actor(SheetRole.SERVICE_FINANCIER, MOA, service="TRAVAUX"),
    ),
    lots=(Lot("1", "Gros œuvre"), Lot("02", "")),
    delays={"etat_acompte": 10, "paiement": 45},
    required=(SheetField.ENGAGEMENT, SheetField.MOE_SERVICE),
)
