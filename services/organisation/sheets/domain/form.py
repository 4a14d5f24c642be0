"""Form of a sheet: the workbook that people fill in, as tables that are built and read.

It has four worksheets, with French headings. What is read is the body of a request, as JSON has it,
so that a workbook and JSON are checked alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from services.organisation.sheets.domain import rules
from services.organisation.sheets.domain.labels import FIELD_LABELS, ROLE_LABELS
from services.organisation.sheets.domain.sheets import Content, list_delays
from shared.vocabulary.dates import parse_date
from shared.vocabulary.rules import Rule, Violation
from shared.vocabulary.texts import clean, fold, quote_line

Cell = str | bool | date | None
"""Cell of a workbook: numbers are read as texts, so that an identifier keeps its form."""
Table = Sequence[Sequence[Cell]]

LINES_LIMIT = 1000
"""Limit of the lines of a worksheet: 500 actors, their headings, and lines left blank."""
COLUMNS_LIMIT = 20

MARCHE, ACTORS, LOTS, DELAYS = "Marché", "Acteurs", "Lots", "Délais"
WORKSHEETS = (MARCHE, ACTORS, LOTS, DELAYS)

_NUMBER, _TITLE, _MOA = "Numéro du marché", "Objet du marché", "Maîtrise d'ouvrage (SIRET)"
_HEADINGS = {
    MARCHE: (_NUMBER, _TITLE, _MOA, *FIELD_LABELS.values()),
    ACTORS: ("Rôle", "Structure (SIRET)", "Code service", "Lot", "Du", "Au"),
    LOTS: ("Code", "Intitulé"),
    DELAYS: ("Délai", "Jours prévus", "Jours du marché"),
}
_YES, _NO = "oui", "non"
_DAY = "une date JJ/MM/AAAA"
_MARCHE_HINTS = (
    "Obligatoire : le numéro que les pièces du marché indiquent.",
    "Facultatif.",
    "La structure à qui est le marché : ne pas la changer.",
)
_REQUIRED_HINT = "oui : une pièce qui ouvre un dossier du marché est refusée sans cette donnée."
_ACTORS_HINTS = (
    "Un intervenant par ligne. Un rôle qui n'est pas nommé n'est pas contrôlé.",
    "L'identifiant de la structure dans l'annuaire.",
    "Facultatif : le service de la structure. Vide : tous.",
    "Facultatif : un code de la feuille « Lots ». Vide : tout le marché.",
    "Facultatif : premier jour, JJ/MM/AAAA. Vide : depuis toujours.",
    "Facultatif : dernier jour compris, JJ/MM/AAAA. Vide : sans fin.",
)
_LOTS_HINTS = ("Un lot par ligne : le code que les pièces indiquent.", "Facultatif.")
_DAYS_HINT = "Jours calendaires, là où le marché déroge. Vide : les jours prévus."
"""Hints of the cells that people fill in."""
_DAYS_DIGITS = 6
"""Digits of a number of days that is read: the rule of its limit names it."""


@dataclass(frozen=True, slots=True)
class FormTable:
    """Worksheet of the form to be written."""

    title: str
    rows: Table
    choices: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Values that a column offers, by its rank; in Marché, the second cell of a line."""
    hints: Mapping[int, str] = field(default_factory=dict)
    """What is shown to who fills in a cell, as choices are."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a workbook says."""

    given: Mapping[str, object]
    """The body of the request."""
    violations: tuple[Violation, ...]
    """Cells that cannot be read."""
    places: Mapping[str, str]
    """Places in the workbook, by field: `actors.3` may be « Feuille « Acteurs », ligne 5 »."""

    def locate(self, violation: Violation) -> Violation:
        """Say where in the workbook a violation is."""
        parts = violation.field.split(".")
        fields = [".".join(parts[:size]) for size in range(len(parts), 0, -1)]
        place = next((self.places[each] for each in fields if each in self.places), None)
        if place is None:
            return violation
        return replace(violation, message=f"{place} : {violation.message}")


def build_form(moa: str, content: Content | None) -> tuple[FormTable, ...]:
    """Build the form of a sheet; without content, the blank form of a structure."""
    content = content or Content(number="")
    required = [
        (label, _YES if each in content.required else _NO) for each, label in FIELD_LABELS.items()
    ]
    roles, delays = tuple(ROLE_LABELS.values()), list_delays()
    answers = range(len(_MARCHE_HINTS), len(_MARCHE_HINTS) + len(required))
    return (
        FormTable(
            MARCHE,
            ((_NUMBER, content.number), (_TITLE, content.title), (_MOA, moa), *required),
            dict.fromkeys(answers, (_YES, _NO)),
            dict(enumerate(_MARCHE_HINTS)) | dict.fromkeys(answers, _REQUIRED_HINT),
        ),
        FormTable(
            ACTORS,
            (
                _HEADINGS[ACTORS],
                *(
                    (
                        ROLE_LABELS[each.role],
                        each.structure,
                        each.service,
                        each.lot,
                        each.valid_from,
                        each.valid_until,
                    )
                    for each in content.actors
                ),
            ),
            {0: roles},
            dict(enumerate(_ACTORS_HINTS)),
        ),
        FormTable(
            LOTS,
            (_HEADINGS[LOTS], *((each.code, each.title) for each in content.lots)),
            hints=dict(enumerate(_LOTS_HINTS)),
        ),
        FormTable(
            DELAYS,
            (
                _HEADINGS[DELAYS],
                *(
                    (
                        found[0].label,
                        " ou ".join(sorted({str(each.days) for each in found})),
                        str(content.delays[name]) if name in content.delays else None,
                    )
                    for name, found in delays.items()
                ),
            ),
            hints={2: _DAYS_HINT},
        ),
    )


def read_form(tables: Mapping[str, Table], moa: str) -> Form:
    """Read the form of a structure."""
    return _Reader(moa).read(tables)


class _Reader:
    """Reads one form, and gathers what cannot be read and where each part was."""

    def __init__(self, moa: str) -> None:
        self._moa = moa
        self._violations: list[Violation] = []
        self._places: dict[str, str] = {}

    def read(self, tables: Mapping[str, Table]) -> Form:
        self._check_worksheets(tables)
        given: dict[str, object] = {}
        if not self._violations:
            given = {
                **self._read_marche(tables[MARCHE]),
                "actors": [*self._read_actors(tables[ACTORS])],
                "lots": [*self._read_lots(tables[LOTS])],
                "delays": dict(self._read_delays(tables[DELAYS])),
            }
        return Form(given, tuple(self._violations), self._places)

    def _check_worksheets(self, tables: Mapping[str, Table]) -> None:
        allowed = ", ".join(WORKSHEETS)
        for name in tables.keys() - set(WORKSHEETS):
            self._refuse(rules.WORKSHEET_UNKNOWN, sheet=quote_line(name), allowed=allowed)
        for name in WORKSHEETS:
            if name not in tables:
                self._refuse(rules.WORKSHEET_MISSING, sheet=name)

    def _read_marche(self, table: Table) -> Mapping[str, object]:
        values: dict[str, tuple[int, Cell]] = {}
        known = {fold(each): each for each in _HEADINGS[MARCHE]}
        for rank, row in enumerate(table):
            for column, cell in enumerate(row[2:], start=2):
                if cell is not None:
                    self._refuse_heading(MARCHE, rank, column, cell)
            label, value = _get(row, 0), _get(row, 1)
            if label is None and value is None:
                continue
            name = known.get(fold(_show(label)))
            if name is None or name in values:
                self._refuse_heading(MARCHE, rank, 0, label)
            else:
                values[name] = (rank, value)
        self._places |= dict.fromkeys(("number", "title", "required"), f"Feuille « {MARCHE} »")
        for name in (_NUMBER, _TITLE):
            if name not in values:
                self._refuse(rules.HEADING_MISSING, heading=name, sheet=MARCHE)
        named = _show(values.get(_MOA, (0, None))[1])
        if named and named != self._moa:
            self._refuse(rules.OTHER_STRUCTURE, named=quote_line(named), structure=self._moa)
        required = [
            each.value
            for each, label in FIELD_LABELS.items()
            if label in values and self._read_yes(label, *values[label])
        ]
        number, title = (_show(values.get(each, (0, None))[1]) for each in (_NUMBER, _TITLE))
        return {"number": number, "title": title, "required": required}

    def _read_yes(self, label: str, rank: int, value: Cell) -> bool:
        answers = {_YES: True, _NO: False, "": False}
        said = value if isinstance(value, bool) else answers.get(fold(_show(value)))
        if said is None:
            self._refuse_value(MARCHE, rank, 1, value, label, f"{_YES} ou {_NO}")
        return bool(said)

    def _read_actors(self, table: Table) -> Iterator[Mapping[str, object]]:
        roles = {fold(label): role for role, label in ROLE_LABELS.items()}
        for number, (rank, row) in enumerate(self._list_rows(ACTORS, table)):
            self._places[f"actors.{number}"] = _name_line(ACTORS, rank)
            columns = _HEADINGS[ACTORS]
            role = roles.get(fold(_show(row[columns[0]])))
            if role is None:
                expected = ", ".join(ROLE_LABELS.values())
                self._refuse_value(ACTORS, rank, 0, row[columns[0]], columns[0], expected)
            yield {
                "role": role.value if role else None,
                "structure": _show(row[columns[1]]),
                "service": _show(row[columns[2]]) or None,
                "lot": _show(row[columns[3]]) or None,
                "valid_from": self._read_day(rank, 4, row[columns[4]]),
                "valid_until": self._read_day(rank, 5, row[columns[5]]),
            }

    def _read_day(self, rank: int, column: int, value: Cell) -> str | None:
        text = _show(value)
        if isinstance(value, date) or not text:
            return text or None
        # 1/2/2026 is 2026-02-01.
        written = "-".join(part.zfill(2) for part in reversed(text.split("/")))
        try:
            return parse_date(written).isoformat()
        except ValueError:
            self._refuse_value(ACTORS, rank, column, value, _HEADINGS[ACTORS][column], _DAY)
            return None

    def _read_lots(self, table: Table) -> Iterator[Mapping[str, object]]:
        code, title = _HEADINGS[LOTS]
        for number, (rank, row) in enumerate(self._list_rows(LOTS, table)):
            self._places[f"lots.{number}"] = _name_line(LOTS, rank)
            yield {"code": _show(row[code]), "title": _show(row[title])}

    def _read_delays(self, table: Table) -> Iterator[tuple[str, int]]:
        label, _, days = _HEADINGS[DELAYS]
        names = {fold(found[0].label): name for name, found in list_delays().items()}
        read = set()
        for rank, row in self._list_rows(DELAYS, table):
            name, text = names.get(fold(_show(row[label]))), _show(row[days])
            if name is None or name in read:
                expected = "un délai du formulaire, une seule fois"
                self._refuse_value(DELAYS, rank, 0, row[label], label, expected)
                continue
            read.add(name)
            self._places[f"delays.{name}"] = _name_line(DELAYS, rank)
            if text and not (text.isascii() and text.isdigit() and len(text) <= _DAYS_DIGITS):
                self._refuse_value(DELAYS, rank, 2, row[days], days, "un nombre entier de jours")
            elif text:
                yield name, int(text)

    def _list_rows(self, sheet: str, table: Table) -> Iterator[tuple[int, Mapping[str, Cell]]]:
        """List the lines that are not blank, by heading; headings may stand in any order."""
        headings = _HEADINGS[sheet]
        columns = self._find_columns(sheet, table[0] if table else ())
        if len(columns) < len(headings):
            return
        for rank, row in enumerate(table[1:], start=1):
            for column, cell in enumerate(row):
                if cell is not None and column not in columns.values():
                    self._refuse_heading(sheet, rank, column, cell)
            if any(_show(cell) for cell in row):
                yield rank, {name: _get(row, column) for name, column in columns.items()}

    def _find_columns(self, sheet: str, row: Sequence[Cell]) -> Mapping[str, int]:
        headings = _HEADINGS[sheet]
        known = {fold(each): each for each in headings}
        columns: dict[str, int] = {}
        for column, cell in enumerate(row):
            name = known.get(fold(_show(cell)))
            if name is not None and name not in columns:
                columns[name] = column
            elif cell is not None:
                self._refuse_heading(sheet, 0, column, cell)
        for name in headings:
            if name not in columns:
                self._refuse(rules.HEADING_MISSING, heading=name, sheet=sheet)
        return columns

    def _refuse_heading(self, sheet: str, rank: int, column: int, value: Cell) -> None:
        self._violations.append(refuse_heading(sheet, rank, column, value))

    def _refuse_value(
        self, sheet: str, rank: int, column: int, value: Cell, heading: str, expected: str
    ) -> None:
        self._refuse(
            rules.VALUE_UNKNOWN,
            value=quote_line(_show(value)),
            cell=name_cell(sheet, rank, column),
            heading=heading,
            expected=expected,
        )

    def _refuse(self, rule: Rule, **values: object) -> None:
        self._violations.append(rule.build_violation("file", **values))


def refuse_heading(sheet: str, rank: int, column: int, value: Cell) -> Violation:
    """Refuse a cell that is a heading of no form, or stands under none."""
    return rules.HEADING_UNKNOWN.build_violation(
        "file",
        heading=quote_line(_show(value)),
        cell=name_cell(sheet, rank, column),
        allowed=", ".join(_HEADINGS[sheet]),
    )


def name_cell(sheet: str, rank: int, column: int) -> str:
    """Name a cell as a spreadsheet does: `Acteurs!B3`, `Acteurs!AA3`."""
    letters, left = "", column + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{sheet}!{letters}{rank + 1}"


def _name_line(sheet: str, rank: int) -> str:
    return f"Feuille « {sheet} », ligne {rank + 1}"


def _get(row: Sequence[Cell], column: int) -> Cell:
    return row[column] if column < len(row) else None


def _show(cell: Cell) -> str:
    """Show a cell as a text without outer blanks."""
    if isinstance(cell, bool):
        return _YES if cell else _NO
    return cell.isoformat() if isinstance(cell, date) else clean(cell or "")
