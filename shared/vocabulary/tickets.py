"""Tickets: desks, statuses, acts, sides and priorities."""

from collections.abc import Mapping
from enum import StrEnum


class Desk(StrEnum):
    """Desk that answers a ticket: that of a structure, or that of the platform's operator."""

    METIER = "metier"
    TECHNIQUE = "technique"

    @property
    def is_of_a_structure(self) -> bool:
        """Whether each structure has its own desk: ticket and agent then name the structure."""
        return self is Desk.METIER


DESK_LABELS: Mapping[Desk, str] = {
    Desk.METIER: "bureau métier",
    Desk.TECHNIQUE: "bureau technique",
}
"""French labels of the desks."""


class TicketStatus(StrEnum):
    """Status of a ticket."""

    BROUILLON = "BROUILLON"
    DEPOSE = "DEPOSE"
    EN_COURS = "EN_COURS"
    EN_ATTENTE = "EN_ATTENTE"
    RESOLU = "RESOLU"
    ROUVERT = "ROUVERT"
    CLOS = "CLOS"


class TicketAct(StrEnum):
    """Act on a ticket."""

    ENREGISTRER = "enregistrer"
    ABANDONNER = "abandonner"
    DEPOSER = "deposer"
    ECRIRE = "ecrire"
    ROUVRIR = "rouvrir"
    EVALUER = "evaluer"
    PRENDRE_EN_CHARGE = "prendre_en_charge"
    REPONDRE = "repondre"
    DEMANDER = "demander"
    PRIORISER = "prioriser"
    TRANSFERER = "transferer"
    RESOUDRE = "resoudre"
    CLORE = "clore"


class Side(StrEnum):
    """Who acts on a ticket: its issuer, the desk, or a timer."""

    DEMANDEUR = "demandeur"
    BUREAU = "bureau"
    PLATEFORME = "plateforme"


class Priority(StrEnum):
    """Priority of a ticket: how soon a desk should answer."""

    BASSE = "BASSE"
    NORMALE = "NORMALE"
    HAUTE = "HAUTE"
    URGENTE = "URGENTE"
