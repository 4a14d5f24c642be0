"""The form of a sheet: workbooks that are written and read, and those that are refused."""

import asyncio
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from io import BytesIO

import pytest
from openpyxl import load_workbook
from xlsxwriter import Workbook

from services.organisation.sheets.adapters.workbooks import WorkbookLimits, XlsxWorkbooks
from services.organisation.sheets.application.ports import ReadersBusyError
from services.organisation.sheets.domain.form import (
    ACTORS,
    DELAYS,
    LOTS,
    MARCHE,
    Cell,
    FormTable,
    Table,
    build_form,
    read_form,
)
from services.organisation.sheets.domain.sheets import Content
from services.organisation.sheets.entrypoints.requests import SheetRequest
from shared.vocabulary.rules import Violation
from tests.kit.waiting import scale_timeout
from tests.unit.organisation.sheet_builders import MOA, MOE, WHOLE

_READER = XlsxWorkbooks(
    WorkbookLimits(
        cpu_s=round(scale_timeout(5)), wall_s=scale_timeout(20), turn_s=scale_timeout(12)
    )
)


def to_tables(tables: tuple[FormTable, ...]) -> dict[str, Table]:
    return {each.title: each.rows for each in tables}


def change_cell(sheet: str, rank: int, column: int, value: Cell) -> dict[str, Table]:
    """Give the form of a sheet, with another value in one cell."""
    tables = to_tables(build_form(MOA, WHOLE))
    rows = [list(row) for row in tables[sheet]]
    rows[rank].extend([None] * (column + 1 - len(rows[rank])))
    rows[rank][column] = value
    return tables | {sheet: rows}


def write(
    tables: Mapping[str, Sequence[Sequence[object]]], fill: Callable[[Workbook], None] | None = None
) -> bytes:
    """Write a workbook as somebody else's program may: dates, booleans, numbers and formulas."""
    file = BytesIO()
    workbook = Workbook(file, {"in_memory": True, "default_date_format": "dd/mm/yyyy"})
    for name, rows in tables.items():
        sheet = workbook.add_worksheet(name)
        for rank, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    cell = datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001, PLW2901 - a cell has no zone
                sheet.write(rank, column, cell)
    if fill:
        fill(workbook)
    workbook.close()
    return file.getvalue()


async def read(content: bytes) -> Content | list[str]:
    """Read a workbook to what a sheet says, or to the codes of the rules that it breaks."""
    read = await _READER.read(content)
    if isinstance(read, Violation):
        return [read.code]
    form = read_form(read, MOA)
    if form.violations:
        return [each.code for each in form.violations]
    return SheetRequest.model_validate(form.given).to_domain()


@pytest.mark.parametrize("content", [WHOLE, Content("1"), Content("=1+1", "-2 + 3")])
async def test_what_is_exported_is_read_back(content: Content) -> None:
    assert await read(await _READER.write(build_form(MOA, content))) == content


async def test_the_blank_form_lists_every_delay_and_only_misses_a_number() -> None:
    tables = to_tables(build_form(MOA, None))
    assert [(row[0], row[1]) for row in tables[DELAYS]][:3] == [
        ("Délai", "Jours prévus"),
        ("validation par le titulaire ou le mandataire", "15"),
        ("traitement par la maîtrise d'œuvre", "7"),
    ]
    assert tables[ACTORS] == (("Rôle", "Structure (SIRET)", "Code service", "Lot", "Du", "Au"),)

    blank = await _READER.read(await _READER.write(build_form(MOA, None)))
    assert not isinstance(blank, Violation)
    form = read_form(blank, MOA)
    assert form.violations == ()
    assert form.given == {
        "number": "",
        "title": "",
        "required": [],
        "actors": [],
        "lots": [],
        "delays": {},
    }


async def test_a_form_may_hold_numbers_texts_of_dates_and_columns_in_another_order() -> None:
    tables: dict[str, list[list[object]]] = {
        MARCHE: [
            ["  numéro du MARCHÉ ", 2026017],
            [],
            ["Objet du marché", "École"],
            ["Numéro d'engagement obligatoire", True],
            ["Lot obligatoire", "OUI"],
        ],
        ACTORS: [
            ["Au", "Du", "Lot", "Code service", "Structure (SIRET)", "Rôle"],
            [],
            ["31/12/2027", date(2026, 1, 1), 1, None, int(MOE), "Maîtrise d'Œuvre"],
            ["2028-02-29", "1/2/2028", None, None, "90000000100017", "titulaire"],
        ],
        LOTS: [["Intitulé", "Code"], ["Gros œuvre", 1.0]],
        DELAYS: [["Délai", "Jours prévus", "Jours du marché"], ["paiement", None, 45]],
    }
    found = await read(write(tables))

    assert isinstance(found, Content)
    assert (found.number, found.title, found.delays) == ("2026017", "École", {"paiement": 45})
    assert [str(each) for each in found.required] == ["engagement", "lot"]
    assert [
        (each.role, each.structure, each.lot, each.valid_from, each.valid_until)
        for each in found.actors
    ] == [
        ("moe", MOE, "1", date(2026, 1, 1), date(2027, 12, 31)),
        ("titulaire", "90000000100017", None, date(2028, 2, 1), date(2028, 2, 29)),
    ]
    assert [(each.code, each.title) for each in found.lots] == [("1", "Gros œuvre")]


@pytest.mark.parametrize(
    ("tables", "code", "said"),
    [
        ({}, "ORG-TABLEUR-09", "La feuille « Marché » manque."),
        (to_tables(build_form(MOA, WHOLE)) | {"Notes": []}, "ORG-TABLEUR-08", "« Notes »"),
        (change_cell(MARCHE, 1, 0, "Couleur"), "ORG-TABLEUR-10", "« Couleur », en Marché!A2"),
        (change_cell(MARCHE, 1, 0, "Numéro du marché"), "ORG-TABLEUR-10", "Marché!A2"),
        (change_cell(MARCHE, 1, 2, "note"), "ORG-TABLEUR-10", "« note », en Marché!C2"),
        (change_cell(MARCHE, 2, 1, MOE), "ORG-TABLEUR-13", f"la structure {MOE}"),
        (change_cell(MARCHE, 3, 1, "peut-être"), "ORG-TABLEUR-12", "« peut-être », en Marché!B4"),
        (change_cell(ACTORS, 0, 3, "Lots"), "ORG-TABLEUR-10", "« Lots », en Acteurs!D1"),
        (change_cell(ACTORS, 2, 6, "note"), "ORG-TABLEUR-10", "« note », en Acteurs!G3"),
        (change_cell(ACTORS, 1, 0, "moa"), "ORG-TABLEUR-12", "« moa », en Acteurs!A2"),
        (
            change_cell(ACTORS, 1, 4, "31/02/2026"),
            "ORG-TABLEUR-12",
            "« 31/02/2026 », en Acteurs!E2",
        ),
        (change_cell(ACTORS, 1, 5, "1/1/1999"), "ORG-TABLEUR-12", "en Acteurs!F2"),
        (change_cell(DELAYS, 1, 0, "paiment"), "ORG-TABLEUR-12", "« paiment », en Délais!A2"),
        (change_cell(DELAYS, 1, 0, "paiement"), "ORG-TABLEUR-12", "en Délais!A8"),
        (change_cell(DELAYS, 1, 2, "dix"), "ORG-TABLEUR-12", "« dix », en Délais!C2"),
        (change_cell(DELAYS, 1, 2, "7.5"), "ORG-TABLEUR-12", "« 7.5 », en Délais!C2"),
    ],
)
def test_what_is_not_of_the_form_is_named_by_its_cell(
    tables: dict[str, Table], code: str, said: str
) -> None:
    first = read_form(tables, MOA).violations[0]

    assert (first.code, first.field) == (code, "file")
    assert said in first.message


def test_a_field_is_found_again_in_the_workbook() -> None:
    form = read_form(to_tables(build_form(MOA, WHOLE)), MOA)
    places = {
        "number": "Feuille « Marché »",
        "actors.2.structure": "Feuille « Acteurs », ligne 4",
        "lots.1.code": "Feuille « Lots », ligne 3",
        "delays.paiement": "Feuille « Délais », ligne 8",
        "structure_id": None,
    }
    for field, place in places.items():
        located = form.locate(Violation("X-Y-01", field, "Non.", "Corriger."))
        assert located.message == (f"{place} : Non." if place else "Non.")


def add_part(content: bytes, name: str, part: bytes) -> bytes:
    """Add a part to a workbook, or replace the one of that name."""
    file = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(content)) as before,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for each in before.namelist():
            if each != name:
                after.writestr(each, before.read(each))
        after.writestr(name, part)
    return file.getvalue()


def form_of(changes: Callable[[Workbook], None] | None = None) -> bytes:
    return write(to_tables(build_form(MOA, WHOLE)), changes)


def replace_sheet(rows: bytes) -> bytes:
    """Give a workbook whose second worksheet, that of the actors, has other rows."""
    namespace = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (namespace, rows)
    return add_part(form_of(), "xl/worksheets/sheet2.xml", sheet)


_RELATIONS = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    b'<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    b'relationships/image" Target="http://exemple.invalid/x.png" TargetMode="External"/>'
    b"</Relationships>"
)
_ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (each, b"&a%d;" % (each - 1) * 10) for each in range(1, 12))
    + b'<!ENTITY a0 "&a;">]><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b"<si><t>&a11;</t></si></sst>"
)


def a_formula(workbook: Workbook) -> None:
    workbook.get_worksheet_by_name(ACTORS).write_formula(2, 1, "=A1")


def an_array_formula(workbook: Workbook) -> None:
    workbook.get_worksheet_by_name(LOTS).write_array_formula("B2:B3", "{=A2:A3}")


def a_formula_far_on_the_right(workbook: Workbook) -> None:
    workbook.get_worksheet_by_name(ACTORS).write_formula("AA3", "=A1")


def a_text_far_on_the_right(workbook: Workbook) -> None:
    workbook.get_worksheet_by_name(MARCHE).write("XFD1", "2026")


def a_hundred_thousand_lines(workbook: Workbook) -> None:
    sheet = workbook.get_worksheet_by_name(ACTORS)
    for rank in range(100_000):
        sheet.write_row(rank, 0, ["titulaire", f"{rank:014}"])


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (form_of(a_formula), "ORG-TABLEUR-04", "Acteurs!B3"),
        (form_of(an_array_formula), "ORG-TABLEUR-04", "Lots!B2"),
        (form_of(a_formula_far_on_the_right), "ORG-TABLEUR-04", "Acteurs!AA3"),
        (form_of(a_text_far_on_the_right), "ORG-TABLEUR-10", "« 2026 », en Marché!XFD1,"),
        (form_of(a_hundred_thousand_lines), "ORG-TABLEUR-03", "« Acteurs » a plus de 1000 lignes"),
        (replace_sheet(b'<row r="1048576"><c r="A1048576"/></row>'), "ORG-TABLEUR-03", "1000"),
        (replace_sheet(b"<row/>" * 1_000_000), "ORG-TABLEUR-03", "1000"),
        (add_part(form_of(), "xl/vbaProject.bin", b"x"), "ORG-TABLEUR-05", ""),
        (add_part(form_of(), "xl/embeddings/oleObject1.bin", b"x"), "ORG-TABLEUR-05", ""),
        (add_part(form_of(), "xl/externalLinks/externalLink1.xml", b"<x/>"), "ORG-TABLEUR-06", ""),
        (add_part(form_of(), "xl/connections.xml", b"<x/>"), "ORG-TABLEUR-06", ""),
        (add_part(form_of(), "xl/_rels/other.xml.rels", _RELATIONS), "ORG-TABLEUR-06", ""),
        (add_part(form_of(), "xl/media/image.bin", b"0" * 101 * 2**20), "ORG-TABLEUR-07", ""),
        (add_part(form_of(), "xl/sharedStrings.xml", b"<" * 11 * 2**20), "ORG-TABLEUR-07", ""),
        (add_part(form_of(), "xl/sharedStrings.xml", _ENTITIES), "ORG-TABLEUR-01", ""),
        (add_part(form_of(), "xl/workbook.xml", b"<x"), "ORG-TABLEUR-01", ""),
        (b"", "ORG-TABLEUR-01", ""),
        (b"Numero;Objet\n1;2\n", "ORG-TABLEUR-01", ""),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000, "ORG-TABLEUR-01", ""),
        (form_of()[:-100], "ORG-TABLEUR-01", ""),
    ],
    ids=[
        "a formula",
        "an array formula",
        "a formula far on the right",
        "a text far on the right",
        "100,000 lines",
        "a last line of all",
        "a million empty lines",
        "macros",
        "an embedded object",
        "an external link",
        "a data source",
        "an external image",
        "a zip bomb",
        "a bomb of texts",
        "a billion laughs",
        "no XML",
        "nothing",
        "a CSV",
        "an encrypted or old workbook",
        "cut short",
    ],
)
async def test_a_workbook_that_is_hostile_or_none_is_refused(
    content: bytes, code: str, said: str
) -> None:
    found = await _READER.read(content)

    assert isinstance(found, Violation)
    assert (found.code, found.field) == (code, "file")
    assert said in found.message


async def test_a_file_that_takes_too_much_time_or_memory_is_refused() -> None:
    deep = replace_sheet(b'<row r="1"><c><is>' + b"<r>" * 3_000_000 + b"</is></c></row>")
    wide = replace_sheet(b'<row r="1">' + b"<c><v>1</v></c>" * 1_500_000 + b"</row>")
    # Memory is short in the XML parser, which has its own error for it.
    long = replace_sheet(b'<row r="1"><c t="' + b"n" * 20_000_000 + b'"/></row>')
    for content, limits in (
        (long, WorkbookLimits(memory_mb=60)),
        (deep, WorkbookLimits(cpu_s=1)),
        (deep, WorkbookLimits(wall_s=0.01)),
        (wide, WorkbookLimits(memory_mb=40)),
    ):
        found = await XlsxWorkbooks(limits).read(content)
        assert isinstance(found, Violation), limits
        assert found.code == "ORG-TABLEUR-07", limits


async def test_a_file_that_finds_no_turn_is_turned_away() -> None:
    reader = XlsxWorkbooks(WorkbookLimits(processes=1, turn_s=0.01))
    outcomes = await asyncio.gather(
        *(reader.read(form_of()) for _ in range(2)), return_exceptions=True
    )

    assert [isinstance(each, ReadersBusyError) for each in outcomes] == [False, True]


async def test_a_link_in_a_cell_does_no_harm() -> None:
    def link(workbook: Workbook) -> None:
        workbook.get_worksheet_by_name(LOTS).write_url("A4", "https://exemple.fr", string="3")

    found = await read(form_of(link))

    assert isinstance(found, Content)
    assert [each.code for each in found.lots] == ["1", "02", "3"]


async def test_the_form_says_what_each_cell_takes_and_what_it_offers() -> None:
    written = await _READER.write(build_form(MOA, None))

    assert list_guides(written, "Marché") == {
        "B1": ("Obligatoire : le numéro que les pièces du marché indiquent.", None),
        "B2": ("Facultatif.", None),
        "B3": ("La structure à qui est le marché : ne pas la changer.", None),
    } | dict.fromkeys(
        ("B4", "B5", "B6", "B7", "B8", "B9"),
        (
            "oui : une pièce qui ouvre un dossier du marché est refusée sans cette donnée.",
            '"oui,non"',
        ),
    )
    assert [hint for hint, _ in list_guides(written, "Acteurs").values()][4:] == [
        "Facultatif : premier jour, JJ/MM/AAAA. Vide : depuis toujours.",
        "Facultatif : dernier jour compris, JJ/MM/AAAA. Vide : sans fin.",
    ]
    assert list(list_guides(written, "Lots")) == ["A2:A1000", "B2:B1000"]
    assert list(list_guides(written, "Délais")) == ["C2:C1000"]


def list_guides(content: bytes, sheet: str) -> dict[str, tuple[str | None, str | None]]:
    """List what a spreadsheet shows and offers at its cells."""
    found = load_workbook(BytesIO(content))[sheet].data_validations.dataValidation
    return {str(each.sqref): (each.prompt, each.formula1) for each in found}
