"""The rules of tickets: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"
_ATTACHMENTS = "AIFE, bonnes pratiques ; les mêmes que pour une pièce"

SUB_CATEGORY_UNKNOWN = Rule(
    code="SUP-CATALOGUE-01",
    sentence="La sous-catégorie « {value} » n'existe pas.",
    remedy="Choisissez l'une des sous-catégories du catalogue.",
    source=_OURS,
)
SUB_CATEGORY_MISSING = Rule(
    code="SUP-CATALOGUE-02",
    sentence="La sous-catégorie n'est pas choisie.",
    remedy="Choisissez l'une des sous-catégories du catalogue : elle décide du bureau.",
    source="webinaire maîtrise d'ouvrage",
)
TEXT_MISSING = Rule(
    code="SUP-TEXTE-01",
    sentence="{label} est vide.",
    remedy="Écrivez quelques mots.",
    source=_OURS,
)
TEXT_TOO_LONG = Rule(
    code="SUP-TEXTE-02",
    sentence="{label} : {length} caractères, pour {limit} au plus.",
    remedy="Raccourcissez ce texte, ou joignez un document.",
    source=_OURS,
)
TEXT_UNREADABLE = Rule(
    code="SUP-TEXTE-03",
    sentence="{label} : un caractère de commande ne peut être affiché.",
    remedy="Retirez les caractères de commande, par exemple en collant sans mise en forme.",
    source=_OURS,
)
RECIPIENT_MISSING = Rule(
    code="SUP-DESTINATAIRE-01",
    sentence="Une question au bureau métier s'adresse à une structure, qui n'est pas indiquée.",
    remedy="Indiquez la structure qui traite la facture : le destinataire inscrit sur la pièce.",
    source="webinaire maîtrise d'ouvrage : les sous-catégories « M- » vont à qui traite la facture",
)
RECIPIENT_UNKNOWN = Rule(
    code="SUP-DESTINATAIRE-02",
    sentence="La structure « {structure} » est inconnue : aucun bureau n'y répondrait.",
    remedy="Vérifiez son identifiant dans l'annuaire ; celui du destinataire est sur la pièce.",
    source=_OURS,
)
RECIPIENT_INACTIVE = Rule(
    code="SUP-DESTINATAIRE-03",
    sentence="La structure {structure} est inactive : aucun bureau n'y répondrait.",
    remedy="Adressez-vous à une structure active, ou au bureau technique.",
    source=_OURS,
)
SERVICE_UNKNOWN = Rule(
    code="SUP-SERVICE-01",
    sentence="Le service {service} n'existe pas dans la structure {structure}.",
    remedy="Choisissez un service de l'annuaire de cette structure, ou aucun.",
    source=_OURS,
)
SERVICE_INACTIVE = Rule(
    code="SUP-SERVICE-02",
    sentence="Le service {service} de la structure {structure} n'est plus actif.",
    remedy="Choisissez un service actif de cette structure, ou aucun.",
    source=_OURS,
)
EMAIL_REFUSED = Rule(
    code="SUP-EMAIL-01",
    sentence="« {value} » n'est pas une adresse électronique.",
    remedy="Indiquez une adresse de la forme nom@domaine.fr.",
    source=_OURS,
)
ACT_NOT_POSSIBLE = Rule(
    code="SUP-ETAT-01",
    sentence="Un ticket {status} ne permet pas à {side} de {act}.",
    remedy="Actes possibles : {allowed}.",
    source=_OURS,
)
STALE = Rule(
    code="SUP-VERSION-01",
    sentence="Ce brouillon a été enregistré depuis que vous l'avez lu : rien n'y a été écrit.",
    remedy="Relisez-le, reportez-y ce que vous vouliez écrire, puis enregistrez avec son ETag.",
    source=_OURS,
)
TOO_LONG_A_STORY = Rule(
    code="SUP-ETAT-02",
    sentence="Le journal de ce ticket est plein : {entries} lignes, ou {megabytes} Mo de texte.",
    remedy="Ouvrez un nouveau ticket, et citez le numéro de celui-ci.",
    source=_OURS,
)
ALREADY_RATED = Rule(
    code="SUP-ETAT-03",
    sentence="La satisfaction a déjà été donnée pour ce ticket.",
    remedy="Rien n'est à faire.",
    source=_OURS,
)
ALREADY_TAKEN = Rule(
    code="SUP-ETAT-04",
    sentence="Ce ticket est déjà confié à {holder}.",
    remedy="Laissez-le-lui, ou dites que vous le lui reprenez, en nommant cette personne.",
    source=_OURS,
)
ALREADY_THERE = Rule(
    code="SUP-TRANSFERT-01",
    sentence="Le ticket est déjà à ce bureau.",
    remedy="Choisissez l'autre bureau, ou une autre structure.",
    source=_OURS,
)
RATING_REFUSED = Rule(
    code="SUP-SATISFACTION-01",
    sentence="La satisfaction va de {least} à {most}, non {value}.",
    remedy="Donnez une note entière de {least} à {most}.",
    source=_OURS,
)
KEY_REUSED = Rule(
    code="SUP-CLE-01",
    sentence="Cette clé d'idempotence a déjà servi pour un envoi différent.",
    remedy="Gardez une clé pour le même envoi, et prenez-en une nouvelle pour un autre.",
    source=_OURS,
)
TOO_MANY_REQUESTS = Rule(
    code="SUP-LIMITE-01",
    sentence="Trop de tickets sans compte ont été envoyés depuis une heure ({what}).",
    remedy="Réessayez plus tard, ou connectez-vous pour votre structure.",
    source=_OURS,
)
TOO_MANY_MESSAGES = Rule(
    code="SUP-LIMITE-02",
    sentence="Trop d'envois sur ce ticket depuis une heure ({limit} au plus).",
    remedy="Réessayez plus tard, en une fois.",
    source=_OURS,
)
ATTACHMENT_NAME_TOO_LONG = Rule(
    code="SUP-PJ-01",
    sentence="Le nom « {name} » compte {length} caractères, pour {limit} au plus.",
    remedy="Renommez la pièce jointe.",
    source=_ATTACHMENTS,
)
ATTACHMENT_NAME_REFUSED = Rule(
    code="SUP-PJ-02",
    sentence="Le nom « {name} » contient un chemin ou un caractère de contrôle.",
    remedy="Renommez la pièce jointe.",
    source=_ATTACHMENTS,
)
ATTACHMENT_TYPE_REFUSED = Rule(
    code="SUP-PJ-03",
    sentence="La pièce jointe « {name} » n'a pas d'extension admise.",
    remedy="Extensions admises : {allowed}.",
    source=_ATTACHMENTS,
)
ATTACHMENT_CONTENT_DIFFERS = Rule(
    code="SUP-PJ-04",
    sentence="Le contenu de « {name} » n'est pas celui que son extension annonce.",
    remedy="Donnez au fichier l'extension de son format, et vérifiez qu'il s'ouvre.",
    source=_ATTACHMENTS,
)
ATTACHMENT_EMPTY = Rule(
    code="SUP-PJ-05",
    sentence="La pièce jointe « {name} » est vide.",
    remedy="Joignez le document complet.",
    source=_ATTACHMENTS,
)
ATTACHMENT_TOO_LARGE = Rule(
    code="SUP-PJ-06",
    sentence="La pièce jointe « {name} » pèse {size}, pour {limit} au plus.",
    remedy="Allégez le document, ou scindez-le en plusieurs.",
    source=_ATTACHMENTS,
)
TOTAL_TOO_LARGE = Rule(
    code="SUP-PJ-07",
    sentence="Les pièces jointes pèsent ensemble {size}, pour {limit} au plus.",
    remedy="Allégez les documents.",
    source=_OURS,
)
TOO_MANY_ATTACHMENTS = Rule(
    code="SUP-PJ-08",
    sentence="{count} pièces jointes, pour {limit} au plus.",
    remedy="Regroupez les documents, par exemple dans une archive ZIP.",
    source=_OURS,
)
ATTACHMENT_AMBIGUOUS = Rule(
    code="SUP-PJ-09",
    sentence="Plusieurs pièces jointes ont ce contenu : {names}.",
    remedy="Précisez son nom dans `name`.",
    source=_OURS,
)
TOO_MANY_SUGGESTIONS = Rule(
    code="SUP-SUGGESTION-01",
    sentence="Plus de {limit} suggestions ont été demandées depuis une heure.",
    remedy="Choisissez la sous-catégorie vous-même : le ticket se dépose sans suggestion.",
    source=_OURS,
)


CLOSED = Rule(
    code="SUP-TCHAT-01",
    sentence="Le tchat est fermé. Il ouvre le {opening}.",
    remedy="Déposez un ticket, à toute heure : un bureau y répond dès l'ouverture.",
    source="AIFE, assistance : du lundi au vendredi, de 8 h 30 à 18 h 30, hors jours fériés",
)
