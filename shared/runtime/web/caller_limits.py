"""Rate limit: requests of one caller in a window, which the replicas of a service count together.

A caller is a person or a program, whichever structure it chooses, or the network address of an
anonymous request on a public route. A WebSocket or a live stream is one request. What access
control refuses is not counted, as nobody is known then, nor what this limit itself refuses.

No request waits for the store: each process counts in memory, and once a second writes what it
counted of the callers who were active, and reads what the other replicas did. So a caller may get
past its limit by what the other replicas let in during that second. While the store is away, each
process limits by what it knows.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_network
from typing import Protocol

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.rights.identity import compute_identity
from shared.rights.model import PrincipalKind, Requester
from shared.runtime.clock import Clock
from shared.runtime.errors import is_transient
from shared.runtime.metrics import REQUESTS_REFUSED, REQUESTS_UNCOUNTED
from shared.runtime.web.addresses import read_client
from shared.runtime.web.caller import find_requester
from shared.runtime.web.caller_counts import CallerCounts, Usage
from shared.runtime.web.paths import PathPrefixes
from shared.runtime.web.problems import Problem, respond

NAME = "requests"
"""Name of this limit in the answer of GET /limits, and in headers."""
SHARE_S = 1.0
"""Interval at which a process shares its counts."""
_SHARED_AT_ONCE = 5000
"""Callers shared at once, the most active: others matter little to a limit."""
_REFRESH_S = 1.0
"""Timeout of reading the store for GET /limits."""
_ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class CallerRules:
    """Limits of requests in a window, for a known caller and for an address; 0: no limit."""

    window_s: int
    known: int
    address: int
    proxies: Sequence[str] = ()
    """Proxies whose own address is nobody's."""


class SharedCounts(Protocol):
    """Store of the counts of all replicas."""

    async def exchange(self, window: int, own: Mapping[str, int]) -> Mapping[str, int]:
        """Write what this process counted of callers in a window; return what all others did."""

    async def read(self, window: int, caller: str) -> int:
        """Read what the other replicas counted of a caller."""

    async def delete_before(self, window: int) -> None:
        """Delete the counts of the windows before one."""


class CallerLimits:
    """Limit of requests of each caller of a service."""

    def __init__(
        self, rules: CallerRules, clock: Clock, shared: SharedCounts | None = None
    ) -> None:
        """Limit by these rules; without `shared`, this process alone counts."""
        self._rules = rules
        self._proxies = [ip_network(each) for each in rules.proxies]
        self._clock = clock
        self._shared = shared
        self._counts = CallerCounts(rules.window_s)
        self._kept_from = 0

    def take(self, scope: Scope) -> Usage | None:
        """Count a request of its caller; None where no limit applies."""
        requester = find_requester(scope)
        limit = self._rules.address if requester is None else self._rules.known
        caller = self._find_caller(scope, requester) if limit else None
        if caller is None:
            return None
        kind = _ADDRESS if requester is None else requester.kind.value
        usage = self._counts.take(caller, limit, self._now_s(), is_address=requester is None)
        if usage is None:
            REQUESTS_UNCOUNTED.inc()
        elif usage.is_over:
            REQUESTS_REFUSED.labels(kind).inc()
        return usage

    async def read(self, requester: Requester) -> Usage | None:
        """Read what a caller has used, by all replicas; None where no limit applies."""
        if not self._rules.known:
            return None
        caller = _name_requester(requester)
        if self._shared is not None:
            await self._refresh(self._shared, caller)
        return self._counts.read(caller, self._rules.known, self._now_s())

    async def share(self) -> None:
        """Share what this process counted since the last time, and read what the others did."""
        if self._shared is None:
            return
        now_s = self._now_s()
        window = self._counts.find_window(now_s)
        if own := self._counts.list_changed(now_s, _SHARED_AT_ONCE):
            others = await self._shared.exchange(window, own)
            self._counts.note_shared(window, own, others)
        if window != self._kept_from:
            # The window before is kept: the clock of another replica may be behind.
            await self._shared.delete_before(window - self._rules.window_s)
            self._kept_from = window

    async def _refresh(self, shared: SharedCounts, caller: str) -> None:
        window = self._counts.find_window(self._now_s())
        try:
            async with asyncio.timeout(_REFRESH_S):
                others = await shared.read(window, caller)
        except Exception as error:
            if not is_transient(error):
                raise
        else:
            self._counts.note_others(window, caller, others)

    def _find_caller(self, scope: Scope, requester: Requester | None) -> str | None:
        if requester is not None:
            return _name_requester(requester)
        address = read_client(HTTPConnection(scope), self._proxies)
        # Only the count is needed, so the store gets no address.
        return sha256(address.encode()).hexdigest() if address else None

    def _now_s(self) -> float:
        return self._clock().timestamp()


def _name_requester(requester: Requester) -> str:
    """Name a caller by its principal, or by its identity while it is not registered."""
    if requester.user is not None:
        return requester.user
    named = requester.client if requester.kind is PrincipalKind.MACHINE else requester.email
    return compute_identity(requester.kind, named or "")


class CallerLimitMiddleware:
    """Rate limit of a caller: answers 429 with Retry-After once it has used up its window."""

    def __init__(self, app: ASGIApp, *, limits: CallerLimits, exempt: PathPrefixes) -> None:
        """Wrap `app`, within access control; the paths of `exempt` are not counted."""
        self._app = app
        self._limits = limits
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429."""
        is_counted = scope["type"] != "lifespan" and not self._exempt.match(scope["path"])
        usage = self._limits.take(scope) if is_counted else None
        if usage is None or not usage.is_over:
            await self._app(scope, receive, send)
            return
        await respond(build_too_many(usage))(scope, receive, send)


def build_too_many(usage: Usage) -> Problem:
    """Build the 429 problem of a caller over its limit."""
    return Problem(
        429,
        "HTTP-LIMITE-01",
        f"Trop de demandes : {usage.limit} au plus en {usage.window_s} s. Recommencer dans "
        f"{usage.left_s} s.",
        # The body is not read, so the connection cannot serve another request.
        headers={
            **build_limit_headers(usage),
            "Retry-After": str(usage.left_s),
            "Connection": "close",
        },
    )


def build_limit_headers(usage: Usage) -> dict[str, str]:
    """Build the headers of a limit, as draft-ietf-httpapi-ratelimit-headers-10 names them."""
    return {
        "RateLimit-Policy": f'"{NAME}";q={usage.limit};w={usage.window_s}',
        "RateLimit": f'"{NAME}";r={usage.remaining};t={usage.left_s}',
    }
