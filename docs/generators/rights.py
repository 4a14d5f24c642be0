"""Generator of the page of rights: the catalogue of applications, and what each route needs."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from shared.contracts.public_paths import build_public_prefix
from shared.rights.catalogue import find_application, list_applications
from shared.rights.needs import Need, NeedKind, Right
from shared.rights.table import Route, load_rights

_SERVICES = ("deposit", "routing", "notification", "portal", "organisation", "support")
_HEAD = """# Droits

Page écrite par `make docs` à partir de `shared/rights`. Un jeton d'accès prouve qui appelle ; ce que son titulaire peut faire est tenu par l'annuaire : ses rattachements, ses habilitations, son rôle de gestionnaire. Les en-têtes `X-Structure`, `X-Role`, `X-Service` et `X-Desk` ne prouvent rien : ils choisissent parmi cela. Chaque refus porte un code : [règles](rules.md#autres-codes).

Le niveau *modification* comprend le niveau *consultation*. Une habilitation limitée à un service ne vaut que pour lui : l'appel le nomme par `X-Service`, et ne voit que ses pièces ; seules les applications de factures se limitent ainsi. Un programme a besoin, en plus de l'habilitation, de la portée de même nom dans son jeton (`factures_de_travaux:modification`) ; il n'est jamais gestionnaire, ni exploitant, ni au bureau technique. La méthode `WS` est un WebSocket.

"""  # noqa: E501 - a paragraph of Markdown is a line
_PHRASES: Mapping[NeedKind, str] = {
    NeedKind.PUBLIC: "rien : ouvert à tous",
    NeedKind.SIGNED_IN: "un jeton valable, même sans compte",
    NeedKind.MEMBER: "être rattaché à une structure, celle de `X-Structure` quand elle est nommée",
    NeedKind.MANAGER: "être gestionnaire de la structure",
    NeedKind.MAIN_MANAGER: "être gestionnaire principal de la structure",
    NeedKind.OPERATOR: "être exploitant de la plateforme",
    NeedKind.DESK: "être au bureau nommé par `X-Desk` : au bureau technique, ou, au bureau métier, "
    "avoir l'habilitation « Sollicitations » (modification) de la structure",
}
_PIECES = (
    "l'habilitation « {works} » ({level}) de la structure, ou « {received} » quand `X-Role` est "
    "`service_financier`"
)


def render_rights() -> str:
    """Render the page of rights: the applications, then a table for each service."""
    tables = (_format_service(service, load_rights(service)) for service in _SERVICES)
    return _HEAD + "\n".join((_format_applications(), *tables))


def _format_applications() -> str:
    rows = "".join(
        f"| {each.domain_label} | `{each.code}` | {each.label} | {', '.join(each.levels)} | "
        f"{each.source} |\n"
        for each in list_applications()
    )
    head = (
        "| domaine | application | libellé | niveaux | source |\n| --- | --- | --- | --- | --- |\n"
    )
    return f"## Applications\n{head}{rows}"


def _format_service(service: str, rights: Mapping[Route, Need]) -> str:
    prefix = build_public_prefix(service)
    rows = "".join(
        f"| `{method}` | `{prefix}{path}` | {' ; ou '.join(_describe_all(need))} |\n"
        for (method, path), need in _order(rights)
    )
    head = "| méthode | chemin | ce qu'il faut |\n| --- | --- | --- |\n"
    return f"## {service}\n{head}{rows}"


def _order(rights: Mapping[Route, Need]) -> Sequence[tuple[Route, Need]]:
    """Order the routes by the first part of their path, as the table has them within it."""

    def find_subject(item: tuple[Route, Need]) -> str:
        return item[0][1].split("/")[1]

    ordered = sorted(rights.items(), key=find_subject)
    return [each for _, group in groupby(ordered, key=find_subject) for each in group]


def _describe_all(need: Need) -> Iterator[str]:
    for right in need.rights:
        yield _describe(right)


def _describe(right: Right) -> str:
    if right.kind is NeedKind.PIECES:
        return _PIECES.format(
            works=_label("factures_de_travaux"),
            received=_label("factures_recues"),
            level=right.level,
        )
    if right.kind is NeedKind.APPLICATION:
        return f"l'habilitation « {_label(right.application)} » ({right.level}) de la structure"
    return _PHRASES[right.kind]


def _label(code: str | None) -> str:
    found = find_application(code or "")
    return found.label if found else str(code)
