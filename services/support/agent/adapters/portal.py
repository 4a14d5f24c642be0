"""HTTP client of the portal, which tracks pieces with the token of the caller."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

import httpx
from pydantic import BaseModel, ValidationError

from services.support.agent.application.ports import TrackingUnavailableError
from services.support.agent.domain.piece_status import (
    SUPERSEDED,
    AwaitedActor,
    TrackedPiece,
    choose_latest,
)
from shared.contracts.public_paths import build_public_path
from shared.rights.model import Requester
from shared.runtime.error_descriptions import describe_error
from shared.runtime.web.caller import build_forwarded_headers
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

_TIMEOUT = httpx.Timeout(5, connect=2)
_NOTHING = (httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.FORBIDDEN)
"""The portal refuses a text that cannot be a number, and who may not look up pieces."""
_SHOWN = 3
_LATER_LIMIT = 20
"""Number of latest deposits of a dossier that are read, as some may have been rejected."""


class _Actor(BaseModel):
    role: Role
    name: str | None = None


class _Awaited(BaseModel):
    actors: list[_Actor]
    since: datetime | None = None
    due: datetime | None = None
    held: bool = False


class _Piece(BaseModel):
    piece_id: str
    dossier_id: str
    number: str
    cadre: str
    cadre_label: str
    status: Status
    status_label: str
    status_at: datetime | None = None
    awaited: _Awaited | None = None
    awaits_me: bool = False


class _Page(BaseModel):
    pieces: list[_Piece]


class PortalTracking:
    """Client of the portal's search of pieces."""

    def __init__(self, portal: str) -> None:
        """Take the base URL of the portal."""
        self._url = portal.rstrip("/") + build_public_path("portal", "pieces")

    async def find_pieces(self, by: Requester, number: str) -> Sequence[TrackedPiece]:
        """Find the pieces with a number, each with the latest piece of its dossier.

        The portal is asked with the token of the caller. Raises TrackingUnavailableError.
        """
        # `trust_env`: proxies of the environment are ignored.
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as http:
            found = await self._search(http, by, {"number": number, "limit": str(_SHOWN)})
            return [await self._add_latest(http, by, piece) for piece in found]

    async def _add_latest(
        self, http: httpx.AsyncClient, by: Requester, piece: _Piece
    ) -> TrackedPiece:
        if piece.status not in SUPERSEDED:
            return _to_tracked_piece(piece)
        # The portal lists the latest deposit first.
        asked = {"dossier": piece.dossier_id, "limit": str(_LATER_LIMIT)}
        last = await self._search(http, by, asked)
        later = takewhile(lambda each: each.piece_id != piece.piece_id, last)
        return replace(
            _to_tracked_piece(piece),
            latest=choose_latest([_to_tracked_piece(each) for each in later]),
        )

    async def _search(
        self, http: httpx.AsyncClient, by: Requester, asked: Mapping[str, str]
    ) -> Sequence[_Piece]:
        headers = build_forwarded_headers(by)
        try:
            answer = await http.get(self._url, params=asked, headers=headers)
        except httpx.HTTPError as error:
            raise TrackingUnavailableError(describe_error(error)) from error
        if answer.status_code in _NOTHING:
            return ()
        if answer.status_code != httpx.codes.OK:
            raise TrackingUnavailableError(f"{self._url}: {answer.status_code}")
        try:
            return _Page.model_validate_json(answer.content).pieces
        except ValidationError as error:
            raise TrackingUnavailableError(f"{self._url}: {describe_error(error)}") from error


def _to_tracked_piece(piece: _Piece) -> TrackedPiece:
    awaited = piece.awaited or _Awaited(actors=[])
    return TrackedPiece(
        number=piece.number,
        cadre=piece.cadre,
        label=piece.cadre_label,
        status=piece.status,
        status_label=piece.status_label,
        status_at=piece.status_at,
        awaited=tuple(AwaitedActor(each.role, each.name) for each in awaited.actors),
        since=awaited.since,
        due=awaited.due,
        held=awaited.held,
        awaits_me=piece.awaits_me,
    )
