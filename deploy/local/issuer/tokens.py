"""Access tokens of the development issuer: their claims and their signature."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local.issuer.keys import ALGORITHM
from shared.runtime.clock import Clock

AUDIENCE = "aiguillage"
LIFE_S = 3600
"""Life of a token, in seconds."""


def build_claims(issuer: str, email: str, clock: Clock, **claims: object) -> dict[str, Any]:
    """Build the claims of a person's token; a claim that is None is left out."""
    now = int(clock().timestamp())
    usual = {
        "iss": issuer,
        "sub": sha256(email.encode()).hexdigest(),
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + LIFE_S,
        "email": email,
        "email_verified": True,
    }
    return {name: value for name, value in (usual | claims).items() if value is not None}


def sign_claims(claims: Mapping[str, Any], key: ECKey) -> str:
    """Sign claims with a private key: a JWT."""
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}, dict(claims), key)
