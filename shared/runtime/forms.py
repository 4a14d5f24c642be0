"""Form parsing (multipart/form-data, urlencoded): whole and as described, or refused.

Starlette's parser takes a form whose closing boundary never came, drops what has another name, and
keeps the last of two parts of one name. Here the first fault of form is a 400, and each part that
the route does not expect is named in a 422.
"""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, NoReturn, cast
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.datastructures import FormData, Headers, UploadFile

from shared.runtime.dispositions import CHARSETS, Disposition, read_disposition, read_parameters
from shared.runtime.problems import SHOWN, Problem, refused
from shared.vocabulary.rules import Violation

MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"
_PARTS = 200
"""A form may have. Each file of some size takes a descriptor."""
_IN_MEMORY = 64 * 1024
"""Bytes of a file that wait in memory; those of a larger one wait on disk."""
_TEXT_BYTES = 1024 * 1024
"""All texts of a form together."""
_SHOWN_FAULTS = 20
_AS_IT_IS = frozenset({"", "7bit", "8bit", "binary"})
_FAULTS = (FormParserError, ValueError)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a form's field holds: a file or a text, one or several."""

    is_file: bool
    is_list: bool


@dataclass(slots=True)
class _Part:
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    name: str = ""
    charset: str = "utf-8"
    text: bytearray = field(default_factory=bytearray)
    file: UploadFile | None = None
    size: int = 0
    is_due: bool = False


async def read_form(
    content_type: str, body: AsyncIterable[bytes], fields: Mapping[str, Expected]
) -> FormData:
    """Read a form. Its files are closed when it is refused, or when its sender goes away.

    Raises Problem: 400 when it is no whole form, 422 when a part is not one of `fields`.
    """
    kind, parameters = _parameters(content_type)
    form = _Form(fields)
    try:
        if kind == MULTIPART:
            await _Multipart(parameters, form).read(body)
        else:
            await _read_pairs(body, form)
        return form.done()
    except BaseException:
        form.close()
        raise


def _parameters(content_type: str) -> tuple[str, dict[str, str]]:
    try:
        return read_parameters(content_type)
    except ValueError:
        _unreadable("son Content-Type est mal formé")


def _unreadable(why: str) -> NoReturn:
    detail = f"Le corps de la requête n'a pas pu être lu : {why}. Rien n'a été gardé."
    raise Problem(400, "HTTP-400", detail)


class _Form:
    """What was sent so far, and what is wrong with it."""

    def __init__(self, fields: Mapping[str, Expected]) -> None:
        self._fields = fields
        self._violations: dict[tuple[str, str], Violation] = {}
        self._items: list[tuple[str, str | UploadFile]] = []
        self._names: set[str] = set()
        self._files: list[BinaryIO] = []
        self._text_bytes = 0

    def expects(self, name: str, *, is_file: bool) -> bool:
        """Tell whether a part of that name and kind is due; note why it is not."""
        expected = self._fields.get(name)
        if expected is None:
            known = ", ".join(self._fields)
            self.refuse(
                name, f"La partie « {name[:SHOWN]} » n'existe pas ; celles qui existent : {known}."
            )
        elif expected.is_file and not is_file:
            self.refuse(name, "Un fichier est attendu ici, et c'est un texte (sans `filename`).")
        elif is_file and not expected.is_file:
            self.refuse(name, "Un texte est attendu ici, et c'est un fichier (avec `filename`).")
        elif name in self._names and not expected.is_list:
            self.refuse(name, f"La partie « {name} » ne peut être envoyée qu'une fois.")
        else:
            self._names.add(name)
            return True
        return False

    def refuse(self, name: str, message: str) -> None:
        """Note what is wrong with a part, once."""
        remedy = "Corriger le formulaire ; la description de l'API en donne les parties."
        violation = Violation("HTTP-FORM-01", name[:SHOWN], message, remedy)
        self._violations.setdefault((name, message), violation)

    def count(self, text: int) -> None:
        """Count bytes of texts, which stay in memory."""
        self._text_bytes += text
        if self._text_bytes > _TEXT_BYTES:
            raise Problem(
                413,
                "HTTP-413",
                "Les textes du formulaire dépassent 1 Mo en tout : rien n'a été gardé.",
            )

    def open(self, name: str, headers: list[tuple[bytes, bytes]]) -> UploadFile:
        """Make room for the bytes of a file."""
        file = cast("BinaryIO", SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115
        self._files.append(file)
        return UploadFile(file, size=0, filename=name, headers=Headers(raw=headers))

    def add_file(self, name: str, file: UploadFile, size: int) -> None:
        """Keep a file."""
        if file.filename:
            self._items.append((name, file))
        elif size:
            self.refuse(name, "Le fichier n'a pas de nom (`filename` est vide).")
        # Else it is what browsers send where nobody chose a file.

    def add_text(self, name: str, text: bytes, charset: str) -> None:
        """Keep a text."""
        try:
            self._items.append((name, text.decode(charset)))
        except UnicodeDecodeError:
            self.refuse(
                name,
                "Ce texte n'est pas dans le jeu de caractères annoncé (UTF-8 quand rien ne l'est).",
            )

    def done(self) -> FormData:
        """Give the form, or refuse it."""
        if self._violations:
            raise refused(list(self._violations.values())[:_SHOWN_FAULTS])
        for file in self._files:
            file.seek(0)
        return FormData(self._items)

    def close(self) -> None:
        """Let go of all files, and of their bytes on disk."""
        for file in self._files:
            file.close()


class _Multipart:
    """One reading of a multipart body; python-multipart calls back between two writes to disk."""

    def __init__(self, parameters: Mapping[str, str], form: _Form) -> None:
        boundary = parameters.get("boundary", "")
        self._form = form
        self._charset = parameters.get("charset", "utf-8")
        self._part = _Part()
        self._count = 0
        self._header = (bytearray(), bytearray())
        self._to_write: list[tuple[UploadFile, bytes]] = []
        self._closing = f"\r\n--{boundary}--".encode("latin-1")
        self._last = b"\r\n"
        self._is_closed = False
        if not boundary:
            _unreadable("son Content-Type ne dit pas la frontière (boundary)")
        try:
            self._parser = MultipartParser(
                boundary.encode("latin-1"),
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._header[0].extend(
                        data[start:end]
                    ),
                    "on_header_value": lambda data, start, end: self._header[1].extend(
                        data[start:end]
                    ),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._take,
                    "on_part_end": self._end,
                    "on_end": self._close,
                },
            )
        except FormParserError:
            _unreadable("sa frontière (boundary) est trop longue")

    async def read(self, body: AsyncIterable[bytes]) -> None:
        """Read to the closing boundary, behind which there is nothing."""
        async for chunk in body:
            try:
                self._feed(chunk)
            except _FAULTS:
                _unreadable("une de ses parties est mal formée")
            for file, data in self._to_write:
                await file.write(data)
            self._to_write.clear()
        if not self._is_closed:
            _unreadable("la frontière de fin n'est pas venue, il en manque")

    def _feed(self, chunk: bytes) -> None:
        behind = chunk
        if not self._is_closed:
            self._parser.write(chunk)
            seen = self._last + chunk
            self._last = seen[-len(self._closing) + 1 :]
            behind = seen.partition(self._closing)[2] if self._is_closed else b""
        if behind.strip(b"\r\n\t "):
            _unreadable("il continue derrière la frontière de fin")

    def _begin(self) -> None:
        self._part = _Part()
        self._count += 1
        if self._count > _PARTS:
            _unreadable(f"il a plus de {_PARTS} parties")

    def _take_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _end_header(self) -> None:
        name, value = self._header
        self._part.headers.append((bytes(name.lower()), bytes(value).strip()))
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        part, headers = self._part, dict(self._part.headers)
        if len(headers) != len(part.headers):
            raise ValueError("a header given twice")
        said = read_disposition(headers.get(b"content-disposition", b""))
        part.name = said.name
        part.is_due = self._is_due(said, headers)
        if part.is_due and said.filename is not None:
            part.file = self._form.open(said.filename, part.headers)

    def _is_due(self, said: Disposition, headers: Mapping[bytes, bytes]) -> bool:
        if not self._form.expects(said.name, is_file=said.filename is not None):
            return False
        encoding = headers.get(b"content-transfer-encoding", b"").decode("latin-1").lower()
        if encoding not in _AS_IT_IS:
            self._form.refuse(
                said.name,
                f"Cette partie est encodée ({encoding[:SHOWN]}) : envoyer ses octets tels quels.",
            )
            return False
        kind, parameters = read_parameters(headers.get(b"content-type", b"").decode("latin-1"))
        if kind.startswith("multipart/"):
            self._form.refuse(
                said.name,
                "Cette partie en contient d'autres : envoyer chacune à part, sous le même nom.",
            )
            return False
        charset = CHARSETS.get(parameters.get("charset", self._charset).lower())
        if charset is None and said.filename is None:
            self._form.refuse(
                said.name, "Ce jeu de caractères n'est pas lu ici : envoyer de l'UTF-8."
            )
            return False
        self._part.charset = charset or ""
        return True

    def _take(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.file:
            part.size += end - start
            self._to_write.append((part.file, data[start:end]))
        elif part.is_due:
            self._form.count(end - start)
            part.text += data[start:end]

    def _end(self) -> None:
        part = self._part
        if part.file:
            self._form.add_file(part.name, part.file, part.size)
        elif part.is_due:
            self._form.add_text(part.name, bytes(part.text), part.charset)

    def _close(self) -> None:
        self._is_closed = True


async def _read_pairs(body: AsyncIterable[bytes], form: _Form) -> None:
    sent = bytearray()
    async for chunk in body:
        form.count(len(chunk))
        sent += chunk
    try:
        pairs = parse_qsl(
            sent.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(sent),
            errors="strict",
            max_num_fields=_PARTS,
        )
    except ValueError:
        _unreadable("ce ne sont pas des paires `nom=valeur` en UTF-8")
    for name, value in pairs:
        if form.expects(name, is_file=False):
            form.add_text(name, value.encode(), "utf-8")
