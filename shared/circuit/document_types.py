"""Types of document (BT-3, UNTDID 1001): which ones a deposit may have, and what the others lack.

A type that is not in the table is unknown to the platform, and not admitted either. Which types are
credit notes is not decided here: `shared.vocabulary.codes` holds the list of EN 16931.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "tables" / "types-de-document.csv"


@dataclass(frozen=True, slots=True)
class DocumentType:
    """Type of document: its code, whether a deposit may have it, and by which source."""

    code: str
    label: str
    is_admitted: bool
    instead: str
    """Code of the admitted type to choose in its place; empty when it is admitted itself."""
    reason: str
    """Why it is not admitted; empty when it is."""
    source: str


def find_document_type(code: str) -> DocumentType | None:
    """Find a type of document by its code; None for one that the table does not have."""
    return _load().get(code)


def list_document_types() -> tuple[DocumentType, ...]:
    """List the types of the table, in its order."""
    return tuple(_load().values())


def list_admitted_codes() -> tuple[str, ...]:
    """List the codes of the admitted types."""
    return tuple(each.code for each in list_document_types() if each.is_admitted)


@cache
def _load() -> Mapping[str, DocumentType]:
    with _DATA.open(encoding="utf-8", newline="") as lines:
        types = (
            DocumentType(
                code=record["code"],
                label=record["libelle"],
                is_admitted=record["admis"] == "oui",
                instead=record["a_la_place"],
                reason=record["raison"],
                source=record["source"],
            )
            for record in csv.DictReader(lines, delimiter=";", strict=True)
        )
        return {each.code: each for each in types}
