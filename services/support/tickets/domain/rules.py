"""Rules of tickets: permanent codes, French sentences, sources."""

from services.support.access.domain.rules import PLATFORM_SOURCE
from shared.vocabulary.rules import Rule

_ATTACHMENTS = "AIFE, bonnes pratiques ; les mêmes que pour une pièce"


SUB_CATEGORY_MISSING = Rule(
    code="SUP-CATALOGUE-02",
    sentence="La sous-catégorie n'est pas choisie.",
    remedy="Choisir l'une des sous-catégories du catalogue : elle décide du bureau.",
    source="webinaire maîtrise d'ouvrage",
)
ACT_NOT_POSSIBLE = Rule(
    code="SUP-ETAT-01",
    sentence="Un ticket {status} ne permet pas à {side} de {act}.",
    remedy="Choisir parmi les actes possibles : {allowed}.",
    source=PLATFORM_SOURCE,
)
STALE = Rule(
    code="SUP-VERSION-01",
    sentence="Ce brouillon a été enregistré depuis que vous l'avez lu : rien n'y a été écrit.",
    remedy="Le relire, y reporter ce que vous vouliez écrire, puis enregistrer avec son ETag.",
    source=PLATFORM_SOURCE,
)
JOURNAL_FULL = Rule(
    code="SUP-ETAT-02",
    sentence="Le journal de ce ticket est plein : {entries} lignes, ou {megabytes} Mo de texte.",
    remedy="Ouvrir un nouveau ticket, et citer le numéro de celui-ci.",
    source=PLATFORM_SOURCE,
)
ALREADY_RATED = Rule(
    code="SUP-ETAT-03",
    sentence="La satisfaction a déjà été donnée pour ce ticket.",
    remedy="Ne rien faire de plus.",
    source=PLATFORM_SOURCE,
)
ALREADY_TAKEN = Rule(
    code="SUP-ETAT-04",
    sentence="Ce ticket est déjà confié à {holder}.",
    remedy="Le lui laisser, ou dire que vous le lui reprenez, en nommant cette personne.",
    source=PLATFORM_SOURCE,
)
ALREADY_THERE = Rule(
    code="SUP-TRANSFERT-01",
    sentence="Le ticket est déjà à ce bureau.",
    remedy="Choisir l'autre bureau, ou une autre structure.",
    source=PLATFORM_SOURCE,
)
RATING_REFUSED = Rule(
    code="SUP-SATISFACTION-01",
    sentence="La satisfaction va de {least} à {most}, non {value}.",
    remedy="Donner une note entière de {least} à {most}.",
    source=PLATFORM_SOURCE,
)
KEY_REUSED = Rule(
    code="SUP-CLE-01",
    sentence="Cette clé d'idempotence a déjà servi pour un envoi différent.",
    remedy="Garder une clé pour le même envoi, et en prendre une nouvelle pour un autre.",
    source=PLATFORM_SOURCE,
)
TOO_MANY_REQUESTS = Rule(
    code="SUP-LIMITE-01",
    sentence="Trop de tickets sans compte ont été envoyés depuis une heure ({what}).",
    remedy="Réessayer plus tard, ou se connecter pour votre structure.",
    source=PLATFORM_SOURCE,
)
TOO_MANY_MESSAGES = Rule(
    code="SUP-LIMITE-02",
    sentence="Trop d'envois sur ce ticket depuis une heure ({limit} au plus).",
    remedy="Réessayer plus tard, en une fois.",
    source=PLATFORM_SOURCE,
)
ATTACHMENT_NAME_TOO_LONG = Rule(
    code="SUP-PJ-01",
    sentence="Le nom « {name} » compte {length} caractères, pour {limit} au plus.",
    remedy="Renommer la pièce jointe.",
    source=_ATTACHMENTS,
)
ATTACHMENT_NAME_REFUSED = Rule(
    code="SUP-PJ-02",
    sentence="Le nom « {name} » contient un chemin ou un caractère de contrôle.",
    remedy="Renommer la pièce jointe.",
    source=_ATTACHMENTS,
)
ATTACHMENT_TYPE_REFUSED = Rule(
    code="SUP-PJ-03",
    sentence="La pièce jointe « {name} » n'a pas d'extension admise.",
    remedy="Joindre un fichier d'extension admise : {allowed}.",
    source=_ATTACHMENTS,
)
ATTACHMENT_CONTENT_DIFFERS = Rule(
    code="SUP-PJ-04",
    sentence="Le contenu de « {name} » n'est pas celui que son extension annonce.",
    remedy="Donner au fichier l'extension de son format, et vérifier qu'il s'ouvre.",
    source=_ATTACHMENTS,
)
ATTACHMENT_EMPTY = Rule(
    code="SUP-PJ-05",
    sentence="La pièce jointe « {name} » est vide.",
    remedy="Joindre le document complet.",
    source=_ATTACHMENTS,
)
ATTACHMENT_TOO_LARGE = Rule(
    code="SUP-PJ-06",
    sentence="La pièce jointe « {name} » pèse {size}, pour {limit} au plus.",
    remedy="Alléger le document, ou le scinder en plusieurs.",
    source=_ATTACHMENTS,
)
TOTAL_TOO_LARGE = Rule(
    code="SUP-PJ-07",
    sentence="Les pièces jointes pèsent ensemble {size}, pour {limit} au plus.",
    remedy="Alléger les documents.",
    source=PLATFORM_SOURCE,
)
TOO_MANY_ATTACHMENTS = Rule(
    code="SUP-PJ-08",
    sentence="{count} pièces jointes, pour {limit} au plus.",
    remedy="Regrouper les documents, par exemple dans une archive ZIP.",
    source=PLATFORM_SOURCE,
)
ATTACHMENT_AMBIGUOUS = Rule(
    code="SUP-PJ-09",
    sentence="Plusieurs pièces jointes ont ce contenu : {names}.",
    remedy="Préciser son nom dans `name`.",
    source=PLATFORM_SOURCE,
)
