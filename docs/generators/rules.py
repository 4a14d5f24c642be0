"""Generator of the page of the rules: each code, its sentence, its remedy and its source."""

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import groupby
from types import ModuleType

import services
import shared
from shared.vocabulary.rules import Rule

_HEAD = """# Règles

Page écrite par `make docs` à partir du code. Chaque refus porte un de ces codes : il est permanent, et ne sert jamais deux fois. Ce qui est entre accolades est remplacé par les valeurs du cas.

Une phrase suivie de ↻ dit un refus qui n'est peut-être que prématuré : il se juge sur ce que les services s'annoncent, ce qui prend un instant. Quand toutes les phrases d'un refus sont de celles-là, et que la même demande peut encore être acceptée, la réponse porte `Retry-After` : si cela vient de changer, renvoyer la même demande un instant plus tard.

"""  # noqa: E501 - a paragraph of Markdown is a line
_SPOKEN = {
    "CIR": "Règles du circuit, communes : dites au dépôt et au traitement d'une pièce, 422 ; 409 "
    "quand ce n'est pas le tour de l'appelant de traiter ou de compléter la pièce. "
    "Devant l'une d'elles, une pièce en chemin attend que l'obstacle soit levé.",
    "DEP": "Dites par le dépôt : 422 pour un envoi à corriger ; 409 quand la pièce précédente est "
    "encore en chemin, ou quand l'état du dossier s'oppose à ce qu'une pièce soit complétée.",
    "ROU": "Dites par l'acheminement au traitement d'une pièce : 422. Une pièce déposée trop tard "
    "est rejetée par l'une d'elles.",
    "ORG": "Dites par l'annuaire des structures et de leurs utilisateurs : 422 ; 403 quand ce "
    "n'est pas à l'appelant de le faire, 409 quand l'état du compte ou de la demande s'y oppose, "
    "412 quand la version est dépassée, 429 quand trop de demandes attendent.",
    "NOT": "Dites des abonnements aux statuts : 422 ; 403 quand ce n'est pas à l'appelant de le "
    "faire, 409 quand l'état de l'abonnement ou leur nombre s'y oppose, 503 quand la plateforme ne "
    "les ouvre pas. Un lien de courriel qui n'est plus valable est une page, 404.",
    "SUP": "Dites par l'assistance : 422 pour une saisie à corriger, 409 quand l'état du ticket "
    "s'oppose à la demande, 412 quand un brouillon a été enregistré entre-temps, 429 quand les "
    "demandes se suivent de trop près.",
    "POR": "Dites par le portail, à qui cherche ou demande une liste : 422.",
}
PROBLEM_CODES = {
    "DEP-503": (503, "Trop de dépôts arrivent à la fois."),
    "HTTP-CALLER-02": (400, "La structure (`X-Structure`) ou le rôle (`X-Role`) manque."),
    "HTTP-CALLER-03": (400, "Le rôle (`X-Role`) est inconnu."),
    "HTTP-CALLER-04": (400, "Le bureau (`X-Desk`) ou, au bureau métier, la structure manque."),
    "HTTP-CALLER-05": (400, "Le bureau (`X-Desk`) est inconnu."),
    "HTTP-CALLER-06": (400, "L'identifiant de structure (`X-Structure`) est mal formé."),
    "HTTP-CALLER-08": (400, "`Authorization` ou un en-tête de choix est donné deux fois."),
    "HTTP-CALLER-09": (400, "Le code de service (`X-Service`) est mal formé."),
    "HTTP-DROIT-01": (403, "Le compte n'est pas rattaché à la structure."),
    "HTTP-DROIT-02": (403, "L'habilitation manque : l'application et le niveau sont dits."),
    "HTTP-DROIT-03": (403, "La structure est inactive."),
    "HTTP-DROIT-04": (403, "Il faut être gestionnaire, ou gestionnaire principal."),
    "HTTP-DROIT-05": (403, "Il faut être exploitant de la plateforme."),
    "HTTP-DROIT-06": (403, "Le compte n'est pas au bureau technique."),
    "HTTP-DROIT-07": (403, "Le jeton d'un programme n'a pas la portée qu'il faut."),
    "HTTP-DROIT-08": (403, "L'émetteur du jeton ne peut pas parler pour ce type de structure."),
    "HTTP-DROIT-09": (403, "Le compte est inconnu ou fermé."),
    "HTTP-EVENT-01": (413, "Ce qui serait transmis de la demande est trop lourd pour un message."),
    "HTTP-FILE-01": (500, "Le contenu conservé n'est plus celui du fichier déposé."),
    "HTTP-FORM-01": (422, "Un champ n'a pas la forme que décrit l'API, manque ou est en trop."),
    "HTTP-JETON-01": (401, "Aucun jeton n'est donné."),
    "HTTP-JETON-02": (401, "Le jeton est mal formé, ou n'est pas un jeton porteur (`Bearer`)."),
    "HTTP-JETON-03": (401, "L'algorithme du jeton n'est pas admis, ou sa signature est fausse."),
    "HTTP-JETON-04": (401, "L'émetteur du jeton n'est pas reconnu."),
    "HTTP-JETON-05": (401, "Le jeton est destiné à une autre plateforme."),
    "HTTP-JETON-06": (401, "Le jeton a expiré."),
    "HTTP-JETON-07": (401, "Le jeton n'est pas encore valable."),
    "HTTP-JETON-08": (401, "La clé du jeton n'est pas publiée par son émetteur."),
    "HTTP-JETON-09": (503, "L'émetteur du jeton ne répond pas."),
    "HTTP-JETON-10": (431, "`Authorization` dépasse 8 Ko."),
    "HTTP-JETON-11": (
        401,
        "L'adresse électronique n'est pas vérifiée, ou la connexion est faible.",
    ),
    "HTTP-LIMITE-01": (429, "L'appelant a fait autant de demandes qu'il peut dans la fenêtre."),
    "HTTP-ORIGIN-01": (403, "La connexion WebSocket vient d'une page d'un autre site."),
    "HTTP-READY-01": (503, "Le service démarre, ou n'est pas prêt."),
    "HTTP-STOP-01": (503, "Le service s'est arrêté avant d'avoir répondu."),
    "HTTP-VERSION-01": (503, "Ce qui est demandé a été écrit par une version plus récente."),
    "NOT-STREAM-01": (503, "Trop de suivis en direct sont ouverts."),
    "NOT-STREAM-02": (429, "La structure a ouvert autant de suivis en direct qu'elle peut."),
    "POR-EXPORT-01": (503, "Le dossier ne peut pas être rassemblé pour le moment."),
    "POR-EXPORT-02": (413, "Les fichiers du dossier dépassent la taille d'un export."),
    "POR-EXPORT-03": (500, "Un fichier du dossier n'est plus celui qui a été déposé."),
    "POR-PIECE-01": (500, "Une pièce de la liste n'est plus telle qu'elle a été enregistrée."),
    "SUP-TCHAT-SIEGE-01": (503, "Trop de tchats sont ouverts."),
    "SUP-TCHAT-SIEGE-02": (429, "L'appelant a autant de connexions au tchat que possible."),
}
"""Codes of answers by which no rule is broken: HTTP status and meaning of each."""
_OTHERS = (
    "Dits de l'appelant, de la forme d'une demande ou de l'état d'un service : aucune règle n'est "
    "en cause. Toute autre erreur porte `HTTP-` et son statut : `HTTP-404`."
)
_EARLY = " ↻"
_TABLE = "| code | ce qui est dit | que faire | source |\n| --- | --- | --- | --- |\n"


def find_rules(
    packages: tuple[ModuleType, ...] = (shared, services),
) -> Mapping[str, tuple[Rule, str]]:
    """Find every rule by its code, with the name of its module.

    Raises ValueError when two rules share a code.
    """
    found: dict[str, tuple[Rule, str]] = {}
    for module, rule in _find_rules(packages):
        known, where = found.setdefault(rule.code, (rule, module))
        if known is not rule:
            raise ValueError(f"{rule.code} is in {where} and in {module}")
    return dict(sorted(found.items()))


def render_rules() -> str:
    """Render the page of the rules, a section for each prefix."""
    sections = groupby(find_rules().items(), key=lambda item: item[0].partition("-")[0])
    rules = (_format_section(prefix, dict(items)) for prefix, items in sections)
    return _HEAD + "\n".join((*rules, _format_others()))


def _find_rules(packages: tuple[ModuleType, ...]) -> Iterator[tuple[str, Rule]]:
    for package in packages:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # Importing a program would run it.
            if found.name.endswith("__main__"):
                continue
            for each in vars(import_module(found.name)).values():
                if isinstance(each, Rule):
                    yield found.name, each


def _format_section(prefix: str, found: Mapping[str, tuple[Rule, str]]) -> str:
    owner = ".".join(next(iter(found.values()))[1].split(".")[:2])
    spoken = _SPOKEN.get(prefix, f"Dites par `{owner}`.")
    rows = "".join(
        f"| `{code}` | {_escape(rule.sentence)}{_EARLY if rule.can_be_early else ''} | "
        f"{_escape(rule.remedy)} | {_escape(rule.source)} |\n"
        for code, (rule, _) in found.items()
    )
    return f"## {prefix}\n{spoken}\n\n{_TABLE}{rows}"


def _format_others() -> str:
    rows = "".join(
        f"| `{code}` | {status} | {_escape(meaning)} |\n"
        for code, (status, meaning) in PROBLEM_CODES.items()
    )
    table = f"| code | statut | ce que c'est |\n| --- | --- | --- |\n{rows}"
    return f"## Autres codes\n{_OTHERS}\n\n{table}"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
