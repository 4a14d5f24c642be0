"""Userinfo of an issuer whose access tokens are opaque, such as ProConnect.

Its answer says whose the token is. A signed one also says for which client it was given: `aud` is
checked, or a token that a person gave to another application would open this platform.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from shared.runtime.metrics import ISSUER_FETCHES
from shared.runtime.tokens.compact import parse_object
from shared.runtime.tokens.discovery import Discovery
from shared.runtime.tokens.faults import IssuerAwayError, TokenError, TokenFault
from shared.runtime.tokens.fetching import Answer, Fetcher, FetchError
from shared.runtime.tokens.issuers import Issuer

_OK = 200
_REFUSED = frozenset({400, 401, 403})
_ASKED_AT_ONCE = 20
"""Requests to the issuer at a time: strangers may send any number of invented tokens."""
_WAITING_LIMIT = 500
_RETRY_S = 5


@dataclass(frozen=True, slots=True)
class SignedUserinfo:
    """Userinfo as a signed JWT, to be verified."""

    token: str


@dataclass(frozen=True, slots=True)
class PlainUserinfo:
    """Userinfo as JSON, which only its address vouches for."""

    claims: dict[str, Any]


class Userinfo:
    """Asks the userinfo endpoint of an issuer."""

    def __init__(self, issuer: Issuer, discovery: Discovery, fetcher: Fetcher) -> None:
        """Prepare to ask; nothing is asked yet."""
        self._issuer = issuer
        self._discovery = discovery
        self._fetcher = fetcher
        self._turns = asyncio.Semaphore(_ASKED_AT_ONCE)
        self._waiting = 0

    async def ask(self, token: str) -> SignedUserinfo | PlainUserinfo:
        """Ask whose an access token is. Raises TokenError, IssuerAwayError."""
        if self._waiting >= _WAITING_LIMIT:
            raise self._build_away("too many requests wait for it")
        self._waiting += 1
        try:
            async with self._turns:
                url = await self._discovery.find_userinfo_url()
                answer = await self._fetcher.fetch(url, {"Authorization": f"Bearer {token}"})
                return self._read(answer)
        except FetchError as error:
            self._discovery.forget()
            self._count("failed")
            raise self._build_away(str(error)) from error
        finally:
            self._waiting -= 1

    def _read(self, answer: Answer) -> SignedUserinfo | PlainUserinfo:
        if answer.status in _REFUSED:
            self._count("refused")
            raise TokenError(TokenFault.EXPIRED, "its issuer does not take it")
        if answer.status != _OK:
            raise FetchError(f"userinfo: status {answer.status}")
        if answer.type == "application/jwt":
            self._count("done")
            return SignedUserinfo(answer.text.strip())
        if answer.type != "application/json":
            raise FetchError("userinfo: neither a JWT nor JSON")
        try:
            claims = parse_object(answer.text)
        except ValueError as error:
            raise FetchError(f"userinfo: {error}") from error
        self._count("done")
        return PlainUserinfo(claims)

    def _count(self, outcome: str) -> None:
        ISSUER_FETCHES.labels(self._issuer.url, "userinfo", outcome).inc()

    def _build_away(self, reason: str) -> IssuerAwayError:
        return IssuerAwayError(self._issuer.url, reason, _RETRY_S)
