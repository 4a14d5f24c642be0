"""For which structure and role a request acts: one dependency, asked by every route.

The headers are believed on loopback only. Tokens and rights replace the inside of `caller`, and
nothing else.
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote

from fastapi import Header, Request

from shared.runtime.problems import Problem
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """The structure that a request acts for, and the role it takes."""

    structure: str
    role: Role


def caller(
    request: Request,
    x_structure: Annotated[
        str | None,
        Header(description="Identifiant de la structure, encodé comme dans une adresse."),
    ] = None,
    x_role: Annotated[str | None, Header()] = None,
) -> Caller:
    """Say who calls.

    Raises a 401 problem when the caller is not named, or when this service trusts no header.
    """
    if not request.app.state.trust_headers:
        raise Problem(401, "HTTP-CALLER-01", "Aucun moyen d'identification n'est configuré.")
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
