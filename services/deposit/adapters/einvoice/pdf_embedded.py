"""Takes the electronic invoice out of a PDF, without trusting the PDF's structure or sizes."""

import io
import re
from collections.abc import Iterator

import pikepdf

from services.deposit.adapters.einvoice.limits import Limits
from services.deposit.domain.unreadable import (
    BROKEN_PDF,
    EMBEDDED_UNREADABLE,
    ENCRYPTED_PDF,
    SEVERAL_INVOICES,
    UNSAFE_PDF,
    Unreadable,
    too_large,
)

_HEADER_WITHIN = 1024
_INVOICE_NAMES = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"})

_TREE_ENTRIES = 10_000

# pikepdf answers a malformed structure by whichever of these its first misstep raises.
_MISSTEPS = (pikepdf.PdfError, RuntimeError, ValueError, TypeError, KeyError, AttributeError)

_STREAM_BYTES = 12 * 1024 * 1024
# qpdf's limits belong to the process and must be set before any thread opens a PDF.
pikepdf.settings.set_qpdf_limits(
    max_stream_filters=2,
    flate_max_memory=_STREAM_BYTES,
    run_length_max_memory=_STREAM_BYTES,
    png_max_memory=_STREAM_BYTES,
    tiff_max_memory=_STREAM_BYTES,
    dct_max_memory=_STREAM_BYTES,
    parser_max_container_size=1_000_000,
    doc_max_warnings=1_000,
)


def _spelt(name: bytes) -> bytes:
    """Match `name` however a PDF spells it: any letter may be written `#xx`."""
    return b"".join(b"(?:%c|(?i:#%02x))" % (letter, letter) for letter in name)


# qpdf bounds every decoder but LZW's, which expands more than a thousandfold. A filter may also be
# a reference to an object that a scan cannot see: that is refused as well.
_BLANK = rb"[\s\x00]|%[^\r\n]*[\r\n]"
_UNBOUNDED_FILTER = re.compile(
    rb"/%b(?:%b)?(?=[\s\x00/\[\]<>()%%])" % (_spelt(b"LZW"), _spelt(b"Decode"))
    + rb"|/%b(?:%b)*+(?:\d|\[(?:%b|/[^\s\x00/\[\]<>()%%]+)*+\d)"
    % (_spelt(b"Filter"), _BLANK, _BLANK)
)


def looks_like_pdf(content: bytes) -> bool:
    """Tell whether `content` has a PDF header where readers look for it."""
    return b"%PDF-" in content[:_HEADER_WITHIN]


def embedded_invoice(content: bytes, limits: Limits) -> bytes | None:
    """Give the XML of the invoice in a PDF, None when it holds none, or raise `Unreadable`."""
    if len(content) > limits.pdf_bytes:
        raise Unreadable(too_large(len(content), limits.pdf_bytes))
    if b"%%EOF" not in content[-_HEADER_WITHIN:]:
        raise Unreadable(BROKEN_PDF.broken("file"))
    if _UNBOUNDED_FILTER.search(content):
        raise Unreadable(UNSAFE_PDF.broken("file"))
    repairable = len(content) <= limits.repaired_pdf_bytes
    try:
        with pikepdf.open(io.BytesIO(content), attempt_recovery=repairable) as pdf:
            return _invoice_of(pdf, limits)
    except pikepdf.PasswordError:
        raise Unreadable(ENCRYPTED_PDF.broken("file")) from None
    except _MISSTEPS:
        raise Unreadable(BROKEN_PDF.broken("file")) from None


def _invoice_of(pdf: pikepdf.Pdf, limits: Limits) -> bytes | None:
    if pdf.is_encrypted:
        raise Unreadable(ENCRYPTED_PDF.broken("file"))
    found = [
        (name, specification)
        for key, specification in _embedded_files(pdf)
        if (name := _invoice_name(key, specification))
    ]
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(name for name, _ in found[:3])
        raise Unreadable(SEVERAL_INVOICES.broken("file", names=names))
    return _content_of(found[0][1], limits)


def _embedded_files(pdf: pikepdf.Pdf) -> Iterator[tuple[pikepdf.Object, pikepdf.Object]]:
    """Walk the tree of embedded files: pairs of a name and a file specification.

    qpdf's own walk follows shared branches again and again: 1.5 kB of them never end.
    """
    names = pdf.Root.get("/Names", pikepdf.Dictionary())
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
            raise Unreadable(UNSAFE_PDF.broken("file"))
        waiting.extend(kids)
        yield from zip(pairs[::2], pairs[1::2], strict=True)


def _invoice_name(key: pikepdf.Object, specification: pikepdf.Object) -> str | None:
    """Give the file's name when it is one reserved for an invoice."""
    for name in (key, specification.get("/UF"), specification.get("/F")):
        if str(name).lower() in _INVOICE_NAMES:
            return str(name)
    return None


def _content_of(specification: pikepdf.Object, limits: Limits) -> bytes:
    try:
        streams = specification.EF
        xml = (streams.F if "/F" in streams else streams.UF).read_bytes()
    except _MISSTEPS:
        xml = None  # damaged, or beyond qpdf's own limit
    if xml is None or len(xml) > limits.embedded_bytes:
        raise Unreadable(EMBEDDED_UNREADABLE.broken("file", limit=limits.embedded_bytes))
    return xml
