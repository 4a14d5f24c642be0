"""Rules of sheets of marchés: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"
_SHEET = "webinaire maîtrise d'ouvrage, 13:08"

NOT_MOA = Rule(
    code="ORG-FICHE-01",
    sentence="La structure {structure} n'est pas une maîtrise d'ouvrage publique et active.",
    remedy="Choisir « avec » ou « exclusivement » MOA dans ses paramètres.",
    source="webinaire maîtrise d'ouvrage, 27:19",
)
NUMBER_EMPTY = Rule(
    code="ORG-FICHE-02",
    sentence="Le numéro de marché est vide : il lui faut une lettre ou un chiffre.",
    remedy="Indiquer le numéro que les pièces du marché portent.",
    source=_SHEET,
)
NUMBER_TAKEN = Rule(
    code="ORG-FICHE-03",
    sentence="La structure {structure} a déjà une fiche du marché {number} : {sheet}.",
    remedy="Remplacer cette fiche ; retirée, elle est ainsi remise en service.",
    source=_OURS,
)
NUMBER_FIXED = Rule(
    code="ORG-FICHE-04",
    sentence="La fiche est celle du marché {number} : ce numéro ne se change pas.",
    remedy="Garder ce numéro, ou retirer la fiche et en créer une autre.",
    source=_OURS,
)
STALE = Rule(
    code="ORG-FICHE-05",
    sentence="La fiche {sheet} n'est pas dans la version que vous avez lue.",
    remedy="La relire, puis refaire la modification avec son ETag.",
    source=_OURS,
)
ACTOR_UNKNOWN = Rule(
    code="ORG-FICHE-06",
    sentence="La structure {structure} n'existe pas dans l'annuaire.",
    remedy="Corriger son identifiant, ou lui demander de se créer.",
    source=_SHEET,
)
ACTOR_INACTIVE = Rule(
    code="ORG-FICHE-07",
    sentence="La structure {structure} n'est plus active.",
    remedy="Nommer une structure active, ou terminer la validité de cet intervenant.",
    source=_SHEET,
)
ACTOR_NOT_PUBLIC = Rule(
    code="ORG-FICHE-08",
    sentence="La structure {structure} est privée : elle ne peut pas être {role}.",
    remedy="Nommer une structure publique.",
    source="webinaire maîtrise d'ouvrage, 18:04",
)
SERVICE_UNKNOWN = Rule(
    code="ORG-FICHE-09",
    sentence="Le service {service} n'existe pas dans la structure {structure}, ou est fermé.",
    remedy="Choisir un service de l'annuaire de cette structure, ou n'en indiquer aucun.",
    source=_OURS,
)
DATES_REVERSED = Rule(
    code="ORG-FICHE-10",
    sentence="La validité de la structure {structure} finit le {until}, avant de commencer le "
    "{start}.",
    remedy="Corriger l'une des deux dates.",
    source=_OURS,
)
CONTRADICTION = Rule(
    code="ORG-FICHE-11",
    sentence="{first} et {second} sont {role} {lot}, à des dates qui se recouvrent.",
    remedy="N'en nommer qu'un à la fois : finir la validité de l'un avant celle de l'autre.",
    source=_OURS,
)
LOT_UNKNOWN = Rule(
    code="ORG-FICHE-12",
    sentence="Le lot « {lot} » n'est pas un lot de la fiche.",
    remedy="Ajouter ce lot à la fiche, ou corriger son code.",
    source=_OURS,
)
LOT_TWICE = Rule(
    code="ORG-FICHE-13",
    sentence="Le lot « {lot} » est présent plusieurs fois.",
    remedy="Garder un seul lot par code.",
    source=_OURS,
)
DELAY_UNKNOWN = Rule(
    code="ORG-FICHE-14",
    sentence="« {delay} » n'est pas un délai du circuit.",
    remedy="Choisir l'un de ceux-ci : {allowed}.",
    source="CCAG Travaux 2021 : les clauses du marché peuvent y déroger",
)
DELAY_DAYS = Rule(
    code="ORG-FICHE-15",
    sentence="Un délai de {days} jours n'est pas prévu : de 1 à {limit}.",
    remedy="Indiquer un nombre de jours calendaires, ou retirer ce délai de la fiche.",
    source=_OURS,
)

NOT_WORKBOOK = Rule(
    code="ORG-TABLEUR-01",
    sentence="Le fichier n'est pas un classeur XLSX qui se lit.",
    remedy="Remplir le formulaire à télécharger, et l'enregistrer en XLSX sans mot de passe.",
    source=_OURS,
)
FILE_TOO_LARGE = Rule(
    code="ORG-TABLEUR-02",
    sentence="Le fichier pèse {size}, pour {limit} au plus.",
    remedy="Remplir le formulaire à télécharger, sans image ni mise en forme ajoutée.",
    source=_OURS,
)
TOO_MANY_LINES = Rule(
    code="ORG-TABLEUR-03",
    sentence="La feuille « {sheet} » a plus de {limit} lignes.",
    remedy="Supprimer les lignes en trop, vides comprises.",
    source=_OURS,
)
FORMULA = Rule(
    code="ORG-TABLEUR-04",
    sentence="La cellule {cell} contient une formule.",
    remedy="La remplacer par sa valeur.",
    source=_OURS,
)
MACROS = Rule(
    code="ORG-TABLEUR-05",
    sentence="Le classeur contient des macros ou un contenu incorporé.",
    remedy="L'enregistrer comme classeur XLSX, sans macro ni objet.",
    source=_OURS,
)
EXTERNAL_LINK = Rule(
    code="ORG-TABLEUR-06",
    sentence="Le classeur renvoie à un autre fichier ou à une source de données.",
    remedy="Rompre ces liaisons, puis l'enregistrer.",
    source=_OURS,
)
TOO_HEAVY = Rule(
    code="ORG-TABLEUR-07",
    sentence="Le classeur demande trop de mémoire ou de temps pour être lu.",
    remedy="Recopier les valeurs dans le formulaire à télécharger.",
    source=_OURS,
)
WORKSHEET_UNKNOWN = Rule(
    code="ORG-TABLEUR-08",
    sentence="La feuille « {sheet} » n'est pas du formulaire.",
    remedy="La supprimer, ou lui rendre son nom ; les feuilles sont : {allowed}.",
    source=_OURS,
)
WORKSHEET_MISSING = Rule(
    code="ORG-TABLEUR-09",
    sentence="La feuille « {sheet} » manque.",
    remedy="Repartir du formulaire à télécharger ; vide, cette feuille garde ses titres.",
    source=_OURS,
)
HEADING_UNKNOWN = Rule(
    code="ORG-TABLEUR-10",
    sentence="« {heading} », en {cell}, n'est pas un titre du formulaire, ou y est deux fois.",
    remedy="Le retirer ; les titres sont : {allowed}.",
    source=_OURS,
)
HEADING_MISSING = Rule(
    code="ORG-TABLEUR-11",
    sentence="Le titre « {heading} » manque dans la feuille « {sheet} ».",
    remedy="Le rendre à la feuille, comme dans le formulaire à télécharger.",
    source=_OURS,
)
VALUE_UNKNOWN = Rule(
    code="ORG-TABLEUR-12",
    sentence="« {value} », en {cell}, n'est pas une valeur de « {heading} ».",
    remedy="Indiquer {expected}.",
    source=_OURS,
)
OTHER_STRUCTURE = Rule(
    code="ORG-TABLEUR-13",
    sentence="Le formulaire est celui de la structure {named}, et non de {structure}.",
    remedy="Corriger la structure dans la feuille « Marché », ou l'y laisser vide.",
    source=_OURS,
)
