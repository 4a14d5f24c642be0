"""Tables as files that a spreadsheet opens, written row by row."""

import asyncio
import csv
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.portal.application.ports import Cell, SheetFullError, Table
from services.portal.domain.verifier.verify import show_hidden, write_cell

_CHUNK_BYTES = 64 * 1024
_SHEET_ROWS = 1_048_576
_ROWS_AT_ONCE = 200
_NUMBER_FORMAT = "#,##0.00"
_DAY_FORMAT = "dd/mm/yyyy"
_CELL_LIMIT = 32_767
_INEXACT = 10**13
"""Limit of a number in a cell: a spreadsheet keeps fifteen digits, and would lose cents."""


class CsvSheet:
    """CSV for a French spreadsheet: UTF-8 with a byte order mark, semicolons, decimal commas.

    A further table follows the one before after a blank line, under its title.
    """

    async def write(self, tables: Sequence[Table]) -> AsyncIterator[bytes]:
        text = StringIO()
        text.write("\ufeff")
        lines = csv.writer(text, delimiter=";", lineterminator="\r\n")
        for rank, table in enumerate(tables):
            if rank:
                lines.writerows([(), (format_cell(table.title),)])
            async for row in table.rows:
                lines.writerow([format_cell(cell) for cell in row])
                if text.tell() >= _CHUNK_BYTES:
                    yield _take_bytes(text)
        yield _take_bytes(text)


class XlsxSheet:
    """Workbook (xlsx), a sheet a table, written whole to disk first, as its index comes last."""

    def __init__(self, max_rows: int = _SHEET_ROWS) -> None:
        """Set the limit of rows of a sheet."""
        self._max_rows = max_rows

    async def write(self, tables: Sequence[Table]) -> AsyncIterator[bytes]:
        """Write all the tables, then yield the file. Raises SheetFullError for too many rows."""
        with TemporaryDirectory(prefix="liste-") as folder:
            path = Path(folder) / "liste.xlsx"
            workbook = Workbook(str(path), {"constant_memory": True, "tmpdir": folder})
            formats = {
                Decimal: workbook.add_format({"num_format": _NUMBER_FORMAT}),
                date: workbook.add_format({"num_format": _DAY_FORMAT}),
            }
            for table in tables:
                await self._fill(workbook.add_worksheet(table.title), table, formats)
            await asyncio.to_thread(workbook.close)
            with path.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                    yield chunk

    async def _fill(self, sheet: Worksheet, table: Table, formats: dict[type, Format]) -> None:
        rank = 0
        async for row in table.rows:
            if rank == self._max_rows:
                raise SheetFullError
            for column, cell in enumerate(row):
                _put(sheet, rank, column, cell, formats)
            rank += 1
            if rank % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)  # lets other tasks run


def format_cell(cell: Cell) -> str:
    """Format a cell for a French spreadsheet, never as a formula."""
    match cell:
        case None:
            return ""
        case Decimal():
            return f"{cell:z.2f}".replace(".", ",")  # z: never "-0.00"
        case datetime():
            return cell.isoformat(timespec="seconds")
        case date():
            return f"{cell:%d/%m/%Y}"
        case int():
            return str(cell)
        case str():
            return write_cell(cell)


def _put(sheet: Worksheet, row: int, column: int, cell: Cell, formats: dict[type, Format]) -> None:
    match cell:
        case None:
            pass
        case Decimal() if abs(cell) >= _INEXACT:
            sheet.write_string(row, column, format_cell(cell))
        case Decimal():
            sheet.write_number(row, column, float(cell), formats[Decimal])
        case datetime():
            sheet.write_string(row, column, format_cell(cell))
        case date():
            sheet.write_datetime(row, column, cell, formats[date])
        case int():
            sheet.write_number(row, column, cell)
        case str():
            # The content of a text cell is never run as a formula.
            sheet.write_string(row, column, show_hidden(cell)[:_CELL_LIMIT])


def _take_bytes(text: StringIO) -> bytes:
    written = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return written
