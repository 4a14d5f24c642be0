"""HTTP client of routing and deposit for an export, with the token of its caller."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.portal.application.exports import DamagedError, TooLargeError, UnavailableError
from services.portal.domain.export import Json
from shared.contracts.public_paths import build_public_path
from shared.rights.model import Requester
from shared.runtime.web.caller import build_forwarded_headers
from shared.vocabulary.sizes import MEGABYTE

_CHUNK = 256 * 1024
_JSON_LIMIT_MB = 50
_DAMAGED = "HTTP-FILE-01"
"""Code that a service answers for a file whose bytes have changed in its store."""
_TIMEOUT = httpx.Timeout(30, connect=3)


class HttpPeers:
    """HTTP client of routing and deposit, for one export."""

    def __init__(
        self, http: httpx.AsyncClient, deposit: str, routing: str, by: Requester, max_file_mb: int
    ) -> None:
        """Use these base URLs as the caller `by`; `max_file_mb` limits the size of a file."""
        self._http = http
        self._deposit = deposit.rstrip("/")
        self._routing = routing.rstrip("/")
        self._headers = build_forwarded_headers(by)
        self._max_file_bytes = max_file_mb * MEGABYTE

    async def fetch_dossier(self, dossier_id: str) -> Json | None:
        return await self._fetch_json(
            self._routing + build_public_path("routing", "dossiers", dossier_id)
        )

    async def fetch_trail(self, dossier_id: str) -> Sequence[Json] | None:
        path = build_public_path("routing", "dossiers", dossier_id, "audit")
        audit = await self._fetch_json(self._routing + path)
        return None if audit is None else audit["entries"]

    async def fetch_piece(self, piece_id: str) -> Json | None:
        return await self._fetch_json(
            self._deposit + build_public_path("deposit", "pieces", piece_id)
        )

    async def fetch_file(self, url: str) -> AsyncGenerator[bytes, None]:
        async with self._get(self._deposit + url) as answer:
            if answer.status_code != httpx.codes.OK:
                if await _read_code(answer) == _DAMAGED:
                    raise DamagedError(url)
                raise UnavailableError(f"{url}: {answer.status_code}")
            async for chunk in _read_bounded(answer, self._max_file_bytes):
                yield chunk

    async def _fetch_json(self, url: str) -> Mapping[str, Any] | None:
        async with self._get(url) as answer:
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            if answer.status_code != httpx.codes.OK:
                raise UnavailableError(f"{url}: {answer.status_code}")
            body = b"".join(
                [each async for each in _read_bounded(answer, _JSON_LIMIT_MB * MEGABYTE)]
            )
        try:
            read: Mapping[str, Any] = json.loads(body)
        except ValueError as error:
            raise UnavailableError(f"{url}: not JSON") from error
        return read

    @asynccontextmanager
    async def _get(self, url: str) -> AsyncIterator[httpx.Response]:
        try:
            async with self._http.stream("GET", url, headers=self._headers) as answer:
                yield answer
        except httpx.HTTPError as error:
            raise UnavailableError(f"{url}: {error!r}") from error


async def _read_code(answer: httpx.Response) -> str | None:
    """Read the code of problem details (RFC 9457)."""
    try:
        body = json.loads(b"".join([each async for each in _read_bounded(answer, MEGABYTE)]))
    except ValueError:
        return None
    return body.get("code") if isinstance(body, dict) else None


async def _read_bounded(answer: httpx.Response, limit: int) -> AsyncIterator[bytes]:
    taken = 0
    async for chunk in answer.aiter_bytes(_CHUNK):
        taken += len(chunk)
        if taken > limit:
            raise TooLargeError(str(answer.url))
        yield chunk


def open_client() -> httpx.AsyncClient:
    """Open an HTTP client for the peers, which ignores proxies of the environment."""
    return httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, follow_redirects=False)
