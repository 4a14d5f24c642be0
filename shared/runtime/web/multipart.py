"""Multipart parser (RFC 7578): reads a form part by part, and refuses a truncated one."""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.datastructures import UploadFile

from shared.runtime.web.content_disposition import (
    CHARSETS,
    Disposition,
    read_disposition,
    read_parameters,
)
from shared.runtime.web.form_fields import ReceivedForm, refuse_body
from shared.runtime.web.problems import SHOWN

PARTS_MAX = 200
"""Limit of parts of a form: each file kept on disk takes a file descriptor."""
_UNENCODED = frozenset({"", "7bit", "8bit", "binary"})
"""Values of Content-Transfer-Encoding that leave the bytes as they are."""
_FAULTS = (FormParserError, ValueError)


@dataclass(slots=True)
class _Part:
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    name: str = ""
    charset: str = "utf-8"
    text: bytearray = field(default_factory=bytearray)
    file: UploadFile | None = None
    size: int = 0
    is_accepted: bool = False


class MultipartReader:
    """Reader of one multipart body: python-multipart calls its methods, `read` writes the files."""

    def __init__(self, parameters: Mapping[str, str], form: ReceivedForm) -> None:
        """Prepare; `parameters` are those of the Content-Type, `form` receives the parts."""
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
            refuse_body("son Content-Type ne dit pas la frontière (boundary)")
        try:
            self._parser = MultipartParser(
                boundary.encode("latin-1"),
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._take_header_name,
                    "on_header_value": self._take_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._take,
                    "on_part_end": self._end,
                    "on_end": self._close,
                },
            )
        except FormParserError:
            refuse_body("sa frontière (boundary) est trop longue")

    async def read(self, body: AsyncIterable[bytes]) -> None:
        """Read the body, part by part.

        Raises Problem: 400 when the body is malformed, or does not end with the closing boundary,
        413 for too many bytes of text.
        """
        async for chunk in body:
            try:
                self._feed(chunk)
            except _FAULTS:
                refuse_body("une de ses parties est mal formée")
            for file, data in self._to_write:
                await file.write(data)
            self._to_write.clear()
        if not self._is_closed:
            refuse_body("la frontière de fin n'est pas venue, il en manque")

    def _feed(self, chunk: bytes) -> None:
        behind = chunk
        if not self._is_closed:
            self._parser.write(chunk)
            seen = self._last + chunk
            self._last = seen[-len(self._closing) + 1 :]
            behind = seen.partition(self._closing)[2] if self._is_closed else b""
        if behind.strip(b"\r\n\t "):
            refuse_body("il continue derrière la frontière de fin")

    def _begin(self) -> None:
        self._part = _Part()
        self._count += 1
        if self._count > PARTS_MAX:
            refuse_body(f"il a plus de {PARTS_MAX} parties")

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
        disposition = read_disposition(headers.get(b"content-disposition", b""))
        part.name = disposition.name
        part.is_accepted = self._accept_part(disposition, headers)
        if part.is_accepted and disposition.filename is not None:
            part.file = self._form.open_file(disposition.filename, part.headers)

    def _accept_part(self, disposition: Disposition, headers: Mapping[bytes, bytes]) -> bool:
        if not self._form.accept_part(disposition.name, is_file=disposition.filename is not None):
            return False
        encoding = headers.get(b"content-transfer-encoding", b"").decode("latin-1").lower()
        if encoding not in _UNENCODED:
            self._form.note_fault(
                disposition.name,
                f"Cette partie est encodée ({encoding[:SHOWN]}) : envoyer ses octets tels quels.",
            )
            return False
        kind, parameters = read_parameters(headers.get(b"content-type", b"").decode("latin-1"))
        if kind.startswith("multipart/"):
            self._form.note_fault(
                disposition.name,
                "Cette partie en contient d'autres : envoyer chacune à part, sous le même nom.",
            )
            return False
        charset = CHARSETS.get(parameters.get("charset", self._charset).lower())
        if charset is None and disposition.filename is None:
            self._form.note_fault(
                disposition.name, "Ce jeu de caractères n'est pas lu ici : envoyer de l'UTF-8."
            )
            return False
        self._part.charset = charset or ""
        return True

    def _take(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.file:
            part.size += end - start
            self._to_write.append((part.file, data[start:end]))
        elif part.is_accepted:
            self._form.count_text(end - start)
            part.text += data[start:end]

    def _end(self) -> None:
        part = self._part
        if part.file:
            self._form.add_file(part.name, part.file, part.size)
        elif part.is_accepted:
            self._form.add_text(part.name, bytes(part.text), part.charset)

    def _close(self) -> None:
        self._is_closed = True
