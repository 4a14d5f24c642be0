"""Kinds of callers: the columns of `expected.csv`."""

from enum import StrEnum


class CallerKind(StrEnum):
    """Kind of a caller. Each but the first sends a bearer token."""

    ANONYMOUS = "anonymous"
    WRONG_STRUCTURE = "wrong_structure"
    """Main manager of another structure, who names this one."""
    STRANGER = "stranger"
    """The same person, who names the other structure and asks for what is this one's."""
    NO_HABILITATION = "no_habilitation"
    """User of the structure, with *modification* on every application but that of the row."""
    CONSULTATION = "consultation"
    """User of the structure, with *consultation* on every application."""
    MODIFICATION = "modification"
    """User of the structure, with *modification* on every application; no manager."""
    SECONDARY_MANAGER = "secondary_manager"
    MAIN_MANAGER = "main_manager"
    OPERATOR = "operator"
    """Operator of the platform, of no structure."""
    DESK = "desk"
    """Agent of the platform's desk, of no structure."""
    MACHINE = "machine"
    """Program of the structure, with every scope at *modification*."""
    MACHINE_WITHOUT = "machine_without"
    """The same program, whose token has every scope but those of the row's application."""
    EXPIRED = "expired"
    """The main manager, a second after the end of the token and of the clock skew."""
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_ISSUER = "wrong_issuer"
    ALG_NONE = "alg_none"
    REVOKED = "revoked"
    """Former user of the structure, with *modification* until the attachment was ended."""


BAD_TOKENS = frozenset(
    {
        CallerKind.EXPIRED,
        CallerKind.WRONG_AUDIENCE,
        CallerKind.WRONG_ISSUER,
        CallerKind.ALG_NONE,
    }
)
"""Callers whose token proves nothing, whatever the route."""
