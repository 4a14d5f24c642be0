"""Verifier of bearer tokens: who a token speaks for, or the fault for which it is refused."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import httpx
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError

from shared.rights.model import Identity
from shared.runtime.clock import Clock
from shared.runtime.metrics import TOKENS
from shared.runtime.tokens.claims import (
    Claims,
    build_identity,
    check_audience,
    check_purpose,
    check_times,
    read_time,
)
from shared.runtime.tokens.compact import (
    TOKEN_LIMIT,
    UnverifiedToken,
    is_compact,
    is_opaque,
    read_compact,
)
from shared.runtime.tokens.discovery import Discovery
from shared.runtime.tokens.faults import IssuerAwayError, TokenError, TokenFault
from shared.runtime.tokens.fetching import Fetcher, build_http
from shared.runtime.tokens.issuers import SIGNATURES, Issuer
from shared.runtime.tokens.key_sets import IssuerKeys, KeyTimes, PublicKey
from shared.runtime.tokens.userinfo import PlainUserinfo, Userinfo

FETCH_TIMEOUT_S = 3.0
"""Timeout of one question to an issuer, in seconds."""
_USERINFO_S = 60.0
"""For so long an answer of userinfo holds: the life of an access token of ProConnect."""
_KNOWN_LIMIT = 10_000
"""Verified tokens that are remembered."""


class _Registry(jws.JWSRegistry):
    # Some issuers put their certificate in the header.
    max_header_length = TOKEN_LIMIT


@dataclass(frozen=True, slots=True)
class _Source:
    """Trusted issuer, with what it is asked."""

    issuer: Issuer
    keys: IssuerKeys
    userinfo: Userinfo | None
    registry: jws.JWSRegistry


@dataclass(frozen=True, slots=True)
class _Known:
    """Result of a token that was checked: its identity, or the error of an opaque one."""

    source: _Source
    result: Identity | TokenFault
    thumbprint: str | None
    """Key that signed; the result falls with it."""
    until: datetime


class TokenVerifier:
    """Verifies bearer tokens of several issuers, each for those whom it may speak for."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        http: httpx.AsyncClient,
        clock: Clock,
        *,
        skew_s: int,
        times: KeyTimes,
        timeout_s: float = FETCH_TIMEOUT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Trust these issuers; none of them is asked before its first token.

        Args:
            issuers: those of `check_issuers`.
            http: client by which they are asked.
            clock: time by which tokens expire.
            skew_s: bounded clock skew, in seconds.
            times: times of the JWKS cache.
            timeout_s: timeout of one question to an issuer.
            monotonic: time by which caches age.
        """
        self._clock = clock
        self._skew_s = skew_s
        fetcher = Fetcher(http, timeout_s)
        self._sources: dict[str, _Source] = {}
        for issuer in issuers:
            discovery = Discovery(issuer, fetcher, monotonic)
            keys = IssuerKeys(issuer, discovery, fetcher, times, monotonic)
            userinfo = Userinfo(issuer, discovery, fetcher) if issuer.userinfo else None
            registry = _Registry(algorithms=issuer.algorithms, strict_check_header=False)
            self._sources[issuer.url] = _Source(issuer, keys, userinfo, registry)
        self._opaque = next((each for each in self._sources.values() if each.userinfo), None)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[_Known]] = {}

    async def verify(self, token: str) -> Identity:
        """Verify a bearer token. Raises TokenError, IssuerAwayError."""
        try:
            return await self._verify(token)
        except TokenError as error:
            TOKENS.labels(error.fault.value).inc()
            raise
        except IssuerAwayError:
            TOKENS.labels("away").inc()
            raise

    async def prepare(self) -> None:
        """Fetch the keys of all issuers; one that is away is asked again by its first token."""
        await asyncio.gather(
            *(each.keys.holds("") for each in self._sources.values()), return_exceptions=True
        )

    async def close(self) -> None:
        """Stop what is under way. The HTTP client is closed by who built it."""
        asking = list(self._asking.values())
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for source in self._sources.values():
            await source.keys.close()

    async def _verify(self, token: str) -> Identity:
        if len(token) > TOKEN_LIMIT or not token.isascii():
            raise TokenError(TokenFault.MALFORMED, "too long, or not ASCII")
        digest = hashlib.sha256(token.encode()).digest()
        known = await self._find_known(digest)
        outcome = "known"
        if known is None:
            known = await self._check(token, digest)
            outcome = "verified"
        if isinstance(known.result, TokenFault):
            raise TokenError(known.result, "its issuer does not take it")
        TOKENS.labels(outcome).inc()
        return known.result

    async def _find_known(self, digest: bytes) -> _Known | None:
        """Find a token that was verified before, and whose key is still published."""
        known = self._known.get(digest)
        if known is None:
            return None
        if known.until > self._clock() and (
            known.thumbprint is None or await known.source.keys.holds(known.thumbprint)
        ):
            if digest in self._known:
                self._known.move_to_end(digest)
            return known
        self._known.pop(digest, None)
        return None

    async def _check(self, token: str, digest: bytes) -> _Known:
        if is_compact(token):
            unverified = read_compact(token)
            source = self._find_source(unverified)
            if source.userinfo is None:
                known = await self._check_signed(token, unverified, source)
                self._remember(digest, known)
                return known
        elif is_opaque(token) and self._opaque is not None:
            source = self._opaque
        else:
            raise TokenError(TokenFault.MALFORMED, "neither a JWT nor a token of an issuer")
        return await self._ask_once(token, digest, source)

    def _find_source(self, unverified: UnverifiedToken) -> _Source:
        """Find the issuer that a token names, whose pinned algorithms it must be signed by."""
        # First, so that `none` has its own fault whoever it claims to come from.
        if unverified.algorithm not in SIGNATURES:
            raise TokenError(TokenFault.ALGORITHM, "signed by no key of an issuer")
        stated = unverified.claims.get("iss")
        source = self._sources.get(stated) if isinstance(stated, str) else None
        if source is None:
            raise TokenError(TokenFault.ISSUER, "its issuer is not trusted")
        return source

    async def _check_signed(
        self, token: str, unverified: UnverifiedToken, source: _Source
    ) -> _Known:
        thumbprint = await self._check_signature(token, unverified, source)
        claims, issuer = unverified.claims, source.issuer
        if issuer.token_type is not None and unverified.type != issuer.token_type:
            raise TokenError(TokenFault.MALFORMED, f"typ is not {issuer.token_type}")
        check_purpose(claims)
        check_audience(claims, issuer)
        expires_at = read_time(claims, "exp")
        if expires_at is None:
            raise TokenError(TokenFault.MALFORMED, "exp is missing, or no time")
        check_times(claims, self._clock(), self._skew_s)
        identity = build_identity(claims, issuer, expires_at)
        return _Known(source, identity, thumbprint, self._compute_end(expires_at))

    async def _check_signature(
        self, token: str, unverified: UnverifiedToken, source: _Source
    ) -> str:
        """Check the signature of a token. Returns the thumbprint of its key."""
        if unverified.algorithm not in source.issuer.algorithms:
            raise TokenError(TokenFault.ALGORITHM, "not an algorithm of its issuer")
        is_signer = partial(_is_signer, token, source.registry)
        found = await source.keys.find_signer(unverified.key_id, unverified.algorithm, is_signer)
        return found.thumbprint

    async def _ask_once(self, token: str, digest: bytes, source: _Source) -> _Known:
        """Ask for the userinfo of a token; requests with the same token share the question."""
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.create_task(self._ask(token, digest, source), name="userinfo")
            self._asking[digest] = asking
            asking.add_done_callback(partial(self._end_asking, digest))
        return await asyncio.shield(asking)

    def _end_asking(self, digest: bytes, asking: asyncio.Task[_Known]) -> None:
        del self._asking[digest]
        # Retrieved, or asyncio reports the error of a question that nobody waits for any more.
        with suppress(asyncio.CancelledError):
            asking.exception()

    async def _ask(self, token: str, digest: bytes, source: _Source) -> _Known:
        """Ask for the userinfo of a token; what comes of it holds for a minute at most."""
        asked_at = self._clock()
        result: Identity | TokenFault
        thumbprint = None
        until = asked_at + timedelta(seconds=_USERINFO_S)
        try:
            claims, thumbprint = await self._fetch_claims(token, source)
            expires_at = read_time(claims, "exp") or until
            until = min(until, expires_at)
            result = build_identity(claims, source.issuer, until)
        except TokenError as error:
            result = error.fault
        known = _Known(source, result, thumbprint, until)
        self._remember(digest, known)
        return known

    async def _fetch_claims(self, token: str, source: _Source) -> tuple[Claims, str | None]:
        """Fetch the userinfo of a token, checked, and the thumbprint of the key that signed it."""
        if source.userinfo is None:
            raise TokenError(TokenFault.MALFORMED, "its issuer has no userinfo")
        answer = await source.userinfo.ask(token)
        thumbprint = None
        if isinstance(answer, PlainUserinfo):
            claims: Claims = answer.claims
            is_of_issuer = claims.get("iss", source.issuer.url) == source.issuer.url
        else:
            unverified = read_compact(answer.token)
            thumbprint = await self._check_signature(answer.token, unverified, source)
            claims = unverified.claims
            is_of_issuer = claims.get("iss") == source.issuer.url
        if not is_of_issuer:
            raise TokenError(TokenFault.ISSUER, "userinfo of another issuer")
        check_audience(claims, source.issuer)
        check_times(claims, self._clock(), self._skew_s)
        return claims, thumbprint

    def _compute_end(self, expires_at: datetime) -> datetime:
        """Compute when a token is no longer accepted."""
        try:
            return expires_at + timedelta(seconds=self._skew_s)
        except OverflowError:
            return expires_at

    def _remember(self, digest: bytes, known: _Known) -> None:
        self._known[digest] = known
        if len(self._known) > _KNOWN_LIMIT:
            self._known.popitem(last=False)


@asynccontextmanager
async def open_verifier(
    issuers: Sequence[Issuer], clock: Clock, *, skew_s: int, stale_s: float
) -> AsyncIterator[TokenVerifier]:
    """Open a verifier with an HTTP client of its own, and fetch the keys that can be had."""
    async with build_http() as http:
        verifier = TokenVerifier(issuers, http, clock, skew_s=skew_s, times=KeyTimes(stale_s))
        await verifier.prepare()
        try:
            yield verifier
        finally:
            await verifier.close()


def _is_signer(token: str, registry: jws.JWSRegistry, key: PublicKey) -> bool:
    try:
        jws.deserialize_compact(token, key, registry=registry)
    except BadSignatureError:
        return False
    except (JoseError, ValueError) as error:
        raise TokenError(TokenFault.MALFORMED, "the signature cannot be read") from error
    return True
