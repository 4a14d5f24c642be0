"""For whom a request acts: one dependency for structures, one for the desks of support.

The headers are believed on loopback only. Tokens and rights replace the inside of `caller` and of
`desk_agent`, and nothing else.
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote

from fastapi import Header
from starlette.requests import HTTPConnection

from shared.runtime.problems import Problem
from shared.vocabulary.roles import Role
from shared.vocabulary.tickets import Desk

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
        return Caller(unquote(x_structure), Role(x_role))
    except ValueError:
        roles = ", ".join(Role)
        raise Problem(401, "HTTP-CALLER-03", f"Rôle inconnu : {x_role}. Rôles : {roles}.") from None


def desk_agent(
    connection: HTTPConnection,
    x_desk: Annotated[str | None, Header(description="Bureau : metier ou technique.")] = None,
    x_agent: Annotated[
        str | None, Header(max_length=100, description="Nom, encodé comme dans une adresse.")
    ] = None,
    x_structure: _StructureHeader = None,
) -> DeskAgent:
    """Say which agent of a desk calls.

    Raises a 401 problem when the agent is not named, or when this service trusts no header.
    """
    _refuse_unless_trusted(connection)
    if not x_desk or not x_agent or (x_desk == Desk.METIER and not x_structure):
        raise Problem(
            401,
            "HTTP-CALLER-04",
            "Indiquer le bureau (X-Desk), l'agent (X-Agent) et, au bureau métier, la structure "
            "(X-Structure).",
        )
    try:
        desk = Desk(x_desk)
    except ValueError:
        desks = ", ".join(Desk)
        raise Problem(
            401, "HTTP-CALLER-05", f"Bureau inconnu : {x_desk}. Bureaux : {desks}."
        ) from None
    structure = unquote(x_structure) if x_structure and desk is Desk.METIER else None
    return DeskAgent(desk, unquote(x_agent), structure)


def refuse_strangers(connection: HTTPConnection) -> None:
    """Raise a 401 problem for who names itself in neither way, whatever the route asks."""
    said = connection.headers.get
    if said("x-desk"):
        desk_agent(connection, said("x-desk"), said("x-agent"), said("x-structure"))
    else:
        caller(connection, said("x-structure"), said("x-role"))


def _refuse_unless_trusted(connection: HTTPConnection) -> None:
    if not connection.app.state.trust_headers:
        raise Problem(401, "HTTP-CALLER-01", "Aucun moyen d'identification n'est configuré.")
