"""Embedded files (attachments) of a PDF, wherever the format allows one."""

import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pikepdf

from services.deposit.domain.unreadable import UNSAFE_PDF, Unreadable

PDF_ERRORS = (pikepdf.PdfError, RuntimeError, ValueError, TypeError, KeyError, AttributeError)
"""Exceptions that pikepdf raises on a malformed structure."""

_TREE_ENTRIES = 10_000
_OBJECTS = 50_000
_DEPTH = 20
_NAME_KEYS = ("/UF", "/F", "/Unix", "/Mac", "/DOS", "/Desc")
_STREAM_KEYS = ("/F", "/UF", "/Unix", "/Mac", "/DOS")
_VISITED_LAST = frozenset({"/Outlines", "/StructTreeRoot", "/Dests"})
_FLATE = pikepdf.Name.FlateDecode
_REFERENCE = re.compile(rb"(\d+) (\d+) R\b")


@dataclass(slots=True)
class EmbeddedFile:
    """A file inside a PDF: its names, and its bytes where it has some."""

    stream: pikepdf.Object | None
    names: list[str] = field(default_factory=list)

    def read(self) -> bytes | None:
        """Decompress the file; None when it is damaged or over the limit of the PDF library."""
        try:
            return self.stream.read_bytes() if self.stream is not None else None
        except PDF_ERRORS:
            return None

    def read_head(self, size: int) -> bytes:
        """Decompress the first bytes, alone where possible; empty when the file is damaged."""
        if self.stream is None:
            return b""
        try:
            if self.stream.get("/Filter") == _FLATE and "/DecodeParms" not in self.stream:
                return zlib.decompressobj().decompress(self.stream.read_raw_bytes(), size)
            return self.stream.read_bytes()[:size]
        except (*PDF_ERRORS, zlib.error):
            return b""


def find_files(pdf: pikepdf.Pdf) -> list[EmbeddedFile]:
    """Find every embedded file. A stream that several names lead to is one file."""
    found: dict[object, EmbeddedFile] = {}
    for key, specification in _walk_names(pdf.Root):
        _add(found, specification, [str(key)])
    for specification in _walk_objects(pdf):
        _add(found, specification, [])
    return list(found.values())


def _add(
    found: dict[object, EmbeddedFile], specification: pikepdf.Object, names: Iterable[str]
) -> None:
    own = [str(specification.get(key)) for key in _NAME_KEYS if key in specification]
    held = specification.get("/EF")
    streams: list[pikepdf.Object | None] = []
    if isinstance(held, pikepdf.Dictionary):
        inside = map(held.get, _STREAM_KEYS)
        streams += [each for each in inside if isinstance(each, pikepdf.Stream)]
    for stream in streams or [None]:
        identity = object() if stream is None else stream.objgen
        file = found.setdefault(identity, EmbeddedFile(stream))
        file.names += [name for name in (*own, *names) if name not in file.names]


def _walk_names(root: pikepdf.Object) -> Iterator[tuple[pikepdf.Object, pikepdf.Object]]:
    """Yield each name in the tree of embedded files, with its file specification.

    qpdf's own iterator visits shared branches again and again: on 1.5 kB of them it never ends.
    Raises `Unreadable` for a tree of more than 10,000 entries.
    """
    names = root.get("/Names", pikepdf.Dictionary())
    waiting = [names.get("/EmbeddedFiles", pikepdf.Dictionary())]
    seen = set()
    count = 0
    while waiting:
        node = waiting.pop()
        if node.is_indirect and node.objgen in seen:
            continue
        seen.add(node.objgen)
        pairs, kids = node.get("/Names", ()), node.get("/Kids", ())
        count += len(pairs) + len(kids)
        if count > _TREE_ENTRIES:
            raise Unreadable(UNSAFE_PDF.build_violation("file"))
        waiting.extend(kids)
        yield from zip(pairs[::2], pairs[1::2], strict=True)


def _walk_objects(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Yield every file specification that holds a file: any object may have one.

    References are read from the text of objects, which the library writes five times faster than it
    converts them to Python. The walk ends at 50,000 objects, so bookmarks and structure, of which
    long documents have hundreds of thousands, come last.
    """
    if b"/EF" in pdf.Root.unparse(resolved=True):
        yield from _walk_specifications(pdf.Root)
    containers = [(key, each) for key, each in pdf.Root.items() if isinstance(each, pikepdf.Object)]
    seen: set[bytes] = set()
    for is_last in (False, True):
        waiting = deque(
            each.unparse() for key, each in containers if (key in _VISITED_LAST) is is_last
        )
        while waiting:
            for number, generation in _REFERENCE.findall(waiting.popleft()):
                if number in seen:
                    continue
                if len(seen) == _OBJECTS:
                    return
                seen.add(number)
                node, text = _read_object(pdf, int(number), int(generation))
                waiting.append(text)
                if b"/EF" in text:
                    yield from _walk_specifications(node)


def _read_object(pdf: pikepdf.Pdf, number: int, generation: int) -> tuple[object, bytes]:
    """Read an object and its text, for a stream those of its dictionary; None if damaged."""
    try:
        node = pdf.get_object(number, generation)
        if isinstance(node, pikepdf.Stream):
            node = node.stream_dict
        return node, node.unparse(resolved=True) if isinstance(node, pikepdf.Object) else b""
    except PDF_ERRORS:
        return None, b""


def _walk_specifications(node: object, depth: int = _DEPTH) -> Iterator[pikepdf.Object]:
    """Yield the file specifications inside one object, without following references."""
    if isinstance(node, pikepdf.Dictionary):
        if isinstance(node.get("/EF"), pikepdf.Dictionary):
            yield node
        inside: Iterable[object] = node.values()
    elif isinstance(node, pikepdf.Array):
        inside = node
    else:
        return
    if depth:
        for each in inside:
            if isinstance(each, pikepdf.Object) and not each.is_indirect:
                yield from _walk_specifications(each, depth - 1)
