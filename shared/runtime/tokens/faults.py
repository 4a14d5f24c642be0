"""Faults of tokens, and the error of an issuer that does not answer."""

from enum import StrEnum

from shared.runtime.errors import TransientError


class TokenFault(StrEnum):
    """Why a token is refused."""

    MALFORMED = "malformed"
    """Neither a JWT nor what an issuer of opaque tokens gives; or a claim is missing or odd."""
    ALGORITHM = "algorithm"
    """Signed by an algorithm that is not pinned for the issuer, such as `none` or HS256."""
    SIGNATURE = "signature"
    KEY_UNKNOWN = "key_unknown"
    """The issuer does not publish the key of this token, or has removed it."""
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    """Expired; of an opaque token: its issuer no longer takes it, or never gave it."""
    NOT_YET = "not_yet"
    EMAIL = "email"
    """The issuer states no e-mail, or has not verified it."""
    ACR = "acr"
    """The way of signing in is weaker than what the issuer must ask for."""


class TokenError(Exception):
    """A token that is refused."""

    def __init__(self, fault: TokenFault, reason: str) -> None:
        """Name the fault; `reason` is for logs, and quotes nothing of the token."""
        super().__init__(f"{fault}: {reason}")
        self.fault = fault
        self.reason = reason


class IssuerAwayError(TransientError):
    """The issuer does not answer, or answers wrongly, and what is known of it is too old."""

    def __init__(self, issuer: str, reason: str, retry_after_s: int) -> None:
        """Name the issuer, and when a retry may help."""
        super().__init__(f"{issuer}: {reason}")
        self.issuer = issuer
        self.retry_after_s = retry_after_s
