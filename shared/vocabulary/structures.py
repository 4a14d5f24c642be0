"""What a structure declares: its kind, status, identifier and MOA parameter."""

from enum import StrEnum

from shared.vocabulary.siret import is_siret


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


class Pipe(StrEnum):
    """Pipe of data exchange (EDI) of a structure: what a partner carries for it.

    A structure "peut recevoir des données via EDI" when one is open (webinar, 25:54).
    """

    TRAVAUX = "travaux"
    RECUES = "recues"
    STATUTS = "statuts"


class IdentifierType(StrEnum):
    """Kind of identifier of a structure: seven (OpenAPI of the portal's structures)."""

    SIRET = "SIRET"
    UE_HORS_FRANCE = "UE_HORS_FRANCE"
    HORS_UE = "HORS_UE"
    RIDET = "RIDET"
    TAHITI = "TAHITI"
    AUTRE = "AUTRE"
    PARTICULIER = "PARTICULIER"


def has_structure_form(text: str) -> bool:
    """Tell whether `text` may identify a structure: a SIRET, or a type and an identifier."""
    kind, _, identifier = text.partition("-")
    return is_siret(text) or (bool(identifier) and kind in set(IdentifierType))
