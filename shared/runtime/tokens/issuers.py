"""Trusted issuers of tokens, as an operator configures them."""

from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shared.vocabulary.structures import StructureKind

SIGNATURES: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
)
"""Algorithms that may be pinned: signatures by a private key, which no verifier has."""


class Issuer(BaseModel):
    """Trusted issuer of tokens (OIDC provider), and for whom it may speak."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """Issuer identifier, exactly as in the claim `iss` of its tokens."""
    audience: str = Field(min_length=1)
    """Value that the claim `aud` must hold: this platform, as the issuer knows it."""
    algorithms: frozenset[str] = frozenset({"RS256", "ES256"})
    """Algorithms by which it may sign; `none` and those of shared secrets are refused."""
    kinds: frozenset[StructureKind] = frozenset(StructureKind)
    """Kinds of structures for which it may speak."""
    operators: bool = False
    """Whether it may sign in operators and agents of the platform's desk: the operator's own."""
    proves_siret: bool = False
    """Whether its claim `siret` proves whom a person works for, as ProConnect's does."""
    machines: bool = False
    """Whether it also gives tokens to machines: those whose `sub` is their `client_id`."""
    userinfo: bool = False
    """Whether its access tokens are opaque: each is shown to its userinfo endpoint (ProConnect)."""
    jwks_url: str | None = None
    """Address of its keys; by default what its discovery document says."""
    userinfo_url: str | None = None
    """Address of its userinfo; by default what its discovery document says."""
    email_claim: str = "email"
    trusts_unverified_email: bool = False
    """Accept an e-mail without `email_verified`: only where the issuer gives e-mails itself."""
    acr_values: frozenset[str] = frozenset()
    """Accepted values of the claim `acr` of people; empty: any, and none."""
    token_type: Literal["at+jwt"] | None = None
    """Value that the header `typ` must have; by default an access token need not say so."""

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        _check_address(value, allows_cluster=False)
        if "?" in value or "#" in value:
            raise ValueError(f"{value} has a query or a fragment: an issuer has none")
        return value

    @field_validator("jwks_url", "userinfo_url")
    @classmethod
    def _check_endpoint(cls, value: str | None) -> str | None:
        if value is not None:
            _check_address(value, allows_cluster=True)
        return value

    @field_validator("algorithms")
    @classmethod
    def _check_algorithms(cls, value: frozenset[str]) -> frozenset[str]:
        if not value:
            raise ValueError("algorithms is empty: pin those by which the issuer signs")
        if refused := sorted(value - SIGNATURES):
            allowed = ", ".join(sorted(SIGNATURES))
            raise ValueError(f"{', '.join(refused)} is refused; algorithms: {allowed}")
        return value

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, value: frozenset[StructureKind]) -> frozenset[StructureKind]:
        if not value:
            raise ValueError("kinds is empty: the issuer could speak for nobody")
        return value

    @model_validator(mode="after")
    def _check_userinfo(self) -> Self:
        if self.userinfo and self.machines:
            raise ValueError(f"{self.url}: userinfo is for people, machines have none")
        if self.userinfo_url is not None and not self.userinfo:
            raise ValueError(f"{self.url}: userinfo_url is set, and userinfo is not")
        return self


def check_issuers(issuers: Sequence[Issuer]) -> Sequence[Issuer]:
    """Return issuers that can be trusted together; raise ValueError when they cannot.

    An opaque token names no issuer, so one may give opaque tokens; the id of a client must be of
    one issuer, so one may give tokens to machines.
    """
    urls = Counter(each.url.rstrip("/") for each in issuers)
    if doubled := [url for url, count in urls.items() if count > 1]:
        raise ValueError(f"{', '.join(doubled)} is there twice")
    for name in ("userinfo", "machines"):
        found = [each.url for each in issuers if getattr(each, name)]
        if len(found) > 1:
            raise ValueError(f"{' and '.join(found)} both have {name}: one issuer may")
    return issuers


def is_secure_address(url: str, *, allows_cluster: bool = False) -> bool:
    """Tell whether an address is https, or http on loopback, where nobody is between.

    With `allows_cluster` a host without a dot is accepted too, as a cluster names its services.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_valid = parts.port != 0
    except ValueError:
        return False
    if not host or not is_valid or parts.username is not None or not url.isprintable():
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and (
        _is_loopback(host) or (allows_cluster and "." not in host and ":" not in host)
    )


def _check_address(url: str, *, allows_cluster: bool) -> None:
    if not is_secure_address(url, allows_cluster=allows_cluster):
        raise ValueError(f"{url} is refused: an address is https, or http on loopback")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
