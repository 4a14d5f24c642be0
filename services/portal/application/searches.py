"""Use cases: a page of pieces, and the dashboard of a structure in its role."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.portal.application.ports import Pieces, Structures
from services.portal.domain.counts import Awaiting, Count
from services.portal.domain.criteria import Criteria, Place
from services.portal.domain.piece import Piece
from shared.vocabulary.actors import Actor


@dataclass(frozen=True, slots=True)
class Page:
    """Some pieces, and where the next page begins: nowhere when these are the last."""

    pieces: Sequence[Piece]
    names: Mapping[str, str]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """How a structure's pieces stand."""

    counts: Sequence[Count]
    awaiting: Awaiting


class Searches:
    """What may be asked about pieces."""

    def __init__(self, pieces: Pieces, structures: Structures) -> None:
        """Take the ports."""
        self._pieces = pieces
        self._structures = structures

    async def page(
        self, viewer: Actor, criteria: Criteria, after: Place | None, limit: int
    ) -> Page:
        """Give the pieces beyond a place."""
        found = await self._pieces.search(viewer, criteria, after, limit + 1)
        pieces = found[:limit]
        is_last = len(found) <= limit
        return Page(
            pieces=pieces,
            names=await self._structures.find_names(structures_of(pieces)),
            next=None if is_last else Place(pieces[-1].deposited_at, pieces[-1].id),
        )

    async def dashboard(self, viewer: Actor) -> Dashboard:
        """Count the viewer's pieces."""
        counts = await self._pieces.count(viewer)
        return Dashboard(counts, await self._pieces.count_awaiting(viewer))


def structures_of(pieces: Iterable[Piece]) -> frozenset[str]:
    """Name every structure that takes part."""
    return frozenset(
        structure
        for piece in pieces
        for structure in (
            piece.depositor.structure,
            *(party.structure for party in piece.parties.values()),
        )
    )
