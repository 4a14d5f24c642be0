"""Structures of the demo and their contracts; the SIRETs are invented, with correct keys."""

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
        """Seller or buyer of an e-invoice."""
        return Trader(self.name, self.siret)

    def build_declaration(self) -> dict[str, Any]:
        """Build its declaration to service organisation."""
        return {
            "identifier_type": "SIRET",
            "identifier": self.siret,
            "name": self.name,
            "kind": self.kind,
            "parameters": {"moa": self.moa},
            "services": [{"code": code, "name": code} for code in self.services],
        }


def _siret(rank: int) -> str:
    stem = f"900000{rank:03d}0001"
    return next(stem + str(key) for key in range(10) if is_siret(stem + str(key)))


TITULAIRE = Structure(_siret(1), "Bâtisseurs du Rhône", StructureKind.PRIVEE)
MOE = Structure(_siret(2), "Atelier Lagarde, architectes", StructureKind.PRIVEE)
MAIRIE = Structure(
    _siret(3),
    "Ville de Vaubrun",
    StructureKind.PUBLIQUE,
    MoaParameter.AVEC,
    services=("VOIRIE", "PATRIMOINE"),
)
AMENAGEUR = Structure(
    _siret(4), "Vaubrun Aménagement", StructureKind.PUBLIQUE, MoaParameter.EXCLUSIVEMENT
)
TRESORERIE = Structure(_siret(5), "Trésorerie du Val", StructureKind.PUBLIQUE)
SOUS_TRAITANT = Structure(_siret(6), "Étanchéité Morel", StructureKind.PRIVEE)
COTRAITANT = Structure(_siret(7), "Charpentes Daval", StructureKind.PRIVEE)

STRUCTURES = (TITULAIRE, COTRAITANT, SOUS_TRAITANT, MOE, MAIRIE, AMENAGEUR, TRESORERIE)


_OTHERS = {
    Role.TITULAIRE: TITULAIRE,
    Role.COTRAITANT: COTRAITANT,
    Role.SOUS_TRAITANT: SOUS_TRAITANT,
    Role.MOE: MOE,
}


@dataclass(frozen=True, slots=True)
class Marche:
    """Contract: its parties. Cocontractor and subcontractor deposit their own pieces."""

    moa: Structure | None
    service_financier: Structure

    @property
    def has_moa(self) -> bool:
        """Whether dossiers follow the rows of the circuit with a MOA."""
        return self.moa is not None

    @property
    def label(self) -> str:
        """Label of the contract in the report."""
        if self.moa is None:
            return "sans MOA"
        return "un SIRET" if self.moa is self.service_financier else "deux SIRET"

    def find_member(self, role: Role) -> Structure:
        """Find the structure that has a role."""
        return dict(self._members())[role]

    def build_parties(self, depositor: Role = Role.TITULAIRE) -> dict[str, Any]:
        """Build the parties of a dossier that a role opens, as metadata."""
        always = (Role.TITULAIRE, Role.MOE, Role.MOA, Role.SERVICE_FINANCIER, depositor)
        return {
            role.value: {"structure": member.siret}
            for role, member in self._members()
            if role in always
        }

    def _members(self) -> Iterator[tuple[Role, Structure]]:
        yield from _OTHERS.items()
        if self.moa:
            yield Role.MOA, self.moa
        yield Role.SERVICE_FINANCIER, self.service_financier


ONE_SIRET = Marche(MAIRIE, MAIRIE)
TWO_SIRETS = Marche(AMENAGEUR, TRESORERIE)
WITHOUT_MOA = Marche(None, TRESORERIE)
