"""Claims of a token: checks them, and builds the identity that they state."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc.errors import ExpiredTokenError, InvalidClaimError
from joserfc.jwt import JWTClaimsRegistry

from shared.rights.model import Identity, PrincipalKind
from shared.runtime.tokens.faults import TokenError, TokenFault
from shared.runtime.tokens.issuers import Issuer
from shared.vocabulary.siret import is_siret
from shared.vocabulary.texts import is_showable, make_one_line, normalise_nfc

Claims = Mapping[str, Any]
_SUBJECT_LIMIT = 255
"""Length limit of the claim `sub` (OpenID Connect Core, 2)."""
_OF_ID_TOKENS = frozenset({"at_hash", "c_hash", "nonce"})
"""Claims of ID tokens (OpenID Connect Core, 2 and 3.1.3.6)."""
_ACCESS = "Bearer"
_OTHER_PURPOSES = ("ID", "Refresh", "Offline", "Logout")
"""Claim `typ` of Keycloak: access tokens, which had a `nonce` before version 25, and others."""
_EMAIL_LIMIT = 254
_NAME_LIMIT = 200


def check_purpose(claims: Claims) -> None:
    """Check that a token is an access token, where it says so. Raises TokenError.

    An ID token has the same issuer, and the same audience where the client is the platform: it
    proves a person to a client, and any page may hold it.
    """
    purpose = claims.get("typ")
    is_id_token = not _OF_ID_TOKENS.isdisjoint(claims) and purpose != _ACCESS
    if is_id_token or purpose in _OTHER_PURPOSES:
        raise TokenError(TokenFault.MALFORMED, "not an access token")


def check_audience(claims: Claims, issuer: Issuer) -> None:
    """Check that a token is meant for this platform. Raises TokenError."""
    registry = JWTClaimsRegistry(aud={"essential": True, "value": issuer.audience})
    try:
        registry.validate_aud(claims.get("aud"))
    except InvalidClaimError as error:
        raise TokenError(TokenFault.AUDIENCE, "aud does not name this platform") from error


def check_times(claims: Claims, now: datetime, skew_s: int) -> None:
    """Check `exp`, `nbf` and `iat`, where present, with a bounded clock skew. Raises TokenError."""
    # Rounded down, a token is not refused before its time; the registry counts in whole seconds.
    registry = JWTClaimsRegistry(int(now.timestamp()), skew_s)
    try:
        if "exp" in claims:
            registry.validate_exp(claims["exp"])
    except ExpiredTokenError as error:
        raise TokenError(TokenFault.EXPIRED, "exp has passed") from error
    except InvalidClaimError as error:
        raise TokenError(TokenFault.MALFORMED, "exp is no time") from error
    for name, validate in (("nbf", registry.validate_nbf), ("iat", registry.validate_iat)):
        if name not in claims:
            continue
        if read_time(claims, name) is None:
            raise TokenError(TokenFault.MALFORMED, f"{name} is no time")
        try:
            validate(claims[name])
        except InvalidClaimError as error:
            raise TokenError(TokenFault.NOT_YET, f"{name} is in the future") from error


def read_time(claims: Claims, name: str) -> datetime | None:
    """Read a time in seconds since 1970; None when it is missing, or no such number."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def build_identity(claims: Claims, issuer: Issuer, expires_at: datetime) -> Identity:
    """Build the identity that verified claims state. Raises TokenError."""
    subject = _read_text(claims, "sub", _SUBJECT_LIMIT)
    if not subject:
        raise TokenError(TokenFault.MALFORMED, "sub is missing or odd")
    client = _read_text(claims, "client_id", _SUBJECT_LIMIT)
    # RFC 9068, 2.2: the subject of client credentials is the client.
    is_machine = issuer.machines and client == subject
    acr = _read_text(claims, "acr", _NAME_LIMIT)
    if not is_machine and issuer.acr_values and acr not in issuer.acr_values:
        raise TokenError(TokenFault.ACR, "acr is not one of those accepted")
    siret = claims.get("siret")
    return Identity(
        issuer=issuer.url,
        subject=subject,
        kind=PrincipalKind.MACHINE if is_machine else PrincipalKind.USER,
        expires_at=expires_at,
        issued_at=read_time(claims, "iat"),
        email=None if is_machine else _read_email(claims, issuer),
        client=client or _read_text(claims, "azp", _SUBJECT_LIMIT) or None,
        name=_read_name(claims),
        siret=siret if issuer.proves_siret and isinstance(siret, str) and is_siret(siret) else None,
        acr=acr or None,
        scopes=frozenset(_read_scopes(claims)),
        kinds=issuer.kinds,
        may_operate=issuer.operators,
    )


def _read_email(claims: Claims, issuer: Issuer) -> str:
    """Read the e-mail of a person, which its issuer must have verified."""
    email = _read_text(claims, issuer.email_claim, _EMAIL_LIMIT).strip()
    local, _, domain = email.rpartition("@")
    if not local or not domain or any(each.isspace() for each in email):
        raise TokenError(TokenFault.EMAIL, "no e-mail, or it is odd")
    # What a person may type at its issuer is another person's address until it is verified.
    verified = claims.get("email_verified", issuer.userinfo)
    if verified is not True and not issuer.trusts_unverified_email:
        raise TokenError(TokenFault.EMAIL, "the e-mail is not verified")
    return email


def _read_name(claims: Claims) -> str:
    """Read the name of a person: ProConnect gives `given_name` and `usual_name`."""
    whole = _read_text(claims, "name", _NAME_LIMIT)
    if not whole:
        family = ("usual_name", "family_name")
        parts = [_read_text(claims, "given_name", _NAME_LIMIT)]
        parts += [text for each in family if (text := _read_text(claims, each, _NAME_LIMIT))][:1]
        whole = " ".join(filter(None, parts))
    return make_one_line(normalise_nfc(whole))[:_NAME_LIMIT].strip()


def _read_scopes(claims: Claims) -> Iterable[str]:
    stated = claims.get("scope", "")
    return stated.split() if isinstance(stated, str) else ()


def _read_text(claims: Claims, name: str, limit: int) -> str:
    """Read a text of one line; empty when it is missing, too long, or cannot be shown."""
    value = claims.get(name)
    if not isinstance(value, str) or len(value) > limit or not is_showable(value):
        return ""
    return value
