"""Limits of request bodies: size, timeout, lowest rate, and quota of uploads in progress."""

import asyncio
from bisect import insort
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.metrics import BODIES_REFUSED, UPLOAD_BYTES
from shared.runtime.web.addresses import read_address
from shared.runtime.web.caller import read_structure
from shared.runtime.web.forms import MULTIPART
from shared.runtime.web.paths import PathPrefixes
from shared.runtime.web.problems import RETRY_AFTER_S, Problem, UnreadableError, respond
from shared.vocabulary.sizes import MEGABYTE

_KILOBYTE = 1024
_PLAIN_BYTES, _OPEN_PLAIN_BYTES = MEGABYTE, 128 * _KILOBYTE
"""Size limits of a body without files. The longest text, 10 000 characters, is 120 KB when each
is escaped in JSON."""
_LENGTH_DIGITS = 20
"""Digits of a Content-Length that are read: so many exceed any limit."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Timeouts and lowest rate of a body, and quotas of uploads in progress, in MB."""

    timeout_s: float
    timeout_open_s: float
    grace_s: float
    slowest_kb_s: float
    uploads_mb: int
    uploads_open_mb: int
    upload_wait_s: float


@dataclass(frozen=True, slots=True)
class BodyPaths:
    """Requests without authentication, and paths that take files with their size limit in MB."""

    is_open: Callable[[Scope], bool]
    """Tells whether a request needs no authentication."""
    uploads: Mapping[PathPrefixes, int]

    def find_form_limit(self, scope: Scope) -> int | None:
        """Return the size limit of a form with files; None for any other request."""
        # The content type is read as the framework reads it: what it parses as JSON is no form.
        content_type = Headers(scope=scope).get("content-type", "")
        if content_type.partition(";")[0].strip().lower() == MULTIPART:
            for prefixes, megabytes in self.uploads.items():
                if prefixes.match(scope["path"]):
                    return megabytes * MEGABYTE
        return None


class BodyLimit:
    """Size limit and timeout of a request body: answers 413, or 408 when it comes too slowly.

    A form with files may be large: it waits on disk. Any other body is small: it is parsed in
    memory, while other requests wait.
    """

    def __init__(self, app: ASGIApp, *, paths: BodyPaths, limits: BodyLimits) -> None:
        """Wrap `app`."""
        self._app = app
        self._paths = paths
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 413 or 408."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_open = self._paths.is_open(scope)
        limit = self._paths.find_form_limit(scope) or (
            _OPEN_PLAIN_BYTES if is_open else _PLAIN_BYTES
        )
        sentence = f"L'envoi dépasse {_format_size(limit)} : rien n'a été gardé."
        if _read_content_length(scope) > limit:
            await respond(Problem(413, "HTTP-413", sentence))(scope, receive, send)
            return
        body = _Body(receive, self._limits, _read_content_length(scope), is_open=is_open)

        async def receive_limited() -> Message:
            message = await body.receive()
            if body.taken > limit:
                # The only exception that FastAPI lets through while it reads a body.
                raise UnreadableError(413, sentence)
            return message

        await self._app(scope, receive_limited, send)


class _Body:
    """Body of one request, with its timeout; only time spent waiting for the client counts."""

    def __init__(self, receive: Receive, limits: BodyLimits, length: int, *, is_open: bool) -> None:
        self._receive = receive
        self._grace_s = limits.grace_s
        self._timeout_s = limits.timeout_open_s if is_open else limits.timeout_s
        # A body too slow to be complete in time is cut early, because it takes part of the quota.
        self._rate = max(limits.slowest_kb_s * _KILOBYTE, length / self._timeout_s)
        self._waited = 0.0
        self._is_whole = False
        self.taken = 0

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(self._compute_timeout()):
                message = await self._receive()
        except TimeoutError:
            BODIES_REFUSED.labels("slow").inc()
            sentence = "L'envoi arrive trop lentement, ou n'arrive plus : rien n'a été gardé."
            raise UnreadableError(408, sentence, {"Connection": "close"}) from None
        self._waited += clock() - began
        self.taken += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        return message

    def _compute_timeout(self) -> float:
        """Compute the timeout of the next chunk, from the body's timeout and its lowest rate."""
        grace, rate = self._grace_s, self._rate
        due = self.taken / rate if rate else self._timeout_s
        return min(grace, grace + due - self._waited, self._timeout_s - self._waited)


class UploadLimit:
    """Quota of uploads in progress: a form waits while it is used up, then gets 429 or 503.

    While it waits, its body is not read and `100 Continue` is not sent. The smallest is
    admitted first.
    """

    def __init__(self, app: ASGIApp, *, paths: BodyPaths, limits: BodyLimits) -> None:
        """Wrap `app`."""
        self._app = app
        self._paths = paths
        self._known = UploadQuota("known", limits.uploads_mb * MEGABYTE, limits.upload_wait_s)
        self._open = UploadQuota("open", limits.uploads_open_mb * MEGABYTE, limits.upload_wait_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429 or 503."""
        limit = self._paths.find_form_limit(scope) if scope["type"] == "http" else None
        if limit is None:
            await self._app(scope, receive, send)
            return
        is_open = self._paths.is_open(scope)
        quota = self._open if is_open else self._known
        connection = HTTPConnection(scope)
        holder = read_address(connection)
        if not is_open:
            # The authenticated structure, not the header, which may spell it in many ways.
            holder = read_structure(scope) or holder
        size = _read_content_length(scope) if "content-length" in connection.headers else limit
        try:
            async with quota.reserve(holder, size):
                await self._app(scope, receive, send)
        except _QuotaExceededError as error:
            await respond(error.problem)(scope, receive, send)


class _QuotaExceededError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@dataclass(order=True, slots=True)
class _Waiting:
    size: int
    rank: int
    holder: str = field(compare=False)
    admitted: asyncio.Future[None] = field(compare=False)


class UploadQuota:
    """Quota of bytes, of which each holder may reserve a quarter, or one upload."""

    def __init__(self, name: str, in_all: int, wait_s: float) -> None:
        """Start without any reservation."""
        self._in_all = in_all
        self._wait_s = wait_s
        self._reserved: Counter[str] = Counter()
        self._total = 0
        self._waiting: list[_Waiting] = []
        self._ranks = count()
        self._shown = UPLOAD_BYTES.labels(name)

    @asynccontextmanager
    async def reserve(self, holder: str, size: int) -> AsyncIterator[None]:
        """Reserve `size` bytes within the block. Raises _QuotaExceededError after the timeout."""
        if self._fits(holder, size):
            self._add(holder, size)
        else:
            await self._wait(holder, size)
        try:
            yield
        finally:
            self._add(holder, -size)
            self._admit_waiting()

    async def _wait(self, holder: str, size: int) -> None:
        admitted = asyncio.get_running_loop().create_future()
        waiting = _Waiting(size, next(self._ranks), holder, admitted)
        insort(self._waiting, waiting)
        try:
            async with asyncio.timeout(self._wait_s):
                await admitted
        except BaseException as error:
            if admitted.done() and not admitted.cancelled():
                self._add(holder, -size)
                self._admit_waiting()
            elif waiting in self._waiting:
                # Otherwise `_admit_waiting` has already removed it, as cancelled.
                self._waiting.remove(waiting)
            if isinstance(error, TimeoutError):
                raise self._refuse(holder, size) from None
            raise

    def _refuse(self, holder: str, size: int) -> _QuotaExceededError:
        is_own = not self._fits_share(holder, size)
        BODIES_REFUSED.labels("share" if is_own else "full").inc()
        status = 429 if is_own else 503
        whose = "de vos envois sont" if is_own else "d'envois sont"
        sentence = f"Trop {whose} en cours à la fois : rien n'a été lu de celui-ci."
        headers = {"Retry-After": str(RETRY_AFTER_S), "Connection": "close"}
        return _QuotaExceededError(Problem(status, f"HTTP-{status}", sentence, headers=headers))

    def _admit_waiting(self) -> None:
        for each in list(self._waiting):
            if each.admitted.cancelled():
                self._waiting.remove(each)
            elif self._fits(each.holder, each.size):
                self._waiting.remove(each)
                self._add(each.holder, each.size)
                each.admitted.set_result(None)

    def _fits(self, holder: str, size: int) -> bool:
        has_room = not self._total or self._total + size <= self._in_all
        return has_room and self._fits_share(holder, size)

    def _fits_share(self, holder: str, size: int) -> bool:
        taken = self._reserved[holder]
        return not taken or taken + size <= self._in_all // 4

    def _add(self, holder: str, size: int) -> None:
        self._total += size
        self._reserved[holder] += size
        if not self._reserved[holder]:
            del self._reserved[holder]
        self._shown.set(self._total)


def _read_content_length(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    # Python refuses to read a number of thousands of digits.
    return int(length[:_LENGTH_DIGITS]) if length.isdecimal() else 0


def _format_size(size: int) -> str:
    return f"{size // _KILOBYTE} Ko" if size < MEGABYTE else f"{size // MEGABYTE} Mo"
