"""Workbooks (XLSX) that hold the form of a sheet."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from services.organisation.sheets.domain.form import LINES_LIMIT, MARCHE, FormTable

_WIDTH = 28
"""Width of a column, in characters."""


def write_workbook(tables: Sequence[FormTable]) -> bytes:
    """Write the form: every cell is a text or a date, and none a formula."""
    file = BytesIO()
    workbook = Workbook(file, {"in_memory": True})
    # A text stays one when somebody types a SIRET into it.
    text = workbook.add_format({"num_format": "@"})
    day = workbook.add_format({"num_format": "dd/mm/yyyy"})
    heading = workbook.add_format({"num_format": "@", "bold": True})
    for table in tables:
        sheet = workbook.add_worksheet(table.title)
        sheet.set_column(0, len(table.rows[0]) - 1, _WIDTH, text)
        for rank, row in enumerate(table.rows):
            for column, cell in enumerate(row):
                is_heading = column == 0 if table.title == MARCHE else rank == 0
                if isinstance(cell, date):
                    sheet.write_datetime(rank, column, cell, day)
                elif cell is not None:
                    sheet.write_string(rank, column, str(cell), heading if is_heading else text)
        for rank in sorted(table.choices.keys() | table.hints.keys()):
            _guide(sheet, table, rank)
    workbook.close()
    return file.getvalue()


def _guide(sheet: Worksheet, table: FormTable, rank: int) -> None:
    """Offer choices and show a hint in a column, or in the second cell of a line of Marché."""
    guide: dict[str, object] = {"validate": "any"}
    if rank in table.choices:
        guide = {"validate": "list", "source": list(table.choices[rank])}
    if rank in table.hints:
        guide["input_message"] = table.hints[rank]
    if table.title == MARCHE:
        sheet.data_validation(rank, 1, rank, 1, guide)
    else:
        sheet.data_validation(1, rank, LINES_LIMIT - 1, rank, guide)
