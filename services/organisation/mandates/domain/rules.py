"""Rules of mandates: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"
_WEBINAR = "webinaire maîtrise d'ouvrage"

STRUCTURE_UNKNOWN = Rule(
    code="ORG-MANDAT-01",
    sentence="La structure {structure} n'existe pas, ou n'est pas active.",
    remedy="Vérifier son identifiant, ou lui demander de se créer.",
    source=f"{_WEBINAR}, 19:51 à 20:11",
)
NOT_PUBLIC = Rule(
    code="ORG-MANDAT-02",
    sentence="La structure {structure} est privée : seule une structure publique donne ou reçoit "
    "un mandat de maîtrise d'ouvrage.",
    remedy="Lui faire déposer un ticket au support technique (« Paramètres et services d'une "
    "structure ») pour devenir une structure publique, puis recommencer.",
    source=f"{_WEBINAR}, 18:04 et 19:21 à 19:42",
)
MANDANT_NOT_MOA = Rule(
    code="ORG-MANDAT-03",
    sentence="La structure {structure} est « sans maîtrise d'ouvrage » : elle n'a rien à déléguer.",
    remedy="Régler son paramètre « maîtrise d'ouvrage » sur « avec » ou « exclusivement ».",
    source=_OURS,
)
SAME_STRUCTURE = Rule(
    code="ORG-MANDAT-04",
    sentence="La structure {structure} ne peut pas se donner un mandat à elle-même.",
    remedy="Indiquer une autre structure : une maîtrise d'ouvrage n'a besoin d'aucun mandat pour "
    "ses propres marchés.",
    source=_OURS,
)
PAYER_ONLY_MOA = Rule(
    code="ORG-MANDAT-05",
    sentence="La structure {structure} est « exclusivement maîtrise d'ouvrage » : elle ne reçoit "
    "pas la facture de régularisation.",
    remedy="Indiquer la structure dont le service financier rembourse la maîtrise d'ouvrage "
    "déléguée.",
    source=f"{_WEBINAR}, 22:24",
)
DATES_REVERSED = Rule(
    code="ORG-MANDAT-06",
    sentence="Le mandat finit le {until}, avant de commencer le {start}.",
    remedy="Corriger l'une des deux dates.",
    source=_OURS,
)
CONTRACT_EMPTY = Rule(
    code="ORG-MANDAT-07",
    sentence="Un numéro de marché manque.",
    remedy="Indiquer un numéro ou plusieurs, ou ne pas donner de liste : le mandat couvre alors "
    "tous les marchés.",
    source=_OURS,
)
TOO_MANY_CONTRACTS = Rule(
    code="ORG-MANDAT-08",
    sentence="{count} marchés dans un mandat : {limit} au plus.",
    remedy="Donner plusieurs mandats, ou un mandat pour tous les marchés.",
    source=_OURS,
)
OVERLAP = Rule(
    code="ORG-MANDAT-09",
    sentence="Le mandat {mandate}, donné à la structure {delegate} du {start} au {until}, couvre "
    "déjà un de ces marchés un de ces jours.",
    remedy="Clore ce mandat, ou changer les dates ou les marchés de l'un des deux.",
    source=_OURS,
)
STALE = Rule(
    code="ORG-MANDAT-10",
    sentence="Le mandat n'est pas dans la version que vous avez lue.",
    remedy="Le relire, puis refaire la modification avec son ETag.",
    source=_OURS,
)
CLOSED = Rule(
    code="ORG-MANDAT-11",
    sentence="Le mandat a été clos le {day} : il ne change plus.",
    remedy="Donner un autre mandat.",
    source=_OURS,
)
NOT_MANDANT = Rule(
    code="ORG-MANDAT-12",
    sentence="Le mandat est donné par la structure {mandant} : {who}.",
    remedy="S'adresser à elle.",
    source=_OURS,
)
FILE_EMPTY = Rule(
    code="ORG-MANDAT-13",
    sentence="Le mandat « {name} » est vide.",
    remedy="Joindre le mandat signé, de préférence en PDF.",
    source=_OURS,
)
TOO_MANY = Rule(
    code="ORG-MANDAT-14",
    sentence="La structure a déjà {limit} mandats qui ne sont pas clos, ce qui est le plus.",
    remedy="Clore ceux qui ont pris fin.",
    source=_OURS,
)
NOT_YET = Rule(
    code="ORG-MANDAT-15",
    sentence="La plateforme n'enregistre pas encore de mandat : sa mise à jour n'est pas finie.",
    remedy="Recommencer quand la mise à jour sera finie.",
    source=_OURS,
)
