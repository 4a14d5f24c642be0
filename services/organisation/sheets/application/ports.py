"""Ports of sheets: their store, one transaction over it, and spreadsheets."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from services.organisation.audit.application.ports import AuditedChange
from services.organisation.sheets.domain.form import FormTable, Table
from services.organisation.sheets.domain.sheets import SheetVersion
from services.organisation.structures.domain.structure import Structure
from shared.vocabulary.rules import Violation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Summary:
    """A version of a sheet in a list."""

    id: str
    version: int
    number: str
    title: str
    is_active: bool
    at: datetime


class ReadersBusyError(Exception):
    """Too many workbooks wait to be read."""


class Workbooks(Protocol):
    """Workbooks (XLSX) that hold the form of a sheet."""

    async def write(self, tables: Sequence[FormTable]) -> bytes:
        """Write the form of a sheet."""

    async def read(self, content: bytes) -> Mapping[str, Table] | Violation:
        """Read the worksheets of a workbook by name, or the rule that it breaks.

        Raises ReadersBusyError when too many wait.
        """


class SheetChange(AuditedChange, Protocol):
    """One transaction over sheets: all that it does is committed together."""

    async def load(self, sheet: str) -> SheetVersion | None:
        """Read a sheet; None when there is none."""

    async def find_by_number(self, moa: str, number: str) -> SheetVersion | None:
        """Find the sheet of a marché, one that is withdrawn included."""

    async def save(self, sheet: SheetVersion) -> None:
        """Write the new version of a sheet, and keep it for good."""

    async def find_structures(self, structures: Collection[str]) -> Mapping[str, Structure]:
        """Find those of these structures that exist, by id."""


class Sheets(Protocol):
    """Store of sheets."""

    async def change(self, work: Callable[[SheetChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, sheet: str) -> SheetVersion | None:
        """Read a sheet."""

    async def find_version(self, sheet: str, version: int) -> SheetVersion | None:
        """Read a version of a sheet."""

    async def list_of(
        self, moa: str, number: str | None, after: str, limit: int
    ) -> Sequence[Summary]:
        """List the sheets of a structure by id, from the one after `after`."""

    async def list_versions(self, sheet: str, after: int, limit: int) -> Sequence[Summary]:
        """List the versions of a sheet, oldest first, from the one after `after`."""
