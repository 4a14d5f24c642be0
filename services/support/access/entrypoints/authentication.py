"""Authentication of support: agents of a desk, and askers with or without an account.

Identity comes from headers, which `shared.runtime.web.caller` reads until tokens replace them
there.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import HTTPConnection

from services.support.access.domain.parties import Asker
from shared.runtime.web.caller import (
    IDENTIFIER_LIMIT,
    SHOWN_LIMIT,
    RoleHeader,
    StructureHeader,
    authenticate,
    authenticate_if_named,
    authenticate_request,
    decode_header,
    is_identifier,
    parse_structure,
    require_trusted_headers,
)
from shared.runtime.web.problems import Problem
from shared.vocabulary.texts import clean
from shared.vocabulary.tickets import Desk


@dataclass(frozen=True, slots=True)
class DeskAgent:
    """Agent of a desk; a business desk belongs to a structure."""

    desk: Desk
    name: str
    structure: str | None = None


def authenticate_agent(
    connection: HTTPConnection,
    x_desk: Annotated[str | None, Header(description="Bureau : metier ou technique.")] = None,
    x_agent: Annotated[
        str | None, Header(description="Nom, encodé comme dans une adresse.")
    ] = None,
    x_structure: StructureHeader = None,
) -> DeskAgent:
    """Authenticate the agent of a desk: the dependency of the routes for desks.

    Raises a 401 problem when desk, agent or structure are missing or malformed, or when this
    service trusts no header.
    """
    require_trusted_headers(connection)
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
            401, "HTTP-CALLER-05", f"Bureau inconnu : {x_desk[:SHOWN_LIMIT]}. Bureaux : {desks}."
        ) from None
    structure = None
    if desk.is_of_a_structure:
        if not x_structure:
            raise unnamed
        structure = parse_structure(x_structure)
    return DeskAgent(desk, _parse_agent_name(x_agent), structure)


Agent = Annotated[DeskAgent, Depends(authenticate_agent)]


def authenticate_agent_request(connection: HTTPConnection) -> DeskAgent:
    """Authenticate the agent of a desk, before a route is known."""
    header = connection.headers.get
    return authenticate_agent(
        connection, header("x-desk"), header("x-agent"), header("x-structure")
    )


def authenticate_visitor_request(connection: HTTPConnection) -> object:
    """Authenticate the caller of an open path, if it names a structure or a desk."""
    if "x-desk" in connection.headers:
        return authenticate_agent_request(connection)
    if "x-agent" in connection.headers:
        return authenticate_request(connection)
    return authenticate_if_named(connection)


def authenticate_asker(
    connection: HTTPConnection,
    x_structure: StructureHeader = None,
    x_role: RoleHeader = None,
) -> Asker | None:
    """Authenticate the asker; None without an account."""
    if not x_structure and not x_role:
        return None
    caller = authenticate(connection, x_structure, x_role)
    return Asker(caller.structure, caller.role)


MaybeAsker = Annotated[Asker | None, Depends(authenticate_asker)]


def _parse_agent_name(header: str) -> str:
    text = clean(decode_header(header) or "")
    if not is_identifier(text):
        raise Problem(
            401,
            "HTTP-CALLER-07",
            f"Le nom de l'agent (X-Agent) compte 1 à {IDENTIFIER_LIMIT} caractères visibles sur "
            "une ligne, encodés comme dans une adresse.",
        )
    return text
