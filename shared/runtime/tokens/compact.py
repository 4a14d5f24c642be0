"""Strict reader of the compact form of a JWT: header and claims, before anything is verified."""

import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from joserfc.util import urlsafe_b64decode

from shared.runtime.tokens.faults import TokenError, TokenFault

TOKEN_LIMIT = 8192
"""Length limit of a token, in characters."""
_HEADER_LIMIT = 2048
_PARTS = 3
_OPAQUE = re.compile(r"[A-Za-z0-9._~+/-]{16,}=*")
_TYPES = frozenset({"", "jwt", "at+jwt"})
"""Types of the header of an access token; a logout token or a proof of DPoP has another."""


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """Header and claims of a token that nothing has proven yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    algorithm: str
    key_id: str | None
    type: str


def is_compact(token: str) -> bool:
    """Tell whether a token has the three parts of a signed JWT."""
    return token.count(".") == _PARTS - 1


def is_opaque(token: str) -> bool:
    """Tell whether a token may be an opaque one: characters of a bearer token (RFC 6750, 2.1)."""
    return len(token) <= TOKEN_LIMIT and not is_compact(token) and bool(_OPAQUE.fullmatch(token))


def read_compact(token: str) -> UnverifiedToken:
    """Read a signed JWT without verifying it. Raises TokenError.

    Refused: a name twice in a JSON object, of which two readers may keep another value; a header
    `crit`, as no extension is known here; another type than that of an access token. Keys and
    addresses of keys in the header are ignored.
    """
    if len(token) > TOKEN_LIMIT:
        raise TokenError(TokenFault.MALFORMED, f"over {TOKEN_LIMIT} characters")
    if not token.isascii() or not is_compact(token):
        raise TokenError(TokenFault.MALFORMED, "not the three parts of a JWT")
    head, body, _ = token.split(".")
    if len(head) > _HEADER_LIMIT:
        raise TokenError(TokenFault.MALFORMED, f"a header over {_HEADER_LIMIT} characters")
    header = _read_part(head, "header")
    if "crit" in header:
        raise TokenError(TokenFault.MALFORMED, "the header has crit")
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise TokenError(TokenFault.ALGORITHM, "the header names no algorithm")
    if key_id is not None and not isinstance(key_id, str):
        raise TokenError(TokenFault.MALFORMED, "kid is no text")
    kind = _read_type(header)
    return UnverifiedToken(header, _read_part(body, "claims"), algorithm, key_id, kind)


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object whose names are unique. Raises ValueError for anything else."""
    try:
        parsed = json.loads(text, object_pairs_hook=_refuse_doubles, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(parsed, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one error for all that is malformed
    return parsed


def _read_type(header: dict[str, Any]) -> str:
    """Read the type of a token, in small letters and without `application/`."""
    stated = header.get("typ", "")
    if not isinstance(stated, str):
        raise TokenError(TokenFault.MALFORMED, "typ is no text")
    kind = stated.lower().removeprefix("application/")
    if kind not in _TYPES:
        raise TokenError(TokenFault.MALFORMED, "of another type than an access token")
    return kind


def _read_part(part: str, name: str) -> dict[str, Any]:
    try:
        return parse_object(urlsafe_b64decode(part.encode()).decode())
    except (ValueError, binascii.Error) as error:
        raise TokenError(TokenFault.MALFORMED, f"the {name} cannot be read") from error


def _refuse_doubles(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a name is there twice")
    return read


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
