"""HTTP client of deposit, portal and notification, with the tokens of parties."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx

from services.routing.application.copy_verification import PeerFaultError
from shared.contracts.public_paths import build_public_path
from shared.runtime.web.caller import build_choice_headers
from shared.vocabulary.actors import Actor

_TIMEOUT = httpx.Timeout(60, connect=3)
_PAGE = "100"
_SHOWN = 200
_REFUSED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


class PeerAwayError(Exception):
    """A service does not answer, or no token may act for a party: its copy could not be read."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs of the services that hold copies of dossiers."""

    deposit: str
    portal: str
    notification: str


class HttpPeers:
    """HTTP client of the services that hold copies of a dossier."""

    def __init__(
        self, addresses: Addresses, http: httpx.AsyncClient, tokens: Sequence[str]
    ) -> None:
        """Use these base URLs, and for each party the first token that may act for it."""
        self._at = addresses
        self._http = http
        self._tokens = tuple(tokens)
        self._of_party: dict[Actor, str] = {}

    async def fetch_piece(self, piece_id: str, by: Actor) -> Mapping[str, Any] | None:
        return await self._fetch_json(
            self._at.deposit + build_public_path("deposit", "pieces", piece_id), by
        )

    async def fetch_file(self, url: str, by: Actor) -> str:
        digest = sha256()
        async with self._get(self._at.deposit + url, by) as answer:
            if answer.status_code != httpx.codes.OK:
                raise PeerFaultError(await _read_reason(answer))
            async for chunk in answer.aiter_bytes():
                digest.update(chunk)
        return digest.hexdigest()

    async def fetch_listed(self, dossier_id: str, by: Actor) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        after: str | None = ""
        while after is not None:
            asked = {"dossier": dossier_id, "limit": _PAGE, **({"after": after} if after else {})}
            url = self._at.portal + build_public_path("portal", "pieces")
            page = await self._fetch_json(url, by, asked) or {"pieces": []}
            found += page["pieces"]
            after = page.get("next")
        return found

    async def fetch_statuses(
        self, dossier_id: str, by: Actor
    ) -> Sequence[Mapping[str, Any]] | None:
        path = build_public_path("notification", "dossiers", dossier_id, "statuses")
        found = await self._fetch_json(self._at.notification + path, by)
        return None if found is None else list(found["statuses"])

    async def _fetch_json(
        self, url: str, by: Actor, asked: Mapping[str, str] | None = None
    ) -> Mapping[str, Any] | None:
        async with self._get(url, by, asked) as answer:
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            if answer.status_code != httpx.codes.OK:
                raise PeerFaultError(await _read_reason(answer))
            read: Mapping[str, Any] = json.loads(await answer.aread())
            return read

    @asynccontextmanager
    async def _get(
        self, url: str, by: Actor, asked: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        known = self._of_party.get(by)
        refusal = "no token"
        for token in [known] if known else self._tokens:
            headers = {"Authorization": f"Bearer {token}", **build_choice_headers(by)}
            try:
                async with self._http.stream("GET", url, params=asked, headers=headers) as answer:
                    if answer.status_code not in _REFUSED:
                        self._of_party[by] = token
                        yield answer
                        return
                    refusal = await _read_reason(answer)
            except (httpx.HTTPError, ValueError) as error:
                raise PeerAwayError(f"{url}: {error!r}") from error
        raise PeerAwayError(f"{url}, as {by.role}: {refusal}")


@asynccontextmanager
async def open_http_peers(addresses: Addresses, tokens: Sequence[str]) -> AsyncIterator[HttpPeers]:
    """Open an HTTP client for these services, which ignores proxies of the environment."""
    async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as http:
        yield HttpPeers(addresses, http, tokens)


async def _read_reason(answer: httpx.Response) -> str:
    """Read the reason in problem details (RFC 9457)."""
    text = (await answer.aread()).decode(errors="replace")
    try:
        said = json.loads(text)
        return f"{answer.status_code} {said['code']} {said['detail']}"[:_SHOWN]
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {text}"[:_SHOWN]
