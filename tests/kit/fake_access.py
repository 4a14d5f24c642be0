"""Access control of tests without a service: a known person, and rights of any routes.

Tokens are verified by nobody here. `tests/kit/access.py` signs real ones.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from fastapi import APIRouter
from fastapi.routing import APIRoute, APIWebSocketRoute

from shared.rights.catalogue import list_applications
from shared.rights.model import (
    Attachment,
    Habilitation,
    Identity,
    KnownStructure,
    Level,
    PlatformRole,
    Principal,
    PrincipalKind,
    Requester,
)
from shared.rights.needs import Need, parse_need
from shared.rights.table import WEBSOCKET, Route
from shared.runtime.tokens.faults import TokenError, TokenFault
from shared.runtime.web.access import AccessPorts
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import StructureKind, StructureStatus

TOKEN = "jeton.de.moi"  # noqa: S105 - of nobody
AUTHORIZATION = {"authorization": f"Bearer {TOKEN}"}
ME = {**AUTHORIZATION, "x-structure": "35600000000048", "x-role": "moe"}
ENDS = datetime(2099, 1, 1, tzinfo=UTC)
ISSUED = Identity(
    issuer="https://emetteur.exemple.fr",
    subject="moi",
    kind=PrincipalKind.USER,
    expires_at=ENDS,
    email="moi@exemple.fr",
    name="Moi Même",
    may_operate=True,
)
_RIGHTS = tuple(Habilitation(each.code, Level.MODIFICATION) for each in list_applications())


class EveryStructure(dict[str, Attachment]):
    """Attachments of somebody who is attached to every structure."""

    def __contains__(self, structure: object) -> bool:
        return True

    def get(self, structure: str, default: object = None) -> Attachment:  # noqa: ARG002
        return Attachment(structure, None, _RIGHTS)


EVERYBODY = Principal(
    id="p-moi",
    identity="0" * 64,
    kind=PrincipalKind.USER,
    version=1,
    attachments=EveryStructure({"35600000000048": Attachment("35600000000048", None, _RIGHTS)}),
    platform_roles=frozenset({PlatformRole.DESK}),
)


def build_ports(
    principal: Principal | None = EVERYBODY,
    identities: Mapping[str, Identity] = MappingProxyType({TOKEN: ISSUED}),
) -> AccessPorts:
    """Build the ports of access control; any other token than these is malformed."""

    async def verify(token: str) -> Identity:
        if token not in identities:
            raise TokenError(TokenFault.MALFORMED, "no token of this test")
        return identities[token]

    async def find_principal(_: str) -> Principal | None:
        return principal

    async def find_structure(_: str) -> KnownStructure | None:
        return KnownStructure(StructureKind.PUBLIQUE, StructureStatus.ACTIF)

    return AccessPorts(verify, find_principal, find_structure, lambda: datetime.now(UTC))  # noqa: TID251


def build_rights(
    routers: Sequence[APIRouter], needs: Mapping[str, str] = MappingProxyType({})
) -> Mapping[Route, Need]:
    """Build the rights of all routes: what `needs` says of a path, or `member`.

    `GET /limits`, which every application has, is among them.
    """
    return {("GET", "/limits"): parse_need("signed-in")} | {
        (method, route.path): parse_need(needs.get(route.path, "member"))
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute | APIWebSocketRoute)
        for method in (route.methods or () if isinstance(route, APIRoute) else [WEBSOCKET])
    }


def build_requester(structure: str | None = None, role: Role | None = None) -> Requester:
    """Build a requester who acts for a structure in a role."""
    return Requester(
        user="p-moi",
        kind=PrincipalKind.USER,
        name="Moi Même",
        email="moi@exemple.fr",
        issuer=ISSUED.issuer,
        token=TOKEN,
        expires_at=ENDS,
        structure=structure,
        role=role,
    )
