"""Rules of subscriptions: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"

TARGET_REFUSED = Rule(
    code="NOT-ABO-01",
    sentence="Cette adresse ne peut pas recevoir de webhook : {reason}.",
    remedy="Indiquer une URL https publique, sur un port admis et sans identifiants.",
    source=_OURS,
)
CONTACT_MISSING = Rule(
    code="NOT-ABO-02",
    sentence="Un webhook demande l'adresse électronique de qui s'en occupe.",
    remedy="L'indiquer par « contact » : elle n'est prévenue que d'une désactivation.",
    source=_OURS,
)
TOO_MANY = Rule(
    code="NOT-ABO-03",
    sentence="Votre structure a déjà {limit} abonnements dans ce rôle.",
    remedy="En supprimer un, ou élargir les critères d'un autre.",
    source=_OURS,
)
NO_KEYS = Rule(
    code="NOT-ABO-04",
    sentence="Les abonnements ne sont pas ouverts sur cette plateforme.",
    remedy="S'adresser à l'exploitant : aucune clé ne protège encore leurs secrets.",
    source=_OURS,
)
NOT_YOURS = Rule(
    code="NOT-ABO-05",
    sentence="Cet abonnement est celui d'un autre utilisateur de votre structure.",
    remedy="Demander à son propriétaire, ou à qui a l'habilitation en modification.",
    source=_OURS,
)
NOT_ACTIVE = Rule(
    code="NOT-ABO-06",
    sentence="Cet abonnement n'est pas actif : rien ne peut être envoyé.",
    remedy="Le réactiver, ou confirmer son adresse, puis recommencer.",
    source=_OURS,
)
NOT_WEBHOOK = Rule(
    code="NOT-ABO-07",
    sentence="Cet abonnement n'est pas un webhook : il n'a pas de secret.",
    remedy="Ne changer le secret que d'un webhook.",
    source=_OURS,
)
PERIOD_REVERSED = Rule(
    code="NOT-ABO-08",
    sentence="La période finit avant de commencer.",
    remedy="Corriger l'une des deux dates.",
    source=_OURS,
)
LINK_EXPIRED = Rule(
    code="NOT-ABO-09",
    sentence="Ce lien n'est pas valable, ou ne l'est plus.",
    remedy="Demander à qui vous a abonné de recommencer.",
    source=_OURS,
)
KEY_REUSED = Rule(
    code="NOT-CLE-01",
    sentence="Cette clé d'idempotence a déjà servi à une autre demande.",
    remedy="Répéter la même demande avec sa clé, ou en choisir une autre.",
    source=_OURS,
)
BUSY = Rule(
    code="NOT-ABO-10",
    sentence="Trop de demandes de renvoi sont déjà en cours pour cet abonnement.",
    remedy="Attendre la fin de la précédente, puis recommencer.",
    source=_OURS,
)
OTHER_CHANNEL = Rule(
    code="NOT-ABO-11",
    sentence="Un abonnement du canal « {channel} » n'a pas de champ « {name} ».",
    remedy="Retirer ce champ, ou choisir l'autre canal.",
    source=_OURS,
)
TOO_MANY_ASKED = Rule(
    code="NOT-ABO-12",
    sentence="Votre structure a déjà demandé {limit} confirmations d'adresse en 24 heures.",
    remedy="Recommencer demain.",
    source=_OURS,
)
