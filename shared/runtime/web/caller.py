"""For whom a request acts: one dependency for structures, one for the desks of support.

The headers are believed on loopback only. Tokens and rights replace the inside of `caller` and of
`desk_agent`, and nothing else.
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote

from fastapi import Header
from starlette.requests import HTTPConnection

from shared.runtime.web.problems import Problem
from shared.vocabulary.roles import Role
from shared.vocabulary.texts import composed, is_showable, plain, says_something
from shared.vocabulary.tickets import Desk

_NAME_LIMIT = 100
"""Of the identifiers that travel in events (`shared.contracts.fields`)."""
_SHOWN = 40
_StructureHeader = Annotated[
    str | None,
    Header(description="Identifiant de la structure, encodé comme dans une adresse."),
]


@dataclass(frozen=True, slots=True)
class Caller:
    """The structure that a request acts for, and the role it takes."""

    structure: str
    role: Role


@dataclass(frozen=True, slots=True)
class DeskAgent:
    """Somebody of a desk; a business desk is its structure's own."""

    desk: Desk
    name: str
    structure: str | None = None


def caller(
    connection: HTTPConnection,
    x_structure: _StructureHeader = None,
    x_role: Annotated[str | None, Header()] = None,
) -> Caller:
    """Say who calls.

    Raises a 401 problem when the caller is not named, or when this service trusts no header.
    """
    _refuse_unless_trusted(connection)
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
            401, "HTTP-CALLER-03", f"Rôle inconnu : {x_role[:_SHOWN]}. Rôles : {roles}."
        ) from None
    return Caller(_structure(x_structure), role)


def desk_agent(
    connection: HTTPConnection,
    x_desk: Annotated[str | None, Header(description="Bureau : metier ou technique.")] = None,
    x_agent: Annotated[
        str | None, Header(description="Nom, encodé comme dans une adresse.")
    ] = None,
    x_structure: _StructureHeader = None,
) -> DeskAgent:
    """Say which agent of a desk calls.

    Raises a 401 problem when the agent is not named, or when this service trusts no header.
    """
    _refuse_unless_trusted(connection)
    unnamed = Problem(
        401,
        "HTTP-CALLER-04",
        "Indiquer le bureau (X-Desk), l'agent (X-Agent) et, au bureau métier, la structure "
        "(X-Structure).",
    )
    if not x_desk or not x_agent:
        raise unnamed
    try:
        desk = Desk(x_desk)
    except ValueError:
        desks = ", ".join(Desk)
        raise Problem(
            401, "HTTP-CALLER-05", f"Bureau inconnu : {x_desk[:_SHOWN]}. Bureaux : {desks}."
        ) from None
    structure = None
    if desk.is_of_a_structure:
        if not x_structure:
            raise unnamed
        structure = _structure(x_structure)
    return DeskAgent(desk, _agent_name(x_agent), structure)


def as_caller(connection: HTTPConnection) -> Caller:
    """Say who calls, as the headers of a request name it."""
    said = connection.headers.get
    return caller(connection, said("x-structure"), said("x-role"))


def as_agent(connection: HTTPConnection) -> DeskAgent:
    """Say which agent of a desk calls, as the headers of a request name it."""
    said = connection.headers.get
    return desk_agent(connection, said("x-desk"), said("x-agent"), said("x-structure"))


def as_either(connection: HTTPConnection) -> Caller | DeskAgent:
    """Say who calls in one way or the other."""
    return (as_agent if "x-desk" in connection.headers else as_caller)(connection)


def _structure(header: str) -> str:
    decoded = _decoded(header)
    text = composed(decoded or "")
    if decoded is None or text != plain(text) or not _is_named(text):
        raise Problem(
            401,
            "HTTP-CALLER-06",
            f"L'identifiant de structure (X-Structure) compte 1 à {_NAME_LIMIT} caractères "
            "visibles, encodés comme dans une adresse.",
        )
    return text


def _agent_name(header: str) -> str:
    text = plain(_decoded(header) or "")
    if not _is_named(text):
        raise Problem(
            401,
            "HTTP-CALLER-07",
            f"Le nom de l'agent (X-Agent) compte 1 à {_NAME_LIMIT} caractères visibles sur une "
            "ligne, encodés comme dans une adresse.",
        )
    return text


def _decoded(header: str) -> str | None:
    try:
        return unquote(header, errors="strict")
    except UnicodeDecodeError:
        return None


def _is_named(text: str) -> bool:
    return len(text) <= _NAME_LIMIT and is_showable(text) and says_something(text)


def _refuse_unless_trusted(connection: HTTPConnection) -> None:
    if not connection.app.state.trust_headers:
        raise Problem(401, "HTTP-CALLER-01", "Aucun moyen d'identification n'est configuré.")
