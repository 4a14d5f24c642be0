"""Structures of the demo and their marchés; the SIRETs are invented, with correct keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deploy.local.einvoices import Trader
from deploy.local.sign_in import User
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
    manager: str = "Dominique Martin"
    """Name of its main manager, who signs in for it."""

    @property
    def user(self) -> User:
        """Main manager of the structure, who may act in all its roles."""
        return User(f"gestion@{self.siret}.exemple.fr", self.manager, self.siret)

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


TITULAIRE = Structure(
    _build_siret(1), "Bâtisseurs du Rhône", StructureKind.PRIVEE, manager="Claire Bonnet"
)
MOE = Structure(
    _build_siret(2), "Atelier Lagarde, architectes", StructureKind.PRIVEE, manager="Paul Lagarde"
)
MAIRIE = Structure(
    _build_siret(3),
    "Ville de Vaubrun",
    StructureKind.PUBLIQUE,
    MoaParameter.AVEC,
    services=("VOIRIE", "PATRIMOINE"),
    manager="Nadia Ferrand",
)
AMENAGEUR = Structure(
    _build_siret(4),
    "Vaubrun Aménagement",
    StructureKind.PUBLIQUE,
    MoaParameter.EXCLUSIVEMENT,
    manager="Hugo Vidal",
)
TRESORERIE = Structure(
    _build_siret(5), "Trésorerie du Val", StructureKind.PUBLIQUE, manager="Ali B."
)
SOUS_TRAITANT = Structure(
    _build_siret(6), "Étanchéité Morel", StructureKind.PRIVEE, manager="Inès Morel"
)
COTRAITANT = Structure(
    _build_siret(7), "Charpentes Daval", StructureKind.PRIVEE, manager="Cyril Daval"
)

DELEGATE = Structure(
    _build_siret(8),
    "Vaubrun Construction",
    StructureKind.PUBLIQUE,
    MoaParameter.AVEC,
    manager="Léa Roux",
)
"""MOA déléguée of the MAIRIE."""

STRUCTURES = (TITULAIRE, COTRAITANT, SOUS_TRAITANT, MOE, MAIRIE, AMENAGEUR, TRESORERIE)


@dataclass(frozen=True, slots=True)
class Marche:
    """Marché: its parties. Cocontractor and subcontractor deposit their own pieces."""

    moa: Structure | None
    service_financier: Structure
    mandant: Structure | None = None
    """Structure for which the MOA acts under a mandate."""
    titulaire: Structure = TITULAIRE
    moe: Structure | None = MOE

    @property
    def has_moa(self) -> bool:
        """Whether dossiers follow the rows of the circuit with a MOA."""
        return self.moa is not None

    @property
    def label(self) -> str:
        """Label of the marché in the report."""
        if self.mandant:
            return "MOA déléguée"
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
        yield Role.TITULAIRE, self.titulaire
        yield Role.COTRAITANT, COTRAITANT
        yield Role.SOUS_TRAITANT, SOUS_TRAITANT
        if self.moe:
            yield Role.MOE, self.moe
        if self.moa:
            yield Role.MOA, self.moa
        yield Role.SERVICE_FINANCIER, self.service_financier


ONE_SIRET = Marche(MAIRIE, MAIRIE)
TWO_SIRETS = Marche(AMENAGEUR, TRESORERIE)
WITHOUT_MOA = Marche(None, TRESORERIE)
