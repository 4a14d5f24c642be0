"""Labelled examples of tickets, read from CSV, to train the model or to evaluate it."""

import csv
from dataclasses import dataclass
from pathlib import Path

from services.support.suggestions.domain.ticket_text import build_text


class ExamplesError(ValueError):
    """Examples that the model cannot be trained on; the message says why."""


@dataclass(frozen=True, slots=True)
class Example:
    """Labelled example: a ticket whose sub-category is known."""

    sub_category: str
    title: str
    description: str

    @property
    def text(self) -> str:
        """Text that the model reads."""
        return build_text(self.title, self.description)


def read_examples(path: Path) -> list[Example]:
    """Read the examples of a file, or of all those of a folder. Raises ExamplesError."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    examples = [example for file in files for example in _read(file)]
    if not examples:
        raise ExamplesError(f"{path} holds no example")
    return examples


def _read(file: Path) -> list[Example]:
    try:
        # Spreadsheets begin a UTF-8 file with a byte order mark.
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return [
                Example(row["sous_categorie"], row["titre"], row["description"])
                for row in csv.DictReader(lines, delimiter=";", strict=True, restval="")
            ]
    except (KeyError, csv.Error, OSError, UnicodeDecodeError) as error:
        raise ExamplesError(f"{file.name}: {error!r}") from error
