"""Discovery document of an issuer: the addresses of its keys and of its userinfo."""

from collections.abc import Callable
from typing import Any

from shared.runtime.tokens.compact import parse_object
from shared.runtime.tokens.fetching import Fetcher, FetchError
from shared.runtime.tokens.issuers import Issuer, is_secure_address

_PATH = "/.well-known/openid-configuration"
_OK = 200
_KEPT_S = 3600.0
"""Time to live of a discovery document, in seconds."""


class Discovery:
    """Finds the addresses of an issuer: those that are configured, then those it publishes."""

    def __init__(self, issuer: Issuer, fetcher: Fetcher, monotonic: Callable[[], float]) -> None:
        """Begin without a document: it is fetched when an address is asked for."""
        self._issuer = issuer
        self._fetcher = fetcher
        self._monotonic = monotonic
        self._document: dict[str, Any] | None = None
        self._fetched_at = 0.0

    async def find_jwks_url(self) -> str:
        """Find the address of the issuer's keys. Raises FetchError."""
        return self._issuer.jwks_url or await self._find("jwks_uri")

    async def find_userinfo_url(self) -> str:
        """Find the address of the issuer's userinfo. Raises FetchError."""
        return self._issuer.userinfo_url or await self._find("userinfo_endpoint")

    def forget(self) -> None:
        """Forget the document: an address of it did not answer as it should."""
        self._document = None

    async def _find(self, name: str) -> str:
        document = self._document
        if document is None or self._monotonic() - self._fetched_at > _KEPT_S:
            self._document = document = await self._fetch()
            self._fetched_at = self._monotonic()
        address = document.get(name)
        # The rule of configured addresses: keys that come over http would be anybody's.
        if not isinstance(address, str) or not is_secure_address(address):
            raise FetchError(f"the discovery document has no secure {name}")
        return address

    async def _fetch(self) -> dict[str, Any]:
        answer = await self._fetcher.fetch(self._issuer.url.rstrip("/") + _PATH)
        if answer.status != _OK:
            raise FetchError(f"discovery: status {answer.status}")
        try:
            document = parse_object(answer.text)
        except ValueError as error:
            raise FetchError(f"discovery: {error}") from error
        # OpenID Connect Discovery 4.3: a document of another issuer must not be used.
        if document.get("issuer") != self._issuer.url:
            raise FetchError("discovery: the document is of another issuer")
        return document
