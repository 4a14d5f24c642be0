"""The statuses of a piece, spelt as the portal spells them.

The codes are the portal's own (`IStatutFacture`); CONTESTEE alone is ours, for a décompte général
whose amounts the titulaire contests.
"""

from enum import StrEnum


class Status(StrEnum):
    """Where a piece stands."""

    DEPOSEE = "DEPOSEE"
    A_ASSOCIER_MOE = "A_ASSOCIER_MOE"
    A_ASSOCIER_MOA = "A_ASSOCIER_MOA"
    A_ASSOCIER_FOURNISSEUR = "A_ASSOCIER_FOURNISSEUR"
    PRISE_EN_COMPTE_MOE = "PRISE_EN_COMPTE_MOE"
    PRISE_EN_COMPTE_MOA = "PRISE_EN_COMPTE_MOA"
    ASSOCIEE = "ASSOCIEE"
    REFUSEE_MOE = "REFUSEE_MOE"
    REFUSEE_MOA = "REFUSEE_MOA"
    REFUSEE_FOURNISSEUR = "REFUSEE_FOURNISSEUR"
    SUSPENDUE = "SUSPENDUE"
    COMPLETEE = "COMPLETEE"
    CONTESTEE = "CONTESTEE"
    MISE_A_DISPOSITION = "MISE_A_DISPOSITION"
    REJETEE = "REJETEE"
    SERVICE_FAIT = "SERVICE_FAIT"
    MANDATEE = "MANDATEE"
    MISE_A_DISPOSITION_COMPTABLE = "MISE_A_DISPOSITION_COMPTABLE"
    COMPTABILISEE = "COMPTABILISEE"
    MISE_EN_PAIEMENT = "MISE_EN_PAIEMENT"


FINAL = frozenset(
    {
        Status.ASSOCIEE,
        Status.REFUSEE_MOE,
        Status.REFUSEE_MOA,
        Status.REFUSEE_FOURNISSEUR,
        Status.REJETEE,
        Status.MISE_EN_PAIEMENT,
    }
)
