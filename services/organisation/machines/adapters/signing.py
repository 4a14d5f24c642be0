"""Signing keys of the platform's tokens: read from a setting, published as a JWKS (RFC 7517)."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, KeySet, RSAKey

_TYPE = "at+jwt"
"""Type of an access token (RFC 9068)."""
_RSA_BITS = 2048
"""Shortest RSA key that is accepted, in bits."""
_CURVE = "P-256"
SigningKey = RSAKey | ECKey


class SigningKeysError(ValueError):
    """Signing keys that cannot be used; the message quotes nothing of them."""


class SigningKeys:
    """Keys of one issuer: the first signs, all are published."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        """Use these keys, of which the first is private."""
        self._keys = keys

    @property
    def can_sign(self) -> bool:
        """Whether there is a key that signs."""
        return bool(self._keys)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign the claims of a token: a JWT, by RS256 or ES256."""
        key = self._keys[0]
        header = {"alg": _choose_algorithm(key), "kid": key.kid, "typ": _TYPE}
        return jwt.encode(header, dict(claims), key)

    def publish(self) -> dict[str, Any]:
        """Build the JWKS: the public halves of all keys."""
        keys = []
        for key, public in zip(
            self._keys, KeySet(list(self._keys)).as_dict(private=False)["keys"], strict=True
        ):
            keys.append({**public, "alg": _choose_algorithm(key), "use": "sig"})
        return {"keys": keys}


def parse_signing_keys(text: str) -> SigningKeys:
    """Parse the setting: a JSON list of JWKs, empty without machines. Raises SigningKeysError."""
    try:
        stated = json.loads(text)
    except (ValueError, RecursionError):
        raise SigningKeysError("that is no JSON: a list of private JWKs") from None
    if not isinstance(stated, list):
        raise SigningKeysError("that is no JSON list of private JWKs")
    keys = [_import_key(each, rank) for rank, each in enumerate(stated, start=1)]
    if keys and not keys[0].is_private:
        raise SigningKeysError("key 1 is public: the first signs, so it is a private one")
    names = Counter(key.kid for key in keys)
    if twice := sorted(str(name) for name, times in names.items() if times > 1):
        raise SigningKeysError(f"two keys have the kid {', '.join(twice)}")
    return SigningKeys(keys)


def _import_key(stated: object, rank: int) -> SigningKey:
    if not isinstance(stated, dict):
        raise SigningKeysError(f"key {rank} is no JWK, which is a JSON object")
    try:
        key = JWKRegistry.import_key(stated)
        key.ensure_kid()
    except (JoseError, ValueError, TypeError, KeyError):
        raise SigningKeysError(f"key {rank} is no JWK that can be read") from None
    if isinstance(key, RSAKey):
        bits = key.public_key.key_size
        if bits < _RSA_BITS:
            raise SigningKeysError(f"key {rank} has {bits} bits: RSA needs {_RSA_BITS} or more")
    elif not isinstance(key, ECKey) or key.curve_name != _CURVE:
        raise SigningKeysError(f"key {rank} is neither RSA nor {_CURVE}: RS256 or ES256 only")
    if stated.get("use", "sig") != "sig":
        raise SigningKeysError(f"key {rank} is not for signatures: its use is sig")
    algorithm = _choose_algorithm(key)
    if stated.get("alg", algorithm) != algorithm:
        raise SigningKeysError(f"key {rank} signs by {algorithm}, and states another alg")
    return key


def _choose_algorithm(key: SigningKey) -> str:
    return "RS256" if isinstance(key, RSAKey) else "ES256"
