"""Who plays in the demo. The SIRETs are made up; their keys are right."""

from dataclasses import dataclass
from typing import Any

from deploy.local.einvoices import Trader
from shared.vocabulary.roles import MoaParameter, StructureKind
from shared.vocabulary.siret import is_siret


@dataclass(frozen=True, slots=True)
class Member:
    """A structure of the demo."""

    siret: str
    name: str
    kind: StructureKind
    moa: MoaParameter = MoaParameter.SANS

    def trader(self) -> Trader:
        """How an e-invoice names it."""
        return Trader(self.name, self.siret)

    def declaration(self) -> dict[str, Any]:
        """What it declares to the service organisation."""
        return {
            "identifier_type": "SIRET",
            "identifier": self.siret,
            "name": self.name,
            "kind": self.kind,
            "parameters": {"moa": self.moa},
        }


def _siret(rank: int) -> str:
    stem = f"900000{rank:03d}0001"
    return next(stem + str(key) for key in range(10) if is_siret(stem + str(key)))


TITULAIRE = Member(_siret(1), "Bâtisseurs du Rhône", StructureKind.PRIVEE)
MOE = Member(_siret(2), "Atelier Lagarde, architectes", StructureKind.PRIVEE)
MAIRIE = Member(_siret(3), "Ville de Vaubrun", StructureKind.PUBLIQUE, MoaParameter.AVEC)
AMENAGEUR = Member(
    _siret(4), "Vaubrun Aménagement", StructureKind.PUBLIQUE, MoaParameter.EXCLUSIVEMENT
)
TRESORERIE = Member(_siret(5), "Trésorerie du Val", StructureKind.PUBLIQUE)

MEMBERS = (TITULAIRE, MOE, MAIRIE, AMENAGEUR, TRESORERIE)
