"""Form fields: those expected, those received, and the 422 answer that names the faults."""

from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, NoReturn, cast

from starlette.datastructures import FormData, Headers, UploadFile

from shared.runtime.web.problems import SHOWN, Problem, build_refused
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE

_IN_MEMORY_BYTES = 64 * 1024
"""Largest file kept in memory; a larger one is kept on disk."""
_TEXT_BYTES = MEGABYTE
"""Size limit of all texts of a form together."""
_FAULTS_SHOWN = 20
"""Limit of the faults named in one answer."""


@dataclass(frozen=True, slots=True)
class ExpectedField:
    """Kind of a form's field: a file or a text, one or several."""

    is_file: bool
    is_list: bool


def refuse_body(why: str) -> NoReturn:
    """Raise a 400 problem for a body that is not a complete form."""
    detail = f"Le corps de la requête n'a pas pu être lu : {why}. Rien n'a été gardé."
    raise Problem(400, "HTTP-400", detail)


class ReceivedForm:
    """Fields of a form received so far, and their faults."""

    def __init__(self, fields: Mapping[str, ExpectedField]) -> None:
        """Start without any field; `fields` are those expected."""
        self._fields = fields
        self._violations: dict[tuple[str, str], Violation] = {}
        self._items: list[tuple[str, str | UploadFile]] = []
        self._names: set[str] = set()
        self._files: list[BinaryIO] = []
        self._text_bytes = 0

    def accept_part(self, name: str, *, is_file: bool) -> bool:
        """Accept a part, or note why it is refused: by its name, its kind, or as a second one.

        False when it is refused.
        """
        expected = self._fields.get(name)
        if expected is None:
            known = ", ".join(self._fields)
            self.note_fault(
                name, f"La partie « {name[:SHOWN]} » n'existe pas ; celles qui existent : {known}."
            )
        elif expected.is_file and not is_file:
            self.note_fault(
                name, "Un fichier est attendu ici, et c'est un texte (sans `filename`)."
            )
        elif is_file and not expected.is_file:
            self.note_fault(
                name, "Un texte est attendu ici, et c'est un fichier (avec `filename`)."
            )
        elif name in self._names and not expected.is_list:
            self.note_fault(name, f"La partie « {name} » ne peut être envoyée qu'une fois.")
        else:
            self._names.add(name)
            return True
        return False

    def note_fault(self, name: str, message: str) -> None:
        """Note a fault of a part, once."""
        remedy = "Corriger le formulaire ; la description de l'API en donne les parties."
        violation = Violation("HTTP-FORM-01", name[:SHOWN], message, remedy)
        self._violations.setdefault((name, message), violation)

    def count_text(self, size_bytes: int) -> None:
        """Count bytes of texts, which stay in memory. Raises a 413 problem beyond the limit."""
        self._text_bytes += size_bytes
        if self._text_bytes > _TEXT_BYTES:
            raise Problem(
                413,
                "HTTP-413",
                "Les textes du formulaire dépassent 1 Mo en tout : rien n'a été gardé.",
            )

    def open_file(self, filename: str, headers: list[tuple[bytes, bytes]]) -> UploadFile:
        """Open a temporary file for the bytes of an upload."""
        file = cast("BinaryIO", SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))  # noqa: SIM115 - `close` closes it
        self._files.append(file)
        return UploadFile(file, size=0, filename=filename, headers=Headers(raw=headers))

    def add_file(self, name: str, file: UploadFile, size: int) -> None:
        """Add a file; note a fault for one that has bytes and no name."""
        if file.filename:
            self._items.append((name, file))
        elif size:
            self.note_fault(name, "Le fichier n'a pas de nom (`filename` est vide).")
        # An empty file without a name is what browsers send when nobody chose a file.

    def add_text(self, name: str, text: bytes, charset: str) -> None:
        """Decode and add a text; note a fault when it is not in `charset`."""
        try:
            self._items.append((name, text.decode(charset)))
        except UnicodeDecodeError:
            self.note_fault(
                name,
                "Ce texte n'est pas dans le jeu de caractères annoncé (UTF-8 quand rien ne l'est).",
            )

    def finish(self) -> FormData:
        """Return the form. Raises a 422 problem when it has faults."""
        if self._violations:
            raise build_refused(list(self._violations.values())[:_FAULTS_SHOWN])
        for file in self._files:
            file.seek(0)
        return FormData(self._items)

    def close(self) -> None:
        """Close all files, and delete their bytes on disk."""
        for file in self._files:
            file.close()
