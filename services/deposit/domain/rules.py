"""Rules of a deposit, beside those of its file: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"
_WEBINAR_SETTLEMENT = "webinaire maîtrise d'ouvrage, 22:16 à 22:29"
_WEBINAR_SHEET = "webinaire maîtrise d'ouvrage, 13:08"
_PORTAL_ATTACHMENTS = "AIFE, bonnes pratiques ; OCA, l10n_fr_chorus_account"

CONTRADICTS_FILE = Rule(
    code="DEP-META-01",
    sentence="La valeur saisie ({said}) n'est pas celle du fichier ({read}) pour {label}.",
    remedy="Corriger la saisie ou le fichier ; une donnée du fichier n'a pas à être saisie.",
    source=_OURS,
)
PARTY_CONTRADICTS_FILE = Rule(
    code="DEP-META-02",
    sentence="La structure {said} est donnée pour {role}, mais le fichier nomme {read}.",
    remedy="Corriger la structure saisie, ou le vendeur et l'acheteur dans le fichier.",
    source=_OURS,
)
PARTY_CONTRADICTS_DOSSIER = Rule(
    code="DEP-META-03",
    sentence="La structure {said} est donnée pour {role}, mais le dossier nomme {named}.",
    remedy="Garder les structures du dossier ; une erreur sur l'une d'elles se refuse.",
    source=_OURS,
    can_be_early=True,
)
CADRE_MISSING = Rule(
    code="DEP-META-04",
    sentence="Le cadre de facturation n'est ni dans le fichier ni dans la saisie.",
    remedy="Indiquer le cadre, par exemple A4.",
    source=_OURS,
)
SERVICE_NOT_OWN = Rule(
    code="DEP-SERVICE-01",
    sentence="L'habilitation se limite au service {service}, que le dépôt ne nomme pas pour sa "
    "structure.",
    remedy="Nommer ce service pour la structure qui dépose, ou demander une habilitation qui vaut "
    "pour tous ses services.",
    source=_OURS,
)
TYPE_CODE_REFUSED = Rule(
    code="DEP-META-05",
    sentence="Le type de document {type} n'est pas admis{reason}.",
    remedy="Choisir le type {allowed}.",
    source="UNTDID 1001 ; les types et la source de chacun sont dans circuit.md",
)
TEXT_TOO_LONG = Rule(
    code="DEP-META-06",
    sentence="{label} compte {length} caractères, pour {limit} au plus.",
    remedy="Raccourcir cette valeur.",
    source="OCA, l10n_fr_chorus_account : engagement, 50 ; règle de la plateforme : marché, 100",
)
CREDIT_NOTE_PAYMENT = Rule(
    code="DEP-META-07",
    sentence="Un avoir n'a pas de mode de paiement.",
    remedy="Ne pas saisir de mode de paiement.",
    source="OCA, l10n_fr_chorus_account",
)
TYPE_CONTRADICTS_ROOT = Rule(
    code="DEP-META-08",
    sentence="Le type de document « {value} » n'est pas celui d'un {root}.",
    remedy="Corriger le type : un CreditNote est un avoir (381), un Invoice n'en est pas un.",
    source="EN 16931, BR-CL-01 : types d'un Invoice et d'un CreditNote UBL",
)
LEVEL_TOO_LOW = Rule(
    code="DEP-META-09",
    sentence="La donnée « {name} » n'est pas encore admise : la plateforme est en cours de mise à "
    "jour.",
    remedy="Déposer sans cette donnée, ou attendre que l'exploitant ait terminé la mise à jour.",
    source=_OURS,
)
MANDANT_CONTRADICTS_DOSSIER = Rule(
    code="DEP-META-10",
    sentence="La structure {said} est donnée pour mandant, mais le dossier {named}.",
    remedy="Garder le mandant du dossier, ou ne pas le saisir.",
    source=_OURS,
    can_be_early=True,
)
LOT_CONTRADICTS_DOSSIER = Rule(
    code="DEP-META-11",
    sentence="Le lot {said} est saisi, mais le dossier {named}.",
    remedy="Garder le lot du dossier, ou ne pas le saisir.",
    source=_OURS,
)
NUMBER_SPENT = Rule(
    code="DEP-NUM-01",
    sentence="La structure {structure} a déjà déposé une pièce de numéro {number}.",
    remedy="Donner à cette pièce un numéro nouveau, celui qui figure sur le document.",
    source="webinaire maîtrise d'ouvrage, 45:05 ; AIFE : un numéro rejeté ne sert plus",
)
KEY_REUSED = Rule(
    code="DEP-CLE-01",
    sentence="Cette clé d'idempotence a déjà servi pour un envoi différent.",
    remedy="Garder une clé pour le même envoi, et en prendre une nouvelle pour un autre.",
    source=_OURS,
)
FOLLOWED_UNKNOWN = Rule(
    code="DEP-SUITE-01",
    sentence="Aucune pièce {wanted} n'a été déposée dans un de vos dossiers.",
    remedy="Vérifier la pièce à laquelle celle-ci fait suite.",
    source=_OURS,
    can_be_early=True,
)
FOLLOWED_AMBIGUOUS = Rule(
    code="DEP-SUITE-02",
    sentence="Plusieurs pièces portent le numéro {number} que le fichier cite.",
    remedy="Indiquer l'identifiant de la pièce à laquelle celle-ci fait suite.",
    source=_OURS,
)
DOSSIER_ON_ITS_WAY = Rule(
    code="DEP-SUITE-03",
    sentence="Une pièce de ce dossier est encore en cours d'acheminement.",
    remedy="Réessayer dans quelques secondes.",
    source=_OURS,
    can_be_early=True,
)
AWAITED_ELSEWHERE = Rule(
    code="DEP-SUITE-05",
    sentence="La pièce {number} du même titulaire attend de vous une pièce {cadre} ; "
    "celle-ci ouvrirait un dossier à côté.",
    remedy="Indiquer la pièce à laquelle celle-ci fait suite, ou que la pièce ouvre un dossier "
    "si elle n'a rien à voir avec elle.",
    source=_OURS,
    can_be_early=True,
)
DOSSIER_FULL = Rule(
    code="DEP-SUITE-06",
    sentence="Ce dossier compte déjà {count} pièces, pour {limit} au plus.",
    remedy="Contacter l'assistance : une pièce de plus ne pourrait plus être transmise.",
    source="taille d'un message du bus, fixée par la plateforme",
)
CURRENCY_CHANGED = Rule(
    code="DEP-SUITE-04",
    sentence="La devise {now} n'est pas celle de la pièce précédente, {previous}.",
    remedy="Garder la devise du dossier.",
    source=_OURS,
)
ALREADY_COMPLETED = Rule(
    code="DEP-COMPL-01",
    sentence="Un complément de la pièce {number} vient d'être déposé.",
    remedy="Attendre qu'il soit acheminé ; la pièce dira si autre chose manque.",
    source=_OURS,
    can_be_early=True,
)
NOTHING_ADDED = Rule(
    code="DEP-COMPL-02",
    sentence="Le complément n'apporte ni pièce jointe ni commentaire.",
    remedy="Joindre ce qui manque, ou répondre par un commentaire.",
    source=_OURS,
)
ADDED_TOO_OFTEN = Rule(
    code="DEP-COMPL-03",
    sentence="La pièce {number} a déjà {count} compléments, pour {limit} au plus.",
    remedy="Demander au destinataire de la refuser, puis déposer une nouvelle pièce.",
    source="taille d'un message du bus, fixée par la plateforme",
)
ADDED_TOO_MUCH = Rule(
    code="DEP-COMPL-04",
    sentence="La pièce {number} aurait {count} pièces jointes en tout, pour {limit} au plus.",
    remedy="Regrouper les documents, par exemple dans une archive ZIP.",
    source="taille d'un message du bus, fixée par la plateforme",
)
ATTACHMENT_NAME_TOO_LONG = Rule(
    code="DEP-PJ-01",
    sentence="Le nom « {name} » compte {length} caractères, pour {limit} au plus.",
    remedy="Renommer la pièce jointe.",
    source=_PORTAL_ATTACHMENTS,
)
ATTACHMENT_NAME_REFUSED = Rule(
    code="DEP-PJ-02",
    sentence="Le nom « {name} » contient un chemin ou un caractère de contrôle.",
    remedy="Renommer la pièce jointe.",
    source=_OURS,
)
ATTACHMENT_TYPE_REFUSED = Rule(
    code="DEP-PJ-03",
    sentence="La pièce jointe « {name} » n'a pas d'extension admise.",
    remedy="Joindre un fichier d'extension admise : {allowed}.",
    source=_PORTAL_ATTACHMENTS,
)
ATTACHMENT_CONTENT_DIFFERS = Rule(
    code="DEP-PJ-04",
    sentence="Le contenu de « {name} » n'est pas celui que son extension annonce.",
    remedy="Donner au fichier l'extension de son format, et vérifier qu'il s'ouvre.",
    source=_OURS,
)
ATTACHMENT_EMPTY = Rule(
    code="DEP-PJ-05",
    sentence="La pièce jointe « {name} » est vide.",
    remedy="Joindre le document complet.",
    source=_OURS,
)
ATTACHMENT_TOO_LARGE = Rule(
    code="DEP-PJ-06",
    sentence="La pièce jointe « {name} » pèse {size}, pour {limit} au plus.",
    remedy="Alléger le document, ou le scinder en plusieurs.",
    source=_PORTAL_ATTACHMENTS,
)
TOO_MANY_ATTACHMENTS = Rule(
    code="DEP-PJ-08",
    sentence="{count} pièces jointes sont envoyées, pour {limit} au plus.",
    remedy="Regrouper les documents, par exemple dans une archive ZIP.",
    source=_OURS,
)
TOTAL_TOO_LARGE = Rule(
    code="DEP-PJ-07",
    sentence="La pièce et ses pièces jointes pèsent {size}, pour {limit} au plus.",
    remedy="Alléger les documents.",
    source="AIFE, télécharger un groupe de factures ; go-choruspro",
)
NOTHING_SETTLED = Rule(
    code="DEP-REGUL-01",
    sentence="Aucun dossier à régler n'est indiqué, or le cadre {cadre} est celui d'une facture "
    "de régularisation.",
    remedy="Indiquer les dossiers payés que la facture règle, ou choisir le cadre d'une pièce de "
    "travaux.",
    source=_WEBINAR_SETTLEMENT,
)
SETTLES_BY_OTHER_CADRE = Rule(
    code="DEP-REGUL-02",
    sentence="Une pièce de cadre {cadre} ne règle pas d'autres dossiers.",
    remedy="Ne pas indiquer de dossiers à régler, ou déposer une facture de régularisation (A1).",
    source=_OURS,
)
SETTLED_WITHOUT_MANDATE = Rule(
    code="DEP-REGUL-03",
    sentence="Une facture de régularisation est celle d'une maîtrise d'ouvrage déléguée, et aucun "
    "mandant n'est indiqué.",
    remedy="Indiquer la structure qui a donné le mandat.",
    source=_WEBINAR_SETTLEMENT,
)
SETTLED_UNKNOWN = Rule(
    code="DEP-REGUL-04",
    sentence="Aucun dossier {dossier} n'a pour maîtrise d'ouvrage la structure {delegate}.",
    remedy="Vérifier l'identifiant du dossier : une maîtrise d'ouvrage déléguée ne régularise que "
    "les siens.",
    source=_OURS,
    can_be_early=True,
)
SETTLED_FOR_OTHER_MANDANT = Rule(
    code="DEP-REGUL-05",
    sentence="Le dossier {dossier} n'est pas tenu pour le mandant {mandant}.",
    remedy="Retirer ce dossier, ou indiquer le mandant pour lequel il a été tenu.",
    source=_OURS,
)
SETTLED_UNPAID = Rule(
    code="DEP-REGUL-06",
    sentence="Le dossier {dossier} n'est pas encore mis en paiement.",
    remedy="Attendre que le service financier de la maîtrise d'ouvrage déléguée l'ait payé.",
    source=_WEBINAR_SETTLEMENT,
    can_be_early=True,
)
SETTLED_PAID_BY_OTHER = Rule(
    code="DEP-REGUL-07",
    sentence="Le dossier {dossier} n'est pas payé par la maîtrise d'ouvrage déléguée {delegate}.",
    remedy="Retirer ce dossier : seul celui qui a payé se fait rembourser.",
    source=_WEBINAR_SETTLEMENT,
)
SETTLED_IN_OTHER_CURRENCY = Rule(
    code="DEP-REGUL-08",
    sentence="Le dossier {dossier} est payé en {paid}, et la facture est en {currency}.",
    remedy="Déposer une facture de régularisation par devise.",
    source=_OURS,
)
ALREADY_SETTLED = Rule(
    code="DEP-REGUL-09",
    sentence="Le dossier {dossier} est déjà régularisé par une autre facture.",
    remedy="Retirer ce dossier ; si l'autre facture est rejetée, il pourra être régularisé à "
    "nouveau.",
    source=_OURS,
    can_be_early=True,
)
SETTLED_TOO_MUCH = Rule(
    code="DEP-REGUL-10",
    sentence="Le montant à payer ({due}) dépasse ce qui a été payé pour les dossiers réglés "
    "({paid}).",
    remedy="Réduire le montant à payer, ou indiquer tous les dossiers que la facture règle.",
    source=_OURS,
)
SETTLES_NO_AMOUNT = Rule(
    code="DEP-REGUL-11",
    sentence="La facture de régularisation ne demande aucun paiement : {due}.",
    remedy="Indiquer un montant à payer au-dessus de zéro, sur une facture et non sur un avoir.",
    source=_OURS,
)
SETTLED_BY_OTHER_SELLER = Rule(
    code="DEP-REGUL-12",
    sentence="La structure {structure} est donnée pour titulaire, or la maîtrise d'ouvrage "
    "déléguée {delegate} émet elle-même sa facture de régularisation.",
    remedy="Nommer la structure {delegate} comme vendeur et titulaire.",
    source=_WEBINAR_SETTLEMENT,
)
SETTLED_BY_OTHER_PAYER = Rule(
    code="DEP-REGUL-13",
    sentence="La structure {structure} est donnée pour service financier, or le mandat fait payer "
    "la structure {payer}.",
    remedy="Nommer la structure {payer} comme acheteur et service financier.",
    source=_WEBINAR_SETTLEMENT,
)
SETTLES_WITH_OTHER_PARTY = Rule(
    code="DEP-REGUL-14",
    sentence="{role} n'a pas de part à une facture de régularisation.",
    remedy="Ne nommer que la maîtrise d'ouvrage déléguée et le service financier de son mandant.",
    source=_OURS,
)
ISSUING_NOT_ALLOWED = Rule(
    code="DEP-REGUL-15",
    sentence="Une facture de régularisation demande l'habilitation « Factures émises » en "
    "modification.",
    remedy="Demander cette habilitation à un gestionnaire de la structure.",
    source="webinaire maîtrise d'ouvrage, 22:24",
)
NOT_IN_SHEET = Rule(
    code="DEP-FICHE-01",
    sentence="La structure {structure} est donnée pour {role}, or la fiche du marché {marche} "
    "nomme {named}.",
    remedy="Nommer {named}, ou faire corriger la fiche par la structure {moa}.",
    source=_WEBINAR_SHEET,
    can_be_early=True,
)
ACTOR_NOT_VALID = Rule(
    code="DEP-FICHE-02",
    sentence="La fiche du marché {marche} nomme la structure {structure} pour {role} {period}, et "
    "non pour ce jour.",
    remedy="Nommer celle qui l'est aujourd'hui, ou faire corriger la fiche par la structure {moa}.",
    source=_WEBINAR_SHEET,
    can_be_early=True,
)
LOT_UNKNOWN = Rule(
    code="DEP-FICHE-03",
    sentence="La fiche du marché {marche} n'a pas de lot « {lot} ». Lots : {allowed}.",
    remedy="Indiquer un lot de la fiche, ou aucun.",
    source=_WEBINAR_SHEET,
    can_be_early=True,
)
REQUIRED_BY_SHEET = Rule(
    code="DEP-FICHE-04",
    sentence="La fiche du marché {marche} exige {label}.",
    remedy="Indiquer {label}.",
    source=_WEBINAR_SHEET,
    can_be_early=True,
)
SERVICE_NOT_IN_SHEET = Rule(
    code="DEP-FICHE-05",
    sentence="Le service {service} est donné pour {role}, or la fiche du marché {marche} nomme le "
    "service {named}.",
    remedy="Indiquer le service {named}, ou ne pas en indiquer.",
    source=_WEBINAR_SHEET,
    can_be_early=True,
)
