"""Roles in a dossier, applications of the portal, and what a structure declares."""

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


class Purpose(StrEnum):
    """Why a recipient gets a piece: to act on it, or for information."""

    ACTION = "action"
    INFORMATION = "information"


class MoaParameter(StrEnum):
    """MOA parameter of a public structure: its three values on the screen (webinar, 27:19)."""

    AVEC = "avec"
    EXCLUSIVEMENT = "exclusivement"
    SANS = "sans"


class StructureKind(StrEnum):
    """Public or private: only a public structure can be MOA or service financier.

    Source: webinar for the MOA, 18:04.
    """

    PUBLIQUE = "PUBLIQUE"
    PRIVEE = "PRIVEE"


class StructureStatus(StrEnum):
    """Whether a structure is active: an inactive one takes part in no dossier."""

    ACTIF = "ACTIF"
    INACTIF = "INACTIF"


class IdentifierType(StrEnum):
    """Kind of identifier of a structure: seven (OpenAPI of the portal's structures)."""

    SIRET = "SIRET"
    UE_HORS_FRANCE = "UE_HORS_FRANCE"
    HORS_UE = "HORS_UE"
    RIDET = "RIDET"
    TAHITI = "TAHITI"
    AUTRE = "AUTRE"
    PARTICULIER = "PARTICULIER"
