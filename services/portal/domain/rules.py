"""Rules of searches and lists: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"

RANGE_REVERSED = Rule(
    code="POR-CRITERE-01",
    sentence="Le début ({low}) dépasse la fin ({high}).",
    remedy="Échanger les deux bornes, ou en retirer une.",
    source=_OURS,
)
SERVICE_ALONE = Rule(
    code="POR-CRITERE-02",
    sentence="Un service se cherche dans une structure, et aucune n'est donnée.",
    remedy="Ajouter le critère {role}, l'identifiant de la structure.",
    source=_OURS,
)
CURSOR_UNREADABLE = Rule(
    code="POR-PAGE-01",
    sentence="Ce repère de page n'a pas été donné par ce service.",
    remedy="Redonner dans « after » le « next » de la page précédente, sans rien y changer.",
    source=_OURS,
)
PERIOD_TOO_LONG = Rule(
    code="POR-LISTE-01",
    sentence="La période compte {days} jours ; une liste en couvre {limit} au plus.",
    remedy="Demander la liste en plusieurs périodes.",
    source=_OURS,
)
SHEET_FULL = Rule(
    code="POR-LISTE-02",
    sentence="La période compte trop de pièces pour un classeur.",
    remedy="Demander le format csv, ou une période plus courte.",
    source="Excel, 1 048 576 lignes par feuille",
)
