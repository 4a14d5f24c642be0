"""Use cases: read the statuses of a dossier or of a piece, and follow them live."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.notification.statuses.domain.entry import Entry, filter_visible
from shared.contracts.routing_v1 import StatusChanged
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role


class Scope(StrEnum):
    """Scope of a history: a dossier or a piece."""

    DOSSIER = "dossier"
    PIECE = "piece"


@dataclass(frozen=True, slots=True)
class Subject:
    """Subject of a history: one dossier or one piece."""

    scope: Scope
    id: str


@dataclass(frozen=True, slots=True)
class MarkedEntry:
    """A status with its mark: its place in what the viewers of its dossier read forward."""

    mark: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Page:
    """Statuses after a mark, and the mark from which to go on."""

    entries: tuple[MarkedEntry, ...]
    mark: int
    has_more: bool


class Statuses(Protocol):
    """Store of every status of every piece, kept for ever.

    `verify` of routing expects each status of a dossier, and whose a piece is is known by them.
    """

    async def find_last(self, subject: Subject) -> Entry | None:
        """Find the latest status in the dossier of a subject, whichever piece took it; or None."""

    async def list_since(self, subject: Subject, after: int) -> Sequence[Entry]:
        """List the statuses of a subject after a rank, oldest first."""

    async def list_marked(self, viewer: Actor, after: int, limit: int) -> Sequence[MarkedEntry]:
        """List the statuses that a viewer may see, after a mark and in the order of marks."""


class Notifier(Protocol):
    """Wakes those who follow a dossier when it has a new status."""

    is_closed: bool
    """Whether the service stops, so that every follower ends."""

    def subscribe(self, *keys: str) -> AbstractContextManager[asyncio.Event]:
        """Yield an asyncio event that is set at each new status of a dossier."""


class History:
    """History of statuses, as the parties of a dossier may see it."""

    def __init__(self, statuses: Statuses, notifier: Notifier, heartbeat_s: float) -> None:
        """Use these ports, and this heartbeat interval of a stream."""
        self._statuses = statuses
        self._notifier = notifier
        self._heartbeat_s = heartbeat_s

    async def read(self, viewer: Actor, subject: Subject) -> tuple[Entry, ...] | None:
        """List the statuses, oldest first; None when the viewer is no party of the dossier."""
        if await self._find_dossier(viewer, subject) is None:
            return None
        return filter_visible(await self._statuses.list_since(subject, 0), viewer.role)

    async def read_forward(self, viewer: Actor, after: int, limit: int) -> Page:
        """Read what a viewer may see after a mark, at most `limit` statuses.

        Nothing appears later at or below the mark of the page. A hidden status does not move it,
        as that would reveal its moment.
        """
        found = await self._statuses.list_marked(viewer, after, limit + 1)
        entries = tuple(found[:limit])
        return Page(entries, entries[-1].mark if entries else after, len(found) > limit)

    async def follow(
        self, viewer: Actor, subject: Subject, after: int
    ) -> AsyncIterator[Entry | None]:
        """Yield the statuses after a rank, then each new one when it comes.

        Yields None as a heartbeat after a silent interval. A status that is hidden from the viewer
        does not delay the heartbeat, as that would reveal its moment. Ends when the viewer is no
        party any more, and when the service stops.
        """
        dossier_id = await self._find_dossier(viewer, subject)
        if dossier_id is None:
            return
        with self._notifier.subscribe(dossier_id) as news:
            deadline = self._compute_deadline()
            while True:
                # The event is cleared before the read: a status in between sets it again.
                news.clear()
                if self._notifier.is_closed or not await self._find_dossier(viewer, subject):
                    return
                entries = await self._statuses.list_since(subject, after)
                for entry in filter_visible(entries, viewer.role):
                    yield entry
                    deadline = self._compute_deadline()
                after = entries[-1].sequence if entries else after
                if not await _wait_until(news, deadline):
                    yield None
                    deadline = self._compute_deadline()

    def _compute_deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._heartbeat_s

    async def _find_dossier(self, viewer: Actor, subject: Subject) -> str | None:
        last = await self._statuses.find_last(subject)
        return last.dossier_id if last and last.has_party(viewer) else None


async def _wait_until(news: asyncio.Event, deadline: float) -> bool:
    """Wait for `news` until a deadline of the loop's clock; False once it has passed."""
    if deadline <= asyncio.get_running_loop().time():
        return False
    try:
        async with asyncio.timeout_at(deadline):
            return await news.wait()
    except TimeoutError:
        return False


def build_entry(sequence: int, published: StatusChanged) -> Entry:
    """Convert the payload of a status event to an entry of the history."""
    parties = {name: party for name, party in published.parties if party is not None}
    return Entry(
        sequence=sequence,
        dossier_id=published.dossier_id,
        piece_id=published.piece_id,
        cadre=published.cadre,
        number=published.number,
        status=published.status,
        at=published.at,
        parties=frozenset(
            Actor(Role(name), party.structure, party.service) for name, party in parties.items()
        ),
        by=Actor(published.by.role, published.by.structure) if published.by else None,
        motive=published.motive,
        comment=published.comment,
        payment_not_reported=published.payment_not_reported,
        marche=published.marche,
    )
