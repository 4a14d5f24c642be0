"""Authentication: reads the structure and the role from the headers of a request.

Headers are trusted on loopback only. Code that reads another header of identity must call
`require_trusted_headers` first, so that tokens can replace headers in this module only.
"""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Header
from starlette.requests import HTTPConnection

from shared.runtime.web.problems import Problem
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.texts import clean, has_visible_letter, is_showable, normalise_nfc

IDENTIFIER_LIMIT = 100
"""Length limit of an identifier, the same as in events (`shared.contracts.fields`)."""
SHOWN_LIMIT = 40
"""Characters of a header of identity that an error message repeats."""
StructureHeader = Annotated[
    str | None,
    Header(description="Identifiant de la structure, encodé comme dans une adresse."),
]
RoleHeader = Annotated[str | None, Header(description=f"Rôle de la structure : {', '.join(Role)}.")]
_HEADERS = frozenset({"x-structure", "x-role"})


def authenticate(
    connection: HTTPConnection,
    x_structure: StructureHeader = None,
    x_role: RoleHeader = None,
) -> Actor:
    """Authenticate the structure that calls: dependency of the routes for structures.

    Raises a 401 problem when structure or role are missing or malformed, and when this service
    trusts no header.
    """
    require_trusted_headers(connection)
    if not x_structure or not x_role:
        raise Problem(
            401,
            "HTTP-CALLER-02",
            "Indiquer la structure (X-Structure) et le rôle (X-Role) pour lesquels vous agissez.",
        )
    try:
        role = Role(x_role)
    except ValueError:
        roles = ", ".join(Role)
        raise Problem(
            401, "HTTP-CALLER-03", f"Rôle inconnu : {x_role[:SHOWN_LIMIT]}. Rôles : {roles}."
        ) from None
    return Actor(role, parse_structure(x_structure))


Caller = Annotated[Actor, Depends(authenticate)]
"""Authenticated structure and its role, as a parameter of a route."""


def build_caller_headers(structure: str, role: Role) -> dict[str, str]:
    """Build the headers with which a service calls another one in the name of a structure."""
    return {"X-Structure": quote(structure, safe=""), "X-Role": role.value}


def authenticate_request(connection: HTTPConnection) -> Actor:
    """Authenticate the structure that calls, before the route is known: see `authenticate`."""
    header = connection.headers.get
    return authenticate(connection, header("x-structure"), header("x-role"))


def authenticate_if_named(connection: HTTPConnection) -> Actor | None:
    """Authenticate a request that may be anonymous; None when it has no header of identity."""
    if _HEADERS.isdisjoint(connection.headers.keys()):
        return None
    return authenticate_request(connection)


def require_trusted_headers(connection: HTTPConnection) -> None:
    """Raise a 401 problem when this service does not trust headers of identity."""
    if not connection.app.state.trust_headers:
        raise Problem(401, "HTTP-CALLER-01", "Aucun moyen d'identification n'est configuré.")


def parse_structure(header: str) -> str:
    """Decode the identifier of a structure. Raises a 401 problem when it is malformed."""
    decoded = decode_header(header)
    text = normalise_nfc(decoded or "")
    if decoded is None or text != clean(text) or not is_identifier(text):
        raise Problem(
            401,
            "HTTP-CALLER-06",
            f"L'identifiant de structure (X-Structure) compte 1 à {IDENTIFIER_LIMIT} caractères "
            "visibles, encodés comme dans une adresse.",
        )
    return text


def decode_header(header: str) -> str | None:
    """Decode the percent-encoding of a header; None when it is not UTF-8."""
    try:
        return unquote(header, errors="strict")
    except UnicodeDecodeError:
        return None


def is_identifier(text: str) -> bool:
    """Tell whether a text is a valid identifier: short, printable, with a visible character."""
    return len(text) <= IDENTIFIER_LIMIT and is_showable(text) and has_visible_letter(text)
