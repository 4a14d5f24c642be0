"""Tickets: desks, statuses, acts, sides and priorities."""

from collections.abc import Mapping
from enum import StrEnum


class Desk(StrEnum):
    """Who answers: the structure that treats the invoice, or who runs the platform."""

    METIER = "metier"
    TECHNIQUE = "technique"

    @property
    def is_of_a_structure(self) -> bool:
        """Whether each structure has one of its own: who asks names which, and so does an agent."""
        return self is Desk.METIER


DESK_LABELS: Mapping[Desk, str] = {
    Desk.METIER: "bureau métier",
    Desk.TECHNIQUE: "bureau technique",
}
"""What a person reads."""


class TicketStatus(StrEnum):
    """Where a ticket stands."""

    BROUILLON = "BROUILLON"
    DEPOSE = "DEPOSE"
    EN_COURS = "EN_COURS"
    EN_ATTENTE = "EN_ATTENTE"
    RESOLU = "RESOLU"
    ROUVERT = "ROUVERT"
    CLOS = "CLOS"


class TicketAct(StrEnum):
    """What may happen to a ticket."""

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
    """Who acts on a ticket: the one who asks, the desk, or the passing of time."""

    DEMANDEUR = "demandeur"
    BUREAU = "bureau"
    PLATEFORME = "plateforme"


class Priority(StrEnum):
    """How soon a desk should answer."""

    BASSE = "BASSE"
    NORMALE = "NORMALE"
    HAUTE = "HAUTE"
    URGENTE = "URGENTE"
