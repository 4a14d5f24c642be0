"""Ports of the use cases of portal."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from services.portal.domain.counts import Awaiting, Count
from services.portal.domain.criteria import Criteria, Place, Range
from services.portal.domain.piece import Piece
from shared.vocabulary.actors import Actor

Cell = str | int | Decimal | date | datetime | None
Row = Sequence[Cell]


class Pieces(Protocol):
    """Every piece of every dossier. Each question names who asks, and is answered for them."""

    async def search(
        self, viewer: Actor, criteria: Criteria, after: Place | None, limit: int
    ) -> Sequence[Piece]:
        """List what the viewer may see and asks for, the latest deposit first."""

    async def count(self, viewer: Actor) -> Sequence[Count]:
        """Count what the viewer may see, by the status that they see."""

    async def count_awaiting(self, viewer: Actor) -> Awaiting:
        """Count what awaits the viewer."""

    def list_sent(self, viewer: Actor, period: Range[date]) -> AsyncIterator[Sequence[Piece]]:
        """List what the viewer deposited in a period, the first deposit first, bit by bit."""


class Structures(Protocol):
    """The projection of structures."""

    async def find_names(self, structures: Iterable[str]) -> Mapping[str, str]:
        """Find the names of those that are known."""


class Sheet(Protocol):
    """A form in which a table is given out."""

    def write(self, rows: AsyncIterator[Row]) -> AsyncIterator[bytes]:
        """Write rows as they come. Raises `SheetFullError` when they are too many for the form."""


class SheetFullError(Exception):
    """The form of a table has no room for one more row."""
