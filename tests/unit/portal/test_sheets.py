"""Tables as files: what a French spreadsheet reads, and what it must not run."""

import csv
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest

from services.portal.adapters.sheets import CsvSheet, XlsxSheet, format_cell
from services.portal.application.ports import Cell, Row, Sheet, SheetFullError, Table
from shared.vocabulary.sizes import MEGABYTE

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ROW: Row = ("été", 3, Decimal("-1234.5"), date(2026, 11, 24), None, "=1+1")
HOSTILE = ["=1+1", "+SUM(A1)", "-2+3", "@A1", "\t=1", "\r=1", "\n=1", "=", "-", "＝1", "-1,5,2"]
HIDDEN = ["\0", "\x07", "\x1b", "\x7f", "\x85", "\u200b", "\u202e", "\u2066", "\ufeff", "\ufffe"]
HARMLESS = [
    "l'année\n2026",
    "soft\xadhyphen",
    "👩\u200d🔧",
    "",
    "12",
    "-5,00",
    "+33",
    "-12.5",
    "SIT-1",
    "a=b",
    " =",
    "été",
]


async def given(rows: Sequence[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


async def written(sheet: Sheet, *rows: Row) -> bytes:
    return await written_tables(sheet, Table("Pièces", given(rows)))


async def written_tables(sheet: Sheet, *tables: Table) -> bytes:
    return b"".join([chunk async for chunk in sheet.write(tables)])


def parsed(body: bytes) -> list[list[str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(StringIO(body.decode("utf-8-sig"), newline=""), delimiter=";"))


def cells(body: bytes) -> list[ET.Element]:
    with ZipFile(BytesIO(body)) as archive:
        assert archive.testzip() is None
        sheet = archive.read("xl/worksheets/sheet1.xml")
    return list(ET.fromstring(sheet).iter(f"{_MAIN}c"))  # noqa: S314 - our own


async def test_a_csv_opens_as_it_is_in_a_french_spreadsheet() -> None:
    body = await written(CsvSheet(), ROW)

    assert parsed(body) == [["été", "3", "-1234,50", "24/11/2026", "", "'=1+1"]]
    assert body.endswith(b"\r\n")


async def test_a_further_table_of_a_csv_follows_a_blank_line_and_its_title() -> None:
    tables = [Table("Pièces", given([("a",)])), Table("=Reçues", given([("b",), ("c",)]))]

    assert parsed(await written_tables(CsvSheet(), *tables)) == [
        ["a"],
        [],
        ["'=Reçues"],
        ["b"],
        ["c"],
    ]


async def test_each_table_of_a_workbook_has_a_sheet_of_its_own() -> None:
    tables = [Table("Pièces", given([("a",)])), Table("Pièces reçues", given([("b",), ("c",)]))]

    with ZipFile(BytesIO(await written_tables(XlsxSheet(max_rows=2), *tables))) as archive:
        names = archive.read("xl/workbook.xml").decode()
        sheets = [
            "".join(ET.fromstring(archive.read(f"xl/worksheets/sheet{rank}.xml")).itertext())  # noqa: S314
            for rank in (1, 2)
        ]

    assert names.index('name="Pièces"') < names.index('name="Pièces reçues"')
    assert sheets == ["a", "bc"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_cell_of_a_csv_begins_as_a_formula_does(text: str) -> None:
    ((cell,),) = parsed(await written(CsvSheet(), (text,)))

    assert cell == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_a_number_or_plain_text_stays_as_it_is(text: str) -> None:
    assert format_cell(text) == text


@pytest.mark.parametrize("hidden", HIDDEN)
async def test_what_cannot_be_seen_is_shown_by_a_sign_in_every_table(hidden: str) -> None:
    (row,) = parsed(await written(CsvSheet(), (f"a{hidden}b", f"{hidden}=1+1")))
    (cell,) = cells(await written(XlsxSheet(), (f"a{hidden}b",)))

    assert row == ["a\ufffdb", "\ufffd=1+1"]
    assert "".join(cell.itertext()) == "a\ufffdb"


@pytest.mark.parametrize("text", [";", '"', "\n", 'a;"b"\r\nc'])
async def test_a_separator_in_a_cell_does_not_make_another_cell(text: str) -> None:
    assert parsed(await written(CsvSheet(), (f"a{text}", "b"))) == [[f"a{text}", "b"]]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Decimal(0), "0,00"),
        (Decimal("-0.00"), "0,00"),
        (Decimal("-0.01"), "-0,01"),
        (Decimal("99999999999999999.99"), "99999999999999999,99"),
        (datetime(2026, 11, 24, 9, 30), "2026-11-24T09:30:00"),  # noqa: DTZ001 - shown as it is
    ],
)
def test_amounts_keep_their_cents(cell: Cell, text: str) -> None:
    assert format_cell(cell) == text


async def test_a_workbook_holds_numbers_days_and_texts_and_runs_none_of_them() -> None:
    found = cells(await written(XlsxSheet(), ROW, *((text,) for text in HOSTILE)))

    kinds = {cell.attrib["r"]: (cell.attrib.get("t"), cell) for cell in found}
    assert kinds["A1"][0] == "inlineStr"
    assert (kinds["C1"][0], kinds["C1"][1].findtext(f"{_MAIN}v")) == (None, "-1234.5")
    assert kinds["D1"][1].findtext(f"{_MAIN}v") == "46350"
    assert "E1" not in kinds
    assert all(cell.find(f"{_MAIN}f") is None for cell in found)
    assert [kinds[f"A{rank}"][0] for rank in range(2, 2 + len(HOSTILE))] == ["inlineStr"] * len(
        HOSTILE
    )


async def test_an_amount_that_a_spreadsheet_would_round_is_a_text() -> None:
    (cell,) = cells(await written(XlsxSheet(), (Decimal("99999999999999999.99"),)))

    assert cell.attrib["t"] == "inlineStr"
    assert "".join(cell.itertext()) == "99999999999999999,99"


async def test_a_workbook_that_is_full_is_refused_rather_than_cut() -> None:
    assert len(cells(await written(XlsxSheet(max_rows=2), ("a",), ("b",)))) == 2
    with pytest.raises(SheetFullError):
        await written(XlsxSheet(max_rows=2), ("a",), ("b",), ("c",))


def left(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_workbook_leaves_nothing_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    await written(XlsxSheet(), ROW)
    chunks = aiter(XlsxSheet().write([Table("Pièces", given([ROW]))]))
    await anext(chunks)
    assert left(tmp_path)
    await chunks.aclose()  # type: ignore[attr-defined]

    assert left(tmp_path) == []


@pytest.mark.parametrize("sheet", [CsvSheet(), XlsxSheet()])
async def test_the_memory_of_a_table_does_not_grow_with_its_rows(sheet: Sheet) -> None:
    async def many(number: int) -> AsyncIterator[Row]:
        for rank in range(number):
            yield (*ROW, f"row {rank}", "x" * 1000)

    async def peak(number: int) -> int:
        tables = [Table(title, many(number // 2)) for title in ("Pièces", "Pièces reçues")]
        tracemalloc.start()
        try:
            async for _ in sheet.write(tables):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak(2)
    # Four thousand rows hold four megabytes of text.
    assert await peak(4_000) < await peak(500) + MEGABYTE
