"""Webhooks: signed by Standard Webhooks, sent by one POST that is bounded in time and size."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self, cast

import httpcore
from standardwebhooks import Webhook

from services.notification.pushes.adapters.network import (
    AttemptError,
    ClosedError,
    JudgedNetwork,
    Resolve,
    Resolver,
)
from services.notification.pushes.domain.outcomes import Attempt, Outcome
from services.notification.pushes.domain.targets import (
    Target,
    TargetFault,
    TargetRules,
    read_target,
)
from shared.runtime.authorities import load_authorities

_GONE = 410
_BODY_LIMIT = 4 * 1024
_BODY_S = 1
"""Limits of the body that is read, in bytes and seconds: only to use its connection again."""
_IDLE_S = 60
"""Longest silence on a connection that is used again, in seconds."""
_IDLE_CONNECTIONS = 1000
"""Limit of connections that are kept open between two pushes; others are closed after one."""
_SWEEP_S = 1
"""Interval at which connections are closed that were idle for too long, in seconds."""
_Origin = tuple[str, str, int]
_CLOSED = (ClosedError, httpcore.NetworkError)


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """Message of a webhook: its body, and the headers that `sign` built."""

    headers: Mapping[str, str]
    body: bytes


def sign(secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Build the headers of Standard Webhooks: a signature by each secret, separated by spaces."""
    # The library takes the time for UTC, whatever zone it names.
    at = at.astimezone(UTC)
    text = body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(each).sign(message_id, at, text) for each in secrets),
    }


@dataclass(slots=True, eq=False)
class _Connection:
    """Connection to a target, since when it is open, and since when nothing is sent on it."""

    http: httpcore.AsyncHTTPConnection
    opened_at: float = field(default_factory=time.monotonic)
    idle_since: float = 0

    def is_old(self, now: float, life_s: float) -> bool:
        return now - self.opened_at > life_s or now - self.idle_since > _IDLE_S


class WebhookSender:
    """Sends webhooks over HTTP/1.1: no redirects, no proxies, no cookies, nothing compressed.

    There is no limit of open connections: whoever sends limits the pushes in progress, and a sick
    target holds the connections of its own pushes alone.
    """

    def __init__(
        self,
        rules: TargetRules,
        timeout_s: float,
        user_agent: str = "Aiguillage/1",
        resolve: Resolve | None = None,
        life_s: float = 180,
    ) -> None:
        """Send to targets that these rules allow.

        Args:
            rules: rules of targets, by which each connection is judged too.
            timeout_s: timeout of a whole attempt.
            user_agent: how the sender names itself.
            resolve: another resolver of names than the machine's.
            life_s: life of a connection that is used again: its name may lead elsewhere by then.
        """
        self._rules = rules
        self._timeout_s = timeout_s
        self._user_agent = user_agent
        self._resolve = resolve
        self._resolver = Resolver()
        self._life_s = life_s
        self._idle: dict[_Origin, list[_Connection]] = {}
        """Connections that can be used again, the longest idle first."""
        self._swept_at = time.monotonic()
        self._is_closed = False

    async def close_at_end(self) -> None:
        """Close idle connections when this is cancelled, and from then on each after its push."""
        async with self:
            await asyncio.Event().wait()

    async def __aenter__(self) -> Self:
        """Return the sender."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections that are idle, and from now on each after its push."""
        self._is_closed = True
        for each in [each for here in self._idle.values() for each in here]:
            await each.http.aclose()
        self._idle.clear()

    async def send(self, url: str, message: SignedMessage, structure: str = "") -> Attempt:
        """Send a webhook once, for a structure, which has its share of the look-ups of names.

        Raises nothing for what a target or a network does.
        """
        started = time.monotonic()
        outcome, code = await self._try(url, message, structure)
        return Attempt(outcome, code, round((time.monotonic() - started) * 1000))

    async def _try(self, url: str, message: SignedMessage, structure: str) -> tuple[Outcome, str]:
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        target = read_target(url, self._rules)
        if isinstance(target, TargetFault):
            return Outcome.FAILED, target
        resolve = self._resolve or partial(self._resolver, structure=structure)
        network = JudgedNetwork(target, self._rules, resolve)
        try:
            return _judge_status(await self._post(target, message, network, deadline))
        except AttemptError as error:
            return Outcome.FAILED, error.code
        except TimeoutError:
            return Outcome.FAILED, "timeout"
        except httpcore.NetworkError:
            return Outcome.FAILED, ClosedError.CODE
        except httpcore.RemoteProtocolError:
            return Outcome.FAILED, "answer"

    async def _post(
        self, target: Target, message: SignedMessage, network: JudgedNetwork, deadline: float
    ) -> int:
        request = self._build_request(target, message)
        origin = (target.scheme, target.host, target.port)
        used = await self._take_idle(origin)
        if used is not None:
            # The other end may close it at any time: then a new one is tried at once.
            with suppress(*_CLOSED):
                return await self._exchange(used, origin, request, deadline)
        http = httpcore.AsyncHTTPConnection(
            request.url.origin,
            ssl_context=load_authorities(),
            network_backend=network,
        )
        return await self._exchange(_Connection(http), origin, request, deadline)

    def _build_request(self, target: Target, message: SignedMessage) -> httpcore.Request:
        host = f"[{target.host}]" if ":" in target.host else target.host
        headers: dict[str | bytes, str | bytes] = {
            "host": f"{host}:{target.port}",
            "user-agent": self._user_agent,
            "accept": "*/*",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "content-length": str(len(message.body)),
            **dict(message.headers.items()),
        }
        url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.path
        )
        return httpcore.Request("POST", url, headers=headers, content=message.body)

    async def _exchange(
        self,
        connection: _Connection,
        origin: _Origin,
        request: httpcore.Request,
        deadline: float,
    ) -> int:
        """Send a request; return the status of its answer, of which a short body is read."""
        try:
            async with asyncio.timeout_at(deadline):
                answer = await connection.http.handle_async_request(request)
            try:
                await _read_body(answer, deadline)
            finally:
                await answer.aclose()
            return answer.status
        finally:
            await self._keep_or_close(connection, origin)

    async def _keep_or_close(self, connection: _Connection, origin: _Origin) -> None:
        is_full = sum(map(len, self._idle.values())) >= _IDLE_CONNECTIONS
        if (
            self._is_closed
            or is_full
            or not connection.http.is_idle()
            or connection.http.is_closed()
        ):
            await connection.http.aclose()
            return
        connection.idle_since = time.monotonic()
        self._idle.setdefault(origin, []).append(connection)

    async def _take_idle(self, origin: _Origin) -> _Connection | None:
        """Take a connection that can be used again; close those that cannot."""
        now = time.monotonic()
        if now - self._swept_at > _SWEEP_S:
            self._swept_at = now
            await self._sweep(now)
        here = self._idle.get(origin, [])
        while here:
            found = here.pop()
            # It has expired when the other end has closed it.
            if not (found.is_old(now, self._life_s) or found.http.has_expired()):
                return found
            await found.http.aclose()
        return None

    async def _sweep(self, now: float) -> None:
        """Close the connections that are too old."""
        old = []
        for origin, here in list(self._idle.items()):
            old += [each for each in here if each.is_old(now, self._life_s)]
            here[:] = [each for each in here if not each.is_old(now, self._life_s)]
            if not here:
                del self._idle[origin]
        for each in old:
            await each.http.aclose()


async def _read_body(answer: httpcore.Response, deadline: float) -> None:
    """Read the body of an answer to its end if it is short and comes at once.

    What is wrong with it changes nothing: the status has been answered.
    """
    soon = min(deadline, asyncio.get_running_loop().time() + _BODY_S)
    with suppress(TimeoutError, AttemptError, httpcore.NetworkError, httpcore.ProtocolError):
        # It is a generator, which its type does not say: left open, a task would close it later.
        body = cast("AsyncGenerator[bytes, None]", answer.aiter_stream())
        read = 0
        async with asyncio.timeout_at(soon), aclosing(body) as chunks:
            async for chunk in chunks:
                read += len(chunk)
                if read > _BODY_LIMIT:
                    break


def _judge_status(status: int) -> tuple[Outcome, str]:
    match status // 100:
        case 2:
            return Outcome.DELIVERED, str(status)
        case 3:
            return Outcome.FAILED, "redirect"
        case _:
            return Outcome.GONE if status == _GONE else Outcome.FAILED, str(status)
