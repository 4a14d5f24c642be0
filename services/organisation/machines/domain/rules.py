"""Rules of machines: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"

NOT_MAIN_MANAGER = Rule(
    code="ORG-MACHINE-01",
    sentence="Seul un gestionnaire principal de la structure {structure} décide de ses machines.",
    remedy="Demander à un gestionnaire principal de la structure.",
    source=_OURS,
)
NAME_EMPTY = Rule(
    code="ORG-MACHINE-02",
    sentence="Le nom de la machine est vide : il lui faut une lettre ou un chiffre.",
    remedy="Indiquer un nom qui dit à quoi sert la machine.",
    source=_OURS,
)
SCOPES_MISSING = Rule(
    code="ORG-MACHINE-03",
    sentence="Aucune portée n'est accordée à la machine.",
    remedy="Accorder au moins une portée, ou supprimer la machine.",
    source=_OURS,
)
SCOPE_UNKNOWN = Rule(
    code="ORG-MACHINE-04",
    sentence="« {scope} » n'est pas une portée : une application et un niveau du catalogue.",
    remedy="Choisir une application de GET /organisation/v1/applications et l'un de ses niveaux.",
    source=_OURS,
)
TOO_MANY = Rule(
    code="ORG-MACHINE-05",
    sentence="La structure a déjà {limit} machines, ce qui est le plus.",
    remedy="Supprimer celles qui ne servent plus.",
    source=_OURS,
)
TOO_MANY_STRUCTURES = Rule(
    code="ORG-MACHINE-06",
    sentence="La machine agit déjà pour {limit} structures, ce qui est le plus.",
    remedy="Créer une autre machine.",
    source=_OURS,
)
NOT_OWNER = Rule(
    code="ORG-MACHINE-07",
    sentence="La machine est à la structure {owner} : elle seule en garde les secrets.",
    remedy="Demander à cette structure, ou retirer les portées accordées.",
    source=_OURS,
)
TOO_MANY_SECRETS = Rule(
    code="ORG-SECRET-01",
    sentence="La machine a déjà {limit} secrets valides, ce qui est le plus.",
    remedy="Supprimer celui qui ne sert plus, puis en créer un.",
    source="rotation sans coupure : un secret en service et celui qui le remplace",
)
