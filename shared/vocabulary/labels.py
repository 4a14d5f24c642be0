"""What a person reads in place of a code: roles, statuses, applications, the MOA parameter.

The words are the portal's where a source has them (webinar for the MOA; AIFE guides); the labels
of the statuses are ours, close to the official codes. Sentences of the circuit name a role with
its article: see `shared.circuit.parties`.
"""

from collections.abc import Mapping

from shared.vocabulary.roles import Application, MoaParameter, Role
from shared.vocabulary.statuses import Status

ROLES: Mapping[Role, str] = {
    Role.TITULAIRE: "titulaire",
    Role.COTRAITANT: "cotraitant",
    Role.SOUS_TRAITANT: "sous-traitant",
    Role.MOE: "maîtrise d'œuvre",
    Role.MOA: "maîtrise d'ouvrage",
    Role.SERVICE_FINANCIER: "service financier",
}

APPLICATIONS: Mapping[Application, str] = {
    Application.FACTURES_DE_TRAVAUX: "Factures de travaux",
    Application.FACTURES_RECUES: "Factures reçues",
}

MOA_PARAMETERS: Mapping[MoaParameter, str] = {
    MoaParameter.AVEC: "structure avec MOA",
    MoaParameter.EXCLUSIVEMENT: "structure exclusivement MOA",
    MoaParameter.SANS: "structure sans MOA",
}

STATUSES: Mapping[Status, str] = {
    Status.DEPOSEE: "Déposée",
    Status.A_ASSOCIER_MOE: "À associer par la maîtrise d'œuvre",
    Status.A_ASSOCIER_MOA: "À associer par la maîtrise d'ouvrage",
    Status.A_ASSOCIER_FOURNISSEUR: "À associer par le fournisseur",
    Status.PRISE_EN_COMPTE_MOE: "Prise en compte par la maîtrise d'œuvre",
    Status.PRISE_EN_COMPTE_MOA: "Prise en compte par la maîtrise d'ouvrage",
    Status.ASSOCIEE: "Associée à la pièce suivante",
    Status.REFUSEE_MOE: "Refusée par la maîtrise d'œuvre",
    Status.REFUSEE_MOA: "Refusée par la maîtrise d'ouvrage",
    Status.REFUSEE_FOURNISSEUR: "Refusée par le fournisseur",
    Status.SUSPENDUE: "Suspendue",
    Status.COMPLETEE: "Complétée",
    Status.CONTESTEE: "Contestée par le titulaire",
    Status.MISE_A_DISPOSITION: "Mise à disposition du service financier",
    Status.REJETEE: "Rejetée",
    Status.SERVICE_FAIT: "Service fait",
    Status.MANDATEE: "Mandatée",
    Status.MISE_A_DISPOSITION_COMPTABLE: "Mise à disposition du comptable",
    Status.COMPTABILISEE: "Comptabilisée",
    Status.MISE_EN_PAIEMENT: "Mise en paiement",
}
