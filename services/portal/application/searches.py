"""Use cases of the search: a page of pieces, and the dashboard."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.portal.application.ports import Pieces, Structures
from services.portal.domain.counts import Awaiting, Count
from services.portal.domain.criteria import Criteria, Place
from services.portal.domain.piece import MarkedPiece, Piece
from shared.vocabulary.actors import Actor


@dataclass(frozen=True, slots=True)
class Page:
    """Page of a search: its pieces, and the cursor of the next page, None on the last."""

    pieces: Sequence[Piece]
    names: Mapping[str, str]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Pieces after a mark, each in its newest state, and the mark from which to go on."""

    pieces: Sequence[MarkedPiece]
    names: Mapping[str, str]
    mark: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Dashboard: counts of a structure's pieces."""

    sent: Sequence[Count]
    received: Sequence[Count]
    awaiting: Awaiting


class Searches:
    """Use cases of searches."""

    def __init__(self, pieces: Pieces, structures: Structures) -> None:
        """Use these ports."""
        self._pieces = pieces
        self._structures = structures

    async def search_page(
        self, viewer: Actor, criteria: Criteria, after: Place | None, limit: int
    ) -> Page:
        """Search the page of pieces after a cursor."""
        found = await self._pieces.search(viewer, criteria, after, limit + 1)
        pieces = found[:limit]
        is_last = len(found) <= limit
        return Page(
            pieces=pieces,
            names=await self._structures.find_names(list_structures(pieces)),
            next=None if is_last else Place(pieces[-1].deposited_at, pieces[-1].id),
        )

    async def read_changes(self, viewer: Actor, after: int, limit: int) -> Changes:
        """Read forward what a viewer may see after a mark, at most `limit` pieces.

        Nothing appears later at or below the mark of the answer. What is hidden from the viewer
        does not move it.
        """
        found = await self._pieces.list_changes(viewer, after, limit + 1)
        pieces = found[:limit]
        return Changes(
            pieces,
            await self._structures.find_names(list_structures(each.piece for each in pieces)),
            pieces[-1].mark if pieces else after,
            has_more=len(found) > limit,
        )

    async def count_pieces(self, viewer: Actor) -> Dashboard:
        """Count the pieces of the viewer, for the dashboard."""
        return Dashboard(
            await self._pieces.count_sent(viewer),
            await self._pieces.count_received(viewer),
            await self._pieces.count_awaiting(viewer),
        )


def list_structures(pieces: Iterable[Piece]) -> frozenset[str]:
    """List every structure that takes part in these pieces."""
    return frozenset(
        structure
        for piece in pieces
        for structure in (
            piece.depositor.structure,
            *(party.structure for party in piece.parties.values()),
        )
    )
