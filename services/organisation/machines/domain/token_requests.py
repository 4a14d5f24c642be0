"""Decision about the scopes of a token, and the errors of a token endpoint (RFC 6749, 5.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.organisation.machines.domain.scopes import Scope, parse_scope, sort_scopes


class TokenErrorCode(StrEnum):
    """Error codes of RFC 6749, 5.2, and of 4.1.2.1 for a server that cannot answer."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    INVALID_SCOPE = "invalid_scope"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


@dataclass(frozen=True, slots=True)
class TokenRefusal:
    """Refusal of a token. The description is in ASCII, as the RFC asks."""

    code: TokenErrorCode
    description: str


NO_SCOPE = TokenRefusal(
    TokenErrorCode.INVALID_SCOPE,
    "Aucune structure n'accorde plus de droit sur quoi que ce soit : "
    "un gestionnaire principal doit en accorder.",
)


def choose_scopes(granted: Sequence[Scope], wanted: str | None) -> Sequence[Scope] | TokenRefusal:
    """Choose the scopes of a token: those that are wanted, or all; never more than is granted."""
    if not granted:
        return NO_SCOPE
    if wanted is None:
        return granted
    named = [parse_scope(each) for each in wanted.split()]
    chosen = [each for each in named if each is not None]
    is_granted = all(any(has.covers(each) for has in granted) for each in chosen)
    if not chosen or len(chosen) < len(named) or not is_granted:
        allowed = " ".join(map(str, granted))
        return TokenRefusal(
            TokenErrorCode.INVALID_SCOPE, f"Les droits de cette machine sont : {allowed}"
        )
    return sort_scopes(chosen)
