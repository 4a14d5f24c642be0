"""Catalogue of categories and sub-categories, each with its desk, read from a CSV."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shared.vocabulary.texts import clean
from shared.vocabulary.tickets import Desk

COLUMNS = (
    "categorie",
    "libelle_categorie",
    "sous_categorie",
    "libelle",
    "bureau",
    "aide",
    "source",
)
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_LABEL_LIMIT = 120
_HELP_LIMIT = 500
# The sources write "M-question" and "M – question". People type other dashes, signs that look like
# one, a colon, and letters of other alphabets that look like an M.
_BUSINESS = re.compile(r"\s*[Mm\u041c\u043c\u039c]\s*([^\w\s]|_)")
_DASHES = frozenset({"Pd", "Pc", "Sm", "So", "Sk"})
_AS_DASHES = frozenset(":\u2043")


class CatalogueError(ValueError):
    """A catalogue that cannot be used; the message names every fault with its line."""


@dataclass(frozen=True, slots=True)
class SubCategory:
    """Sub-category of the catalogue: what a ticket is about, and the desk that answers."""

    code: str
    label: str
    desk: Desk
    help: str
    source: str
    category: str
    category_label: str


@dataclass(frozen=True, slots=True)
class Category:
    """Category of the catalogue, with its sub-categories."""

    code: str
    label: str
    sub_categories: tuple[SubCategory, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Catalogue: the categories in the order of their file."""

    categories: tuple[Category, ...]
    by_code: Mapping[str, SubCategory]
    """Sub-categories by code, which is unique in the catalogue."""

    @property
    def desks(self) -> Mapping[str, Desk]:
        """The desk of each sub-category."""
        return {code: each.desk for code, each in self.by_code.items()}


def find_desk_of_label(label: str) -> Desk:
    """Find the desk that a label announces: "M-" and its spellings are the business desk's."""
    found = _BUSINESS.match(unicodedata.normalize("NFKC", label))
    sign = found[1] if found else ""
    is_business = sign and (sign in _AS_DASHES or unicodedata.category(sign) in _DASHES)
    return Desk.METIER if is_business else Desk.TECHNIQUE


def read_catalogue(lines: Iterable[str]) -> Catalogue:
    """Read a catalogue from the lines of its CSV. Raises CatalogueError with all its faults."""
    try:
        header, *records = [*csv.reader(lines, delimiter=";", strict=True)] or [[]]
    except csv.Error as error:
        raise CatalogueError(f"not a CSV with semicolons: {error}") from error
    if tuple(header) != COLUMNS:
        raise CatalogueError(f"columns must be {';'.join(COLUMNS)}")
    numbered = [(rank, row) for rank, row in enumerate(records, start=2) if any(row)]
    faults = [*_find_faults(numbered)]
    if faults:
        raise CatalogueError("; ".join(faults))
    return _assemble([_read_sub_category(row) for _, row in numbered])


def _clean_fields(row: Sequence[str]) -> Sequence[str]:
    return [clean(each).strip() for each in row]


def _read_sub_category(row: Sequence[str]) -> SubCategory:
    category, category_label, code, label, desk, about, source = _clean_fields(row)
    return SubCategory(
        code=code,
        label=label,
        desk=Desk(desk),
        help=about,
        source=source,
        category=category,
        category_label=category_label,
    )


def _assemble(found: Sequence[SubCategory]) -> Catalogue:
    labels = {each.category: each.category_label for each in found}
    return Catalogue(
        categories=tuple(
            Category(code, label, tuple(each for each in found if each.category == code))
            for code, label in labels.items()
        ),
        by_code=MappingProxyType({each.code: each for each in found}),
    )


def _find_faults(numbered: Sequence[tuple[int, Sequence[str]]]) -> Iterator[str]:
    if not numbered:
        yield "it has no sub-category"
    codes: dict[str, int] = {}
    labels: dict[str, str] = {}
    for line, row in numbered:
        if len(row) != len(COLUMNS):
            yield f"line {line}: {len(row)} fields instead of {len(COLUMNS)}"
            continue
        yield from (f"line {line}: {fault}" for fault in _find_row_faults(row))
        category, category_label, code, *_ = _clean_fields(row)
        first = codes.setdefault(code, line)
        if first != line:
            yield f"line {line}: {code} is on line {first} already"
        known = labels.setdefault(category, category_label)
        if known != category_label:
            yield f"line {line}: {category} was labelled {known!r}"


def _find_row_faults(row: Sequence[str]) -> Iterator[str]:
    category, category_label, code, label, desk, about, source = _clean_fields(row)
    for value in (category, code):
        if not _CODE.fullmatch(value):
            yield f"{value!r} is no code (capitals, digits, underscores)"
    for value in (category_label, label):
        if not value or len(value) > _LABEL_LIMIT or not value.isprintable():
            yield f"a label has 1 to {_LABEL_LIMIT} printable characters, not {value[:20]!r}"
    if len(about) > _HELP_LIMIT or not about.isprintable():
        yield f"the help of {code} is over {_HELP_LIMIT} printable characters"
    if not source:
        yield f"{code} has no source"
    if desk not in {*Desk}:
        yield f"{desk!r} is no desk ({', '.join(Desk)})"
    elif label and find_desk_of_label(label) != desk:
        yield f"{label!r} announces the desk {find_desk_of_label(label)}, the column says {desk}"
