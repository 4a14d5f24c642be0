"""Tokens for tests: keys, claims, right ones and those that are made by hand to be refused."""

import base64
import json
import time
import warnings
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from shared.runtime.tokens.fetching import build_http
from shared.runtime.tokens.issuers import Issuer
from shared.runtime.tokens.key_sets import KeyTimes
from shared.runtime.tokens.verifier import TokenVerifier

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
AUDIENCE = "aiguillage"
Claims = Mapping[str, Any]


@cache
def rsa_key(kid: str = "r1", size: int = 2048) -> RSAKey:
    """Give the RSA key of an id, made once."""
    with warnings.catch_warnings(category=SecurityWarning, action="ignore"):
        return RSAKey.generate_key(size, KeyParameters(kid=kid, use="sig"))


@cache
def ec_key(kid: str = "e1", curve: str = "P-256") -> ECKey:
    """Give the EC key of an id, made once."""
    return ECKey.generate_key(curve, KeyParameters(kid=kid, use="sig"))


def build_claims(issuer: str, **changes: object) -> dict[str, Any]:
    """Build the claims of a person's token; a change to None removes a claim."""
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "u-1",
        "iat": NOW_S,
        "exp": NOW_S + 300,
        "email": "jeanne.martin@mairie.example",
        "email_verified": True,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def sign(
    claims: Claims | bytes,
    key: RSAKey | ECKey | None = None,
    algorithm: str | None = None,
    **header: object,
) -> str:
    """Sign claims, or any bytes, by a key of the issuer."""
    key = key or rsa_key()
    algorithm = algorithm or ("RS256" if isinstance(key, RSAKey) else "ES256")
    whole: dict[str, Any] = {"alg": algorithm, "kid": key.kid, **header}
    whole = {name: value for name, value in whole.items() if value is not None}
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(whole, body, key, registry=registry)


def encode(part: object) -> str:
    """Encode a part of a token by hand: bytes as they are, anything else as JSON."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(slots=True)
class Times:
    """Clocks of a test."""

    now: datetime = NOW
    elapsed_s: float = 1000.0

    def clock(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.elapsed_s

    def pass_by(self, seconds: float) -> None:
        """Let both clocks go on."""
        self.now += timedelta(seconds=seconds)
        self.elapsed_s += seconds


class RealTimes(Times):
    """Clocks of a test that waits: caches age by the time that passes."""

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(slots=True)
class Checked:
    """Verifier of a test, with its clocks."""

    verifier: TokenVerifier
    times: Times = field(default_factory=Times)


@asynccontextmanager
async def run_verifier(
    issuers: Sequence[Issuer],
    times: Times | None = None,
    *,
    skew_s: int = 30,
    timeout_s: float = 3,
    stale_s: float = 3600,
    refetch_s: float = 0,
) -> AsyncIterator[Checked]:
    """Run a verifier of these issuers within the block."""
    times = times or Times()
    async with build_http() as http:
        verifier = TokenVerifier(
            issuers,
            http,
            times.clock,
            skew_s=skew_s,
            times=KeyTimes(stale_s, refetch_s=refetch_s),
            timeout_s=timeout_s,
            monotonic=times.monotonic,
        )
        try:
            yield Checked(verifier, times)
        finally:
            await verifier.close()
