"""Caller of a request: who the access middleware let in, for routes and for calls to peers.

`AccessMiddleware` has verified the token and decided. What is here only reads its result.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import Scope

from shared.rights.model import NoActorError, Requester
from shared.runtime.web.problems import Problem
from shared.vocabulary.actors import Actor

REQUESTER = "aiguillage.requester"
"""Key of an ASGI scope: the requester, None for an anonymous caller of a public route."""


def build_unauthenticated() -> Problem:
    """Build the 401 problem of a request without a token."""
    return Problem(
        401,
        "HTTP-JETON-01",
        "Un jeton d'accès est nécessaire ici (Authorization: Bearer …).",
        headers={"WWW-Authenticate": 'Bearer realm="aiguillage"'},
    )


def build_choice_missing() -> Problem:
    """Build the 400 problem of a request that does not say for whom it acts."""
    return Problem(
        400,
        "HTTP-CALLER-02",
        "Indiquer la structure (X-Structure) et le rôle (X-Role) pour lesquels vous agissez.",
    )


def find_requester(scope: Scope) -> Requester | None:
    """Find the requester of a request; None for an anonymous one."""
    found: Requester | None = scope.get(REQUESTER)
    return found


def read_requester(connection: HTTPConnection) -> Requester:
    """Read the requester. Raises a 401 problem when the caller is anonymous."""
    found = find_requester(connection.scope)
    if found is None:
        raise build_unauthenticated()
    return found


def read_maybe_requester(connection: HTTPConnection) -> Requester | None:
    """Read the requester; None for an anonymous caller of a public route."""
    return find_requester(connection.scope)


def read_actor(connection: HTTPConnection) -> Actor:
    """Read the structure and the role of the requester.

    Raises a 401 problem when it is anonymous, 400 when it has not chosen them.
    """
    try:
        return read_requester(connection).actor
    except NoActorError:
        raise build_choice_missing() from None


Caller = Annotated[Actor, Depends(read_actor)]
"""Structure for which the caller acts, and its role, as a parameter of a route."""
Who = Annotated[Requester, Depends(read_requester)]
"""Requester, as a parameter of a route."""
MaybeWho = Annotated[Requester | None, Depends(read_maybe_requester)]
"""Requester of a public route, which may be anonymous."""


def read_structure(scope: Scope) -> str | None:
    """Read the structure for which a request acts; None when it has chosen none."""
    requester = find_requester(scope)
    return requester.structure if requester else None


def build_forwarded_headers(requester: Requester) -> dict[str, str]:
    """Build the headers by which a service asks a peer in the name of its caller.

    The token is forwarded: the peer verifies it, and decides by itself.
    """
    choice = build_choice_headers(requester.actor) if requester.structure else {}
    return {"Authorization": f"Bearer {requester.token}", **choice}


def build_choice_headers(actor: Actor) -> dict[str, str]:
    """Build the headers by which the caller of a peer chooses a structure and its role."""
    headers = {"X-Structure": quote(actor.structure, safe=""), "X-Role": actor.role.value}
    if actor.service is not None:
        headers["X-Service"] = quote(actor.service, safe="")
    return headers
