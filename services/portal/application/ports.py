"""Ports of the use cases of portal."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from services.portal.domain.counts import Awaiting, Count
from services.portal.domain.criteria import Criteria, Place, Range
from services.portal.domain.piece import MarkedPiece, Piece
from shared.vocabulary.actors import Actor

Cell = str | int | Decimal | date | datetime | None
Row = Sequence[Cell]


class Pieces(Protocol):
    """Store of pieces; each method returns only what its viewer may see."""

    async def search(
        self, viewer: Actor, criteria: Criteria, after: Place | None, limit: int
    ) -> Sequence[Piece]:
        """List the pieces that meet the criteria, the latest deposit first."""

    async def list_changes(self, viewer: Actor, after: int, limit: int) -> Sequence[MarkedPiece]:
        """List the pieces after a mark, in the order of marks."""

    async def count_sent(self, viewer: Actor) -> Sequence[Count]:
        """Count the pieces that the viewer deposited, by the status that it sees."""

    async def count_received(self, viewer: Actor) -> Sequence[Count]:
        """Count the pieces that the viewer has received, by the status that it sees."""

    async def count_awaiting(self, viewer: Actor) -> Awaiting:
        """Count the pieces that await the viewer."""

    def list_sent(self, viewer: Actor, period: Range[date]) -> AsyncIterator[Sequence[Piece]]:
        """Yield the pieces that the viewer deposited in a period, the first deposit first."""

    def list_received(self, viewer: Actor, period: Range[date]) -> AsyncIterator[Sequence[Piece]]:
        """Yield the pieces deposited in a period that the viewer has received, likewise."""


class Structures(Protocol):
    """The projection of structures."""

    async def find_names(self, structures: Iterable[str]) -> Mapping[str, str]:
        """Find the names of these structures, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file, with its title."""

    title: str
    rows: AsyncIterator[Row]


class Sheet(Protocol):
    """File format of tables: CSV or workbook."""

    def write(self, tables: Sequence[Table]) -> AsyncIterator[bytes]:
        """Write tables to a file, and yield its bytes.

        Raises `SheetFullError` for a table of too many rows.
        """


class SheetFullError(Exception):
    """The table has more rows than its format allows."""
