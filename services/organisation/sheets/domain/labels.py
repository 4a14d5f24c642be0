"""French labels of the codes of a sheet: roles and fields, as its form has them."""

from collections.abc import Mapping

from shared.circuit.sheets import SheetField, SheetRole

ROLE_LABELS: Mapping[SheetRole, str] = {
    SheetRole.TITULAIRE: "titulaire",
    SheetRole.COTRAITANT: "cotraitant",
    SheetRole.SOUS_TRAITANT: "sous-traitant",
    SheetRole.MOE: "maîtrise d'œuvre",
    SheetRole.MOA_DELEGUEE: "maîtrise d'ouvrage déléguée",
    SheetRole.SERVICE_FINANCIER: "service financier",
}

FIELD_LABELS: Mapping[SheetField, str] = {
    SheetField.ENGAGEMENT: "Numéro d'engagement obligatoire",
    SheetField.LOT: "Lot obligatoire",
    SheetField.COMMENT: "Commentaire obligatoire",
    SheetField.MOE_SERVICE: "Service de la maîtrise d'œuvre obligatoire",
    SheetField.MOA_SERVICE: "Service de la maîtrise d'ouvrage obligatoire",
    SheetField.SERVICE_FINANCIER_SERVICE: "Service du service financier obligatoire",
}
