"""French labels of codes: roles and statuses.

The words are the portal's when a source has them (AIFE guides). The labels of the statuses are
ours, close to the official codes. For roles with their article see `shared.circuit.parties`.
"""

from collections.abc import Mapping

from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

ROLES: Mapping[Role, str] = {
    Role.TITULAIRE: "titulaire",
    Role.COTRAITANT: "cotraitant",
    Role.SOUS_TRAITANT: "sous-traitant",
    Role.MOE: "maîtrise d'œuvre",
    Role.MOA: "maîtrise d'ouvrage",
    Role.SERVICE_FINANCIER: "service financier",
}

STATUSES: Mapping[Status, str] = {
    Status.BROUILLON: "Brouillon",
    Status.SUPPRIMEE: "Supprimée",
    Status.ABANDONNEE: "Abandonnée",
    Status.A_VALIDER_1: "À valider",
    Status.VALIDEE_1: "Validée",
    Status.REFUSEE_1: "Refusée par le valideur",
    Status.ABSENCE_VALIDATION_1_HORS_DELAI: "Validée tacitement, délai passé",
    Status.A_VALIDER_2: "À valider par le second valideur",
    Status.VALIDEE_2: "Validée par le second valideur",
    Status.REFUSEE_2: "Refusée par le second valideur",
    Status.ABSENCE_VALIDATION_2_HORS_DELAI: "Second valideur : validée tacitement, délai passé",
    Status.ERREUR_FOURNISSEUR_SUR_VALIDEUR: "Erreur du fournisseur sur le valideur",
    Status.ERREUR_COTRAITANT_SUR_VALIDEUR: "Erreur du cotraitant sur le valideur",
    Status.ERREUR_FOURNISSEUR_SUR_MOE: "Erreur du fournisseur sur la maîtrise d'œuvre",
    Status.ERREUR_FOURNISSEUR_SUR_MOA: "Erreur du fournisseur sur la maîtrise d'ouvrage",
    Status.ERREUR_MOE_SUR_FOURNISSEUR: "Erreur de la maîtrise d'œuvre sur le fournisseur",
    Status.ERREUR_MOA_SUR_FOURNISSEUR: "Erreur de la maîtrise d'ouvrage sur le fournisseur",
    Status.ERREUR_MOE_SUR_MOA: "Erreur de la maîtrise d'œuvre sur la maîtrise d'ouvrage",
    Status.ERREUR_DE_MOE: "Erreur de maîtrise d'œuvre",
    Status.ERREUR_DE_MOA: "Erreur de maîtrise d'ouvrage",
    Status.ERREUR_DESTINATAIRE_PD: "Erreur de destinataire (PD)",
    Status.ERREUR_DESTINATAIRE_EA: "Erreur de destinataire (EA)",
    Status.DEPOSEE: "Déposée",
    Status.EN_COURS_ACHEMINEMENT: "En cours d'acheminement",
    Status.MISE_A_DISPOSITION: "Mise à disposition du service financier",
    Status.SUSPENDUE: "Suspendue",
    Status.REJETEE: "Rejetée",
    Status.A_RECYCLER: "À recycler",
    Status.SERVICE_FAIT: "Service fait",
    Status.MANDATEE: "Mandatée",
    Status.MISE_A_DISPOSITION_COMPTABLE: "Mise à disposition du comptable",
    Status.COMPTABILISEE: "Comptabilisée",
    Status.MISE_EN_PAIEMENT: "Mise en paiement",
    Status.COMPLETEE: "Complétée",
    Status.A_ASSOCIER_MOE: "À associer par la maîtrise d'œuvre",
    Status.MISE_A_DISPOSITION_MOE: "Mise à disposition de la maîtrise d'œuvre",
    Status.PRISE_EN_COMPTE_MOE: "Prise en compte par la maîtrise d'œuvre",
    Status.A_VALIDER_MOE: "À valider par la maîtrise d'œuvre",
    Status.REFUSEE_MOE: "Refusée par la maîtrise d'œuvre",
    Status.ABSENCE_VALIDATION_MOE_DELAI_REGLEMENTAIRE: "Délai de la maîtrise d'œuvre passé",
    Status.A_ASSOCIER_MOA: "À associer par la maîtrise d'ouvrage",
    Status.TRANSMISE_MOA: "Transmise à la maîtrise d'ouvrage",
    Status.MISE_A_DISPOSITION_MOA: "Mise à disposition de la maîtrise d'ouvrage",
    Status.PRISE_EN_COMPTE_MOA: "Prise en compte par la maîtrise d'ouvrage",
    Status.REFUSEE_MOA: "Refusée par la maîtrise d'ouvrage",
    Status.A_ASSOCIER_FOURNISSEUR: "À associer par le fournisseur",
    Status.REFUSEE_FOURNISSEUR: "Refusée par le fournisseur",
    Status.A_COMPLETER: "À compléter",
    Status.EN_ATTENTE_RECYCLAGE_FOURNISSEUR: "En attente de recyclage",
    Status.ASSOCIEE: "Associée à la pièce suivante",
    Status.REMPLACEE_PAR_A22: "Remplacée par une pièce A22",
    Status.DUPLIQUE_APRES_REFUS: "Dupliquée après refus",
    Status.PRISE_EN_COMPTE_DESTINATAIRE: "Prise en compte par le destinataire",
    Status.EN_COURS_TRAITEMENT_PIVOT_S: "En cours de traitement",
    Status.INTERPRETEE_OCR: "Lue par reconnaissance de caractères",
    Status.NON_CONFORME: "Non conforme",
    Status.TECHNIQUE_INCONNU: "Inconnu",
    Status.CONTESTEE: "Contestée par le titulaire",
}
