"""Reader of INSEE's file of establishments: a CSV of any size, one line in memory at a time."""

import csv
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from services.organisation.structures.application.sirene_load import BadLine, Line
from services.organisation.structures.domain.establishment import (
    REQUIRED_COLUMNS,
    RowError,
    read_row,
)

_LINE_LIMIT = 64 * 1024
"""Size limit of a line, in bytes: those of INSEE have some 600."""
_DELIMITERS = (",", ";")


class SireneFileError(ValueError):
    """A file that has not the columns of INSEE's file of establishments."""


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """Read a file line by line. Raises SireneFileError when its first line has not the columns.

    Each line is parsed alone, so that a quote that is never closed damages one line.
    """
    numbered = _read_bounded(file)
    first = next(numbered, None)
    columns, delimiter = _read_columns(first[1] if first else b"")
    for number, line in numbered:
        if line is None:
            yield BadLine(number, f"longer than {_LINE_LIMIT} bytes")
        elif line.strip():
            yield _read_line(number, line, columns, delimiter)


def _read_columns(line: bytes | None) -> tuple[Sequence[str], str]:
    text = (line or b"").decode("utf-8-sig", errors="replace").strip()
    delimiter = max(_DELIMITERS, key=text.count)
    columns = next(csv.reader([text], delimiter=delimiter), [])
    if missing := [name for name in REQUIRED_COLUMNS if name not in columns]:
        raise SireneFileError(f"the first line has no column {', '.join(missing)}")
    return columns, delimiter


def _read_line(number: int, line: bytes, columns: Sequence[str], delimiter: str) -> Line:
    try:
        values = next(csv.reader([line.decode()], delimiter=delimiter, strict=True))
        if len(values) != len(columns):
            return BadLine(number, f"not {len(columns)} values, as the first line has")
        return read_row(dict(zip(columns, values, strict=True)))
    except UnicodeDecodeError:
        return BadLine(number, "no UTF-8")
    except csv.Error:
        return BadLine(number, "no CSV: a quote is not closed")
    except RowError as error:
        return BadLine(number, str(error))


def _read_bounded(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Read lines with their numbers; None for one over the limit, whose rest is skipped."""
    number = 0
    while line := file.readline(_LINE_LIMIT + 1):
        number += 1
        if len(line) <= _LINE_LIMIT:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(_LINE_LIMIT)
        yield number, None
