"""Reader of a token request (RFC 6749): its form, and credentials by Basic or in the form."""

import base64
import binascii
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from services.organisation.machines.application.tokens import Credentials
from services.organisation.machines.domain.token_requests import TokenErrorCode, TokenRefusal

FORM = "application/x-www-form-urlencoded"
_GRANT = "client_credentials"
_FIELDS_MAX = 20
_LENGTH_MAX = 2000
"""Length limit of one value, in characters."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request: who asks, for which scopes."""

    credentials: Credentials
    scope: str | None


def read_token_request(
    content_type: str, body: bytes, authorizations: Sequence[str]
) -> TokenRequest | TokenRefusal:
    """Read a token request. Unknown parameters are ignored, as RFC 6749 asks (3.2)."""
    form = _read_form(content_type, body)
    if isinstance(form, TokenRefusal):
        return form
    grant = form.get("grant_type")
    if grant is None:
        return _refuse("Le champ grant_type est obligatoire.")
    if grant != _GRANT:
        return TokenRefusal(
            TokenErrorCode.UNSUPPORTED_GRANT_TYPE, f"Le seul grant_type possible est {_GRANT}."
        )
    credentials = _read_credentials(form, authorizations)
    if isinstance(credentials, TokenRefusal):
        return credentials
    return TokenRequest(credentials, form.get("scope"))


def _read_form(content_type: str, body: bytes) -> Mapping[str, str] | TokenRefusal:
    if content_type.partition(";")[0].strip().lower() != FORM:
        return _refuse(f"Le corps doit avoir le type {FORM}.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_FIELDS_MAX,
        )
    except ValueError:
        return _refuse("Le corps n'est pas fait de paires nom=valeur en UTF-8.")
    counts = Counter(name for name, _ in pairs)
    if any(times > 1 for times in counts.values()):
        return _refuse("Un champ est dans le corps deux fois.")
    if any(len(value) > _LENGTH_MAX for _, value in pairs):
        return _refuse(f"Un champ fait plus de {_LENGTH_MAX} signes.")
    # RFC 6749, 3.2: a parameter without a value is left out.
    return {name: value for name, value in pairs if value}


def _read_credentials(
    form: Mapping[str, str], authorizations: Sequence[str]
) -> Credentials | TokenRefusal:
    """Read the credentials, by one way only (RFC 6749, 2.3)."""
    if not authorizations:
        if "client_id" in form and "client_secret" in form:
            return Credentials(form["client_id"], form["client_secret"])
        return _refuse_client("client_id et client_secret sont attendus, par Basic ou en champs.")
    if len(authorizations) > 1 or "client_secret" in form:
        return _refuse("Le client s'authentifie par une seule voie : Basic, ou des champs.")
    basic = _read_basic(authorizations[0])
    if basic is None:
        return _refuse_client("Authorization n'est pas de la forme Basic.")
    if form.get("client_id", basic.client_id) != basic.client_id:
        return _refuse("client_id et Authorization nomment deux clients.")
    return basic


def _read_basic(header: str) -> Credentials | None:
    """Read the header `Authorization` of HTTP Basic; both parts are URL-encoded (2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
        client_id, colon, secret = text.partition(":")
        read = Credentials(
            unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
        )
    except (ValueError, binascii.Error):
        return None
    is_short = max(len(read.client_id), len(read.secret)) <= _LENGTH_MAX
    return read if colon and read.client_id and is_short else None


def _refuse(description: str) -> TokenRefusal:
    return TokenRefusal(TokenErrorCode.INVALID_REQUEST, description)


def _refuse_client(description: str) -> TokenRefusal:
    return TokenRefusal(TokenErrorCode.INVALID_CLIENT, description)
