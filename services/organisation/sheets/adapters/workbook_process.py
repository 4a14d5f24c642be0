"""Reader process of workbooks with limits of memory and CPU (`setrlimit`): it reads one XLSX file.

python -m services.organisation.sheets.adapters.workbook_process MEMORY_MB CPU_S <FILE

It writes no file. The file comes on standard input, the answer is JSON on standard output: the
cells of the worksheets, or the rule that the file breaks.
"""

import errno
import json
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import date, datetime
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import BadZipFile, ZipFile

from services.organisation.sheets.domain import rules
from services.organisation.sheets.domain.form import (
    COLUMNS_LIMIT,
    LINES_LIMIT,
    WORKSHEETS,
    name_cell,
    refuse_heading,
)
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE

_FIELD = "file"
_PARTS_LIMIT = 200
_UNPACKED_LIMIT = 100 * MEGABYTE
"""Limit of all parts once they are unpacked; a worksheet is read only to the last line allowed."""
_STRINGS_LIMIT = 10 * MEGABYTE
"""Limit of any part that is read whole, as the table of texts."""
_MACROS = ("vba", "xl/macrosheets/", "xl/activex/", "xl/embeddings/", "xl/ctrlprops/")
_SOURCES = ("xl/externallinks/", "xl/connections", "xl/querytables/")
_EXPAT_NO_MEMORY = 1
"""Code of the error of the XML parser that finds no memory."""
_LONGEST = 1000
"""Characters of a text that are passed on: no text of a sheet is as long."""


class _BrokenRuleError(Exception):
    """The file breaks a rule."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.code)
        self.violation = violation


def main() -> None:
    """Read the file on standard input, and answer on standard output."""
    memory_mb, cpu_s = map(int, sys.argv[1:])
    # The library loads numpy when it is installed, which takes memory and serves no purpose here.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # makes its import fail
    import openpyxl  # noqa: F401, PLC0415 - loaded before memory is limited

    with suppress(OSError):
        # When memory runs short, the kernel ends this process before the service.
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * MEGABYTE, memory_mb * MEGABYTE))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(json.dumps(_answer(sys.stdin.buffer.read())))


def _answer(content: bytes) -> dict[str, object]:
    try:
        _check_package(content)
        return {"tables": _read_tables(content)}
    except _BrokenRuleError as error:
        return {"violation": asdict(error.violation)}
    except RecursionError:
        return {"violation": asdict(rules.TOO_HEAVY.build_violation(_FIELD))}
    except Exception as error:  # noqa: BLE001 - the library raises any kind for a malformed file
        rule = rules.TOO_HEAVY if _is_out_of_memory(error) else rules.NOT_WORKBOOK
        return {"violation": asdict(rule.build_violation(_FIELD))}


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Tell whether memory was short: parsers and libraries say it each by an error of its own."""
    if error is None:
        return False
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, ET.ParseError) and error.code == _EXPAT_NO_MEMORY)
        or _is_out_of_memory(error.__cause__ or error.__context__)
    )


def _check_package(content: bytes) -> None:
    """Check the parts of the package before the library opens it."""
    try:
        package = ZipFile(BytesIO(content))
    except BadZipFile:
        raise _BrokenRuleError(rules.NOT_WORKBOOK.build_violation(_FIELD)) from None
    parts = package.infolist()
    names = [each.filename.lower() for each in parts]
    whole = [each.file_size for each in parts if "worksheets/sheet" not in each.filename.lower()]
    is_heavy = (
        len(parts) > _PARTS_LIMIT
        or sum(each.file_size for each in parts) > _UNPACKED_LIMIT
        or max(whole, default=0) > _STRINGS_LIMIT
    )
    if is_heavy:
        raise _BrokenRuleError(rules.TOO_HEAVY.build_violation(_FIELD))
    if "[content_types].xml" not in names or "xl/workbook.xml" not in names:
        raise _BrokenRuleError(rules.NOT_WORKBOOK.build_violation(_FIELD))
    types = package.read(parts[names.index("[content_types].xml")]).lower()
    if b"macroenabled" in types or any(mark in each for each in names for mark in _MACROS):
        raise _BrokenRuleError(rules.MACROS.build_violation(_FIELD))
    relations = [part for part in parts if part.filename.lower().endswith(".rels")]
    if any(each.startswith(_SOURCES) for each in names) or any(
        _leads_out(package.read(each)) for each in relations
    ):
        raise _BrokenRuleError(rules.EXTERNAL_LINK.build_violation(_FIELD))


def _leads_out(relations: bytes) -> bool:
    """Tell whether a part takes something from outside; a hyperlink takes nothing."""
    return any(
        each.get("TargetMode", "").lower() == "external"
        and not each.get("Type", "").endswith("/hyperlink")
        for each in ET.fromstring(relations)  # noqa: S314 - memory and CPU are limited
    )


def _read_tables(content: bytes) -> dict[str, list[list[object]]]:
    from openpyxl import load_workbook  # noqa: PLC0415 - as in `main`

    workbook = load_workbook(BytesIO(content), read_only=True, keep_links=False)
    # A worksheet of another name is named, and not read.
    return {
        name: [*_read_rows(workbook[name])] if name in WORKSHEETS else []
        for name in workbook.sheetnames
    }


def _read_rows(sheet: Any) -> Iterator[list[object]]:  # noqa: ANN401 - the library has no types
    rows = sheet.iter_rows(max_row=LINES_LIMIT + 1)
    for rank, row in enumerate(rows):
        if rank == LINES_LIMIT:
            rule = rules.TOO_MANY_LINES
            raise _BrokenRuleError(
                rule.build_violation(_FIELD, sheet=sheet.title, limit=LINES_LIMIT)
            )
        for column, cell in enumerate(row):
            if cell.data_type == "f":
                place = name_cell(sheet.title, rank, column)
                raise _BrokenRuleError(rules.FORMULA.build_violation(_FIELD, cell=place))
            if column >= COLUMNS_LIMIT and cell.value is not None:
                value = str(_read_cell(cell.value))
                raise _BrokenRuleError(refuse_heading(sheet.title, rank, column, value))
        yield [_read_cell(cell.value) for cell in islice(row, COLUMNS_LIMIT)]


def _read_cell(value: object) -> object:
    """Read a cell as JSON: a day as a list of one text, a number as its digits."""
    match value:
        case None | bool():
            return value
        case datetime():
            return [value.date().isoformat()]
        case date():
            return [value.isoformat()]
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)[:_LONGEST]


if __name__ == "__main__":
    main()
