"""JWKS cache: the public keys of an issuer, fetched again before they are old.

A key is called unknown only by a set that was fetched after the token came: so a rotation refuses
no token of a published key.
"""

import asyncio
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, RSAKey
from joserfc.jws import JWSRegistry

from shared.runtime.error_descriptions import describe_error
from shared.runtime.logs import get_logger
from shared.runtime.metrics import ISSUER_FETCHES
from shared.runtime.tokens.compact import parse_object
from shared.runtime.tokens.discovery import Discovery
from shared.runtime.tokens.faults import IssuerAwayError, TokenError, TokenFault
from shared.runtime.tokens.fetching import Fetcher, FetchError
from shared.runtime.tokens.issuers import Issuer

PublicKey = RSAKey | ECKey
_OK = 200
_EARLY = 0.8
"""Part of the time to live after which a set is fetched again, while it still serves."""
_KEYS_LIMIT = 64
"""Keys of a set that are read."""
_ABSENT_LIMIT = 1000
_WAITING_LIMIT = 200
"""Requests that wait for a newer set; others are told to retry."""
_SHORTEST_RSA = 2048
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """Public key of an issuer, by which it signs."""

    key: PublicKey
    id: str | None
    thumbprint: str


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """Times of a JWKS cache, in seconds."""

    stale_s: float
    """For so long known keys go on, when the issuer is away."""
    ttl_s: float = 300
    refetch_s: float = 5
    """Shortest interval of two fetches."""


@dataclass(slots=True)
class _KeySet:
    keys: tuple[PublishedKey, ...]
    asked_at: float
    """When the fetch began: the set is no older than this."""
    absent: set[str] = field(default_factory=set)
    """Ids of keys that tokens named before this set was fetched, and that are not in it."""


class IssuerKeys:
    """Public keys of one issuer. Concurrent requests share a fetch."""

    def __init__(
        self,
        issuer: Issuer,
        discovery: Discovery,
        fetcher: Fetcher,
        times: KeyTimes,
        monotonic: Callable[[], float],
    ) -> None:
        """Begin without keys: they are fetched when the first are asked for."""
        self._issuer = issuer
        self._discovery = discovery
        self._fetcher = fetcher
        self._times = times
        self._monotonic = monotonic
        self._set: _KeySet | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._began_at = -float("inf")
        self._failure: str | None = None
        self._waiting = 0

    async def find_signer(
        self, key_id: str | None, algorithm: str, is_signer: Callable[[PublicKey], bool]
    ) -> PublishedKey:
        """Find the key that signed a token. Raises TokenError, IssuerAwayError."""
        known = await self._read()
        named = _select(known, key_id, algorithm)
        # Without an id, the key may be newer than the set: it is fetched again before a refusal.
        if not named or key_id is None:
            signer = next((each for each in named if is_signer(each.key)), None)
            if signer is not None:
                return signer
            if key_id is not None and key_id in known.absent:
                raise TokenError(TokenFault.KEY_UNKNOWN, "no such key at the last fetch")
            named = _select(await self._fetch_newer(key_id, algorithm), key_id, algorithm)
            if not named:
                raise TokenError(TokenFault.KEY_UNKNOWN, "the issuer publishes no such key")
        signer = next((each for each in named if is_signer(each.key)), None)
        if signer is None:
            raise TokenError(TokenFault.SIGNATURE, "not signed by this key of the issuer")
        return signer

    async def holds(self, thumbprint: str) -> bool:
        """Tell whether the issuer still publishes a key. Raises IssuerAwayError."""
        return any(each.thumbprint == thumbprint for each in (await self._read()).keys)

    async def close(self) -> None:
        """Stop a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _read(self) -> _KeySet:
        """Read the current set; fetch it when there is none, or it is old."""
        age_s = self._compute_age()
        if age_s >= self._times.ttl_s * _EARLY:
            fetching = self._start_fetch()
            # While the issuer fails, nobody waits for it as long as known keys go on.
            can_go_on = age_s < self._times.ttl_s or (
                self._failure is not None and age_s <= self._times.stale_s
            )
            if fetching is not None and not can_go_on:
                await asyncio.shield(fetching)
        known = self._set
        if known is None or self._compute_age() > self._times.stale_s:
            raise self._build_away()
        return known

    async def _fetch_newer(self, key_id: str | None, algorithm: str) -> _KeySet:
        """Fetch a set that is newer than this call, or the first one that has the key.

        Two fetches are `refetch_s` apart, so this may wait for so long: somebody else's token of an
        unknown key must not refuse one whose key was published since.
        """
        if self._waiting >= _WAITING_LIMIT:
            raise self._build_away("too many requests wait for its keys")
        came_at = self._monotonic()
        self._waiting += 1
        try:
            while True:
                fetching = self._start_fetch()
                if fetching is None:
                    if self._failure is not None:
                        raise self._build_away()
                    await asyncio.sleep(self._began_at + self._times.refetch_s - self._monotonic())
                    continue
                await asyncio.shield(fetching)
                known = self._set
                if self._failure is not None or known is None:
                    raise self._build_away()
                if known.asked_at >= came_at:
                    if key_id is not None and not _select(known, key_id, algorithm):
                        _remember(known.absent, key_id)
                    return known
                if key_id is not None and _select(known, key_id, algorithm):
                    return known
        finally:
            self._waiting -= 1

    def _start_fetch(self) -> asyncio.Task[None] | None:
        """Start a fetch, or join the one under way; None when the last one is too recent."""
        if self._fetching is None:
            if self._monotonic() - self._began_at < self._times.refetch_s:
                return None
            self._began_at = self._monotonic()
            self._fetching = asyncio.create_task(self._fetch(), name="keys of an issuer")
        return self._fetching

    async def _fetch(self) -> None:
        try:
            await self._fetch_set()
        except FetchError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - known keys go on, whatever an issuer answers
            self._fail(describe_error(error))
        finally:
            self._fetching = None

    async def _fetch_set(self) -> None:
        asked_at = self._monotonic()
        answer = await self._fetcher.fetch(await self._discovery.find_jwks_url())
        if answer.status != _OK:
            raise FetchError(f"keys: status {answer.status}")
        try:
            keys = tuple(_read_keys(parse_object(answer.text), self._issuer.url))
        except ValueError as error:
            raise FetchError(f"keys: {error}") from error
        self._set = _KeySet(keys, asked_at)
        self._failure = None
        ISSUER_FETCHES.labels(self._issuer.url, "keys", "done").inc()

    def _fail(self, reason: str) -> None:
        self._failure = reason
        self._discovery.forget()
        ISSUER_FETCHES.labels(self._issuer.url, "keys", "failed").inc()
        _log.warning("issuer.keys_not_fetched", issuer=self._issuer.url, reason=reason)

    def _compute_age(self) -> float:
        return float("inf") if self._set is None else self._monotonic() - self._set.asked_at

    def _build_away(self, reason: str | None = None) -> IssuerAwayError:
        said = reason or self._failure or "its keys are too old"
        return IssuerAwayError(self._issuer.url, said, max(1, round(self._times.refetch_s)))


def _select(known: _KeySet, key_id: str | None, algorithm: str) -> Sequence[PublishedKey]:
    """Select the keys that may verify: of this id, type, curve and declared algorithm.

    Without an id all that fit are tried; so are two keys of one id.
    """
    return [
        each
        for each in known.keys
        if key_id in (None, each.id) and JWSRegistry.filter_algorithms(each.key, [algorithm])
    ]


def _remember(absent: set[str], key_id: str) -> None:
    if len(absent) < _ABSENT_LIMIT:
        absent.add(key_id)


def _read_keys(document: dict[str, Any], issuer: str) -> Iterator[PublishedKey]:
    """Read the keys of a JWKS that can verify signatures; the others are left out, and logged."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise ValueError("no list of keys")  # noqa: TRY004 - one error for all that is malformed
    for data in listed[:_KEYS_LIMIT]:
        try:
            yield _read_key(data)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            reason = str(error) if isinstance(error, _UnusableKeyError) else type(error).__name__
            _log.info("issuer.key_left_out", issuer=issuer, reason=reason)


class _UnusableKeyError(ValueError):
    """A key of a set that verifies no signature, or not safely."""


def _read_key(data: dict[str, Any]) -> PublishedKey:
    if data.get("use", "sig") != "sig" or "verify" not in data.get("key_ops", ["verify"]):
        raise _UnusableKeyError("not for signatures")
    if "d" in data:
        raise _UnusableKeyError("its private part is published")
    with warnings.catch_warnings():
        # Of short keys, which are refused below.
        warnings.simplefilter("ignore", SecurityWarning)
        key = JWKRegistry.import_key(data)
    if not isinstance(key, RSAKey | ECKey):
        raise _UnusableKeyError("neither RSA nor EC")
    if isinstance(key, RSAKey) and key.raw_value.key_size < _SHORTEST_RSA:
        raise _UnusableKeyError(f"an RSA key below {_SHORTEST_RSA} bits")
    return PublishedKey(key, key.kid, key.thumbprint())
