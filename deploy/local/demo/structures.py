"""Structures of the demo and their marchés; the SIRETs are invented, with correct keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deploy.local.einvoices import Trader
from shared.vocabulary.roles import Role
from shared.vocabulary.siret import is_siret
from shared.vocabulary.structures import MoaParameter, StructureKind


@dataclass(frozen=True, slots=True)
class Structure:
    """Structure of the demo."""

    siret: str
    name: str
    kind: StructureKind
    moa: MoaParameter = MoaParameter.SANS
    services: tuple[str, ...] = ()

    def build_trader(self) -> Trader:
        """Build the seller or buyer of an e-invoice."""
        return Trader(self.name, self.siret)

    def build_declaration(self) -> dict[str, Any]:
        """Build the declaration of the structure to service organisation."""
        return {
            "identifier_type": "SIRET",
            "identifier": self.siret,
            "name": self.name,
            "kind": self.kind,
            "parameters": {"moa": self.moa},
            "services": [{"code": code, "name": code} for code in self.services],
        }


def _build_siret(rank: int) -> str:
    stem = f"900000{rank:03d}0001"
    return next(stem + str(key) for key in range(10) if is_siret(stem + str(key)))


TITULAIRE = Structure(_build_siret(1), "Bâtisseurs du Rhône", StructureKind.PRIVEE)
MOE = Structure(_build_siret(2), "Atelier Lagarde, architectes", StructureKind.PRIVEE)
MAIRIE = Structure(
    _build_siret(3),
    "Ville de Vaubrun",
    StructureKind.PUBLIQUE,
    MoaParameter.AVEC,
    services=("VOIRIE", "PATRIMOINE"),
)
AMENAGEUR = Structure(
    _build_siret(4), "Vaubrun Aménagement", StructureKind.PUBLIQUE, MoaParameter.EXCLUSIVEMENT
)
TRESORERIE = Structure(_build_siret(5), "Trésorerie du Val", StructureKind.PUBLIQUE)
SOUS_TRAITANT = Structure(_build_siret(6), "Étanchéité Morel", StructureKind.PRIVEE)
COTRAITANT = Structure(_build_siret(7), "Charpentes Daval", StructureKind.PRIVEE)

STRUCTURES = (TITULAIRE, COTRAITANT, SOUS_TRAITANT, MOE, MAIRIE, AMENAGEUR, TRESORERIE)


_OTHERS = {
    Role.TITULAIRE: TITULAIRE,
    Role.COTRAITANT: COTRAITANT,
    Role.SOUS_TRAITANT: SOUS_TRAITANT,
    Role.MOE: MOE,
}


@dataclass(frozen=True, slots=True)
class Marche:
    """Marché: its parties. Cocontractor and subcontractor deposit their own pieces."""

    moa: Structure | None
    service_financier: Structure

    @property
    def has_moa(self) -> bool:
        """Whether dossiers follow the rows of the circuit with a MOA."""
        return self.moa is not None

    @property
    def label(self) -> str:
        """Label of the marché in the report."""
        if self.moa is None:
            return "sans MOA"
        return "un SIRET" if self.moa is self.service_financier else "deux SIRET"

    def find_member(self, role: Role) -> Structure:
        """Find the structure that has a role. Raises KeyError for a MOA where there is none."""
        return dict(self._list_members())[role]

    def build_parties(self, depositor: Role = Role.TITULAIRE) -> dict[str, Any]:
        """Build the parties of a dossier, as metadata of the opener that `depositor` deposits."""
        always = (Role.TITULAIRE, Role.MOE, Role.MOA, Role.SERVICE_FINANCIER, depositor)
        return {
            role.value: {"structure": member.siret}
            for role, member in self._list_members()
            if role in always
        }

    def _list_members(self) -> Iterator[tuple[Role, Structure]]:
        yield from _OTHERS.items()
        if self.moa:
            yield Role.MOA, self.moa
        yield Role.SERVICE_FINANCIER, self.service_financier


ONE_SIRET = Marche(MAIRIE, MAIRIE)
TWO_SIRETS = Marche(AMENAGEUR, TRESORERIE)
WITHOUT_MOA = Marche(None, TRESORERIE)
