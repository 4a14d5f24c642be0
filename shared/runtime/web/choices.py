"""Headers by which a request chooses a structure, a role, a service or a desk.

They prove nothing: `shared.rights.decide` says whether the caller may choose so.
"""

from urllib.parse import unquote

from starlette.datastructures import Headers

from shared.rights.model import Choice
from shared.runtime.web.problems import Problem
from shared.vocabulary.roles import Role
from shared.vocabulary.texts import clean, has_visible_letter, is_showable, normalise_nfc
from shared.vocabulary.tickets import Desk

IDENTIFIER_LIMIT = 100
"""Length limit of an identifier, the same as in events (`shared.contracts.fields`)."""
_SHOWN = 40
"""Characters of a header that an error message repeats."""
_STRUCTURE, _ROLE, _SERVICE, _DESK = "X-Structure", "X-Role", "X-Service", "X-Desk"
DESCRIPTIONS = {
    _STRUCTURE: "Structure pour laquelle vous agissez, encodée comme dans une adresse.",
    _ROLE: f"Rôle de la structure : {', '.join(Role)}.",
    _SERVICE: "Service auquel votre habilitation se limite, encodé comme dans une adresse.",
    _DESK: f"Bureau : {' ou '.join(Desk)}.",
}
"""What each header says, for OpenAPI."""


def read_choice(headers: Headers) -> Choice:
    """Read what a request chooses. Raises a 400 problem for a malformed or repeated header."""
    stated = {name: read_once(headers, name) for name in DESCRIPTIONS}
    structure, service = stated[_STRUCTURE], stated[_SERVICE]
    return Choice(
        structure=_parse_identifier(
            structure, "HTTP-CALLER-06", "L'identifiant de structure", _STRUCTURE
        ),
        role=_parse_role(stated[_ROLE]),
        service=_parse_identifier(service, "HTTP-CALLER-09", "Le code de service", _SERVICE),
        desk=_parse_desk(stated[_DESK]),
    )


def read_once(headers: Headers, name: str) -> str | None:
    """Read a header that may be given once; None when it is missing or empty.

    Raises a 400 problem when it is repeated: two readers could take different ones.
    """
    values = headers.getlist(name)
    if len(values) > 1:
        raise Problem(
            400,
            "HTTP-CALLER-08",
            f"L'en-tête {name} ne peut être donné qu'une fois : rien n'a été fait.",
        )
    return (values[0] or None) if values else None


def _parse_role(text: str | None) -> Role | None:
    try:
        return Role(text) if text else None
    except ValueError:
        roles = ", ".join(Role)
        raise Problem(
            400, "HTTP-CALLER-03", f"Rôle inconnu : {_show(text)}. Rôles : {roles}."
        ) from None


def _parse_desk(text: str | None) -> Desk | None:
    try:
        return Desk(text) if text else None
    except ValueError:
        desks = ", ".join(Desk)
        raise Problem(
            400, "HTTP-CALLER-05", f"Bureau inconnu : {_show(text)}. Bureaux : {desks}."
        ) from None


def _show(text: str | None) -> str:
    return (text or "")[:_SHOWN]


def _parse_identifier(header: str | None, code: str, what: str, name: str) -> str | None:
    if header is None:
        return None
    try:
        text = normalise_nfc(unquote(header, errors="strict"))
    except UnicodeDecodeError:
        text = ""
    if text != clean(text) or not _is_identifier(text):
        raise Problem(
            400,
            code,
            f"{what} ({name}) compte 1 à {IDENTIFIER_LIMIT} caractères visibles, encodés comme "
            "dans une adresse.",
        )
    return text


def _is_identifier(text: str) -> bool:
    return len(text) <= IDENTIFIER_LIMIT and is_showable(text) and has_visible_letter(text)
