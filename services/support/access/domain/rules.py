"""Rules of who asks and who answers: texts, e-mail addresses, recipients, services."""

from shared.vocabulary.rules import Rule

PLATFORM_SOURCE = "règle de la plateforme"

TEXT_MISSING = Rule(
    code="SUP-TEXTE-01",
    sentence="{label} est vide.",
    remedy="Écrire quelques mots.",
    source=PLATFORM_SOURCE,
)
TEXT_TOO_LONG = Rule(
    code="SUP-TEXTE-02",
    sentence="{label} : {length} caractères, pour {limit} au plus.",
    remedy="Raccourcir ce texte, ou joindre un document.",
    source=PLATFORM_SOURCE,
)
TEXT_UNREADABLE = Rule(
    code="SUP-TEXTE-03",
    sentence="{label} : un caractère de commande ne peut être affiché.",
    remedy="Retirer les caractères de commande, par exemple en collant sans mise en forme.",
    source=PLATFORM_SOURCE,
)
RECIPIENT_MISSING = Rule(
    code="SUP-DESTINATAIRE-01",
    sentence="Une question au bureau métier s'adresse à une structure, qui n'est pas indiquée.",
    remedy="Indiquer la structure qui traite la facture : le destinataire inscrit sur la pièce.",
    source="webinaire maîtrise d'ouvrage : les sous-catégories « M- » vont à qui traite la facture",
)
RECIPIENT_UNKNOWN = Rule(
    code="SUP-DESTINATAIRE-02",
    sentence="La structure « {structure} » est inconnue : aucun bureau n'y répondrait.",
    remedy="Vérifier son identifiant dans l'annuaire ; celui du destinataire est sur la pièce.",
    source=PLATFORM_SOURCE,
    can_be_early=True,
)
RECIPIENT_INACTIVE = Rule(
    code="SUP-DESTINATAIRE-03",
    sentence="La structure {structure} est inactive : aucun bureau n'y répondrait.",
    remedy="S'adresser à une structure active, ou au bureau technique.",
    source=PLATFORM_SOURCE,
    can_be_early=True,
)
SERVICE_UNKNOWN = Rule(
    code="SUP-SERVICE-01",
    sentence="Le service {service} n'existe pas dans la structure {structure}.",
    remedy="Choisir un service de l'annuaire de cette structure, ou aucun.",
    source=PLATFORM_SOURCE,
    can_be_early=True,
)
SERVICE_INACTIVE = Rule(
    code="SUP-SERVICE-02",
    sentence="Le service {service} de la structure {structure} n'est plus actif.",
    remedy="Choisir un service actif de cette structure, ou aucun.",
    source=PLATFORM_SOURCE,
    can_be_early=True,
)
EMAIL_REFUSED = Rule(
    code="SUP-EMAIL-01",
    sentence="« {value} » n'est pas une adresse électronique.",
    remedy="Indiquer une adresse de la forme nom@domaine.fr.",
    source=PLATFORM_SOURCE,
)
