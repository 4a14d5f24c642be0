"""Callers of organisation, for unit tests."""

from dataclasses import replace
from datetime import UTC, datetime

from shared.rights.model import Habilitation, Level, PlatformRole, PrincipalKind, Requester

_PLAIN = Requester(
    user="u1",
    kind=PrincipalKind.USER,
    name="Camille",
    email="camille@ville.example",
    issuer="https://issuer.example",
    token="",
    expires_at=datetime(2099, 1, 1, tzinfo=UTC),
)


def a_requester(
    *, operator: bool = False, at: str | None = None, level: Level | None = None, **more: object
) -> Requester:
    """Give a caller: an operator, or at a structure with a level on "Gérer ma structure"."""
    roles = frozenset({PlatformRole.OPERATOR}) if operator else frozenset[PlatformRole]()
    held = (Habilitation("organisation", level),) if level else ()
    requester = replace(_PLAIN, platform_roles=roles, structure=at, habilitations=held)
    return replace(requester, **more)  # type: ignore[arg-type]
