"""Roles in a dossier; the application and the purpose for which a recipient gets a piece."""

from enum import StrEnum


class Role(StrEnum):
    """Role that a structure has in a dossier."""

    TITULAIRE = "titulaire"
    COTRAITANT = "cotraitant"
    SOUS_TRAITANT = "sous_traitant"
    MOE = "moe"
    MOA = "moa"
    SERVICE_FINANCIER = "service_financier"


SUPPLIER_SIDE = frozenset({Role.TITULAIRE, Role.COTRAITANT, Role.SOUS_TRAITANT})


class Application(StrEnum):
    """Application of the portal in which a recipient finds a piece."""

    FACTURES_DE_TRAVAUX = "factures_de_travaux"
    FACTURES_RECUES = "factures_recues"


class SentApplication(StrEnum):
    """Application of the portal in which a depositor finds the piece that it sent."""

    FACTURES_DE_TRAVAUX = "factures_de_travaux"
    FACTURES_EMISES = "factures_emises"


class Purpose(StrEnum):
    """Why a recipient gets a piece: to act on it, or for information."""

    ACTION = "action"
    INFORMATION = "information"
