"""Who comes: with an account or without one, or of a desk."""

from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import HTTPConnection

from services.support.desks.domain.parties import Asker
from shared.runtime.web.caller import DeskAgent, caller, desk_agent
from shared.vocabulary.roles import Role

Agent = Annotated[DeskAgent, Depends(desk_agent)]


def asker(
    connection: HTTPConnection,
    x_structure: Annotated[str | None, Header()] = None,
    x_role: Annotated[str | None, Header()] = None,
) -> Asker | None:
    """Say who asks; None without an account."""
    if not x_structure and not x_role:
        return None
    named = caller(connection, x_structure, x_role)
    return Asker(named.structure, Role(named.role))


MaybeAsker = Annotated[Asker | None, Depends(asker)]
