"""Extraction of the e-invoice from a PDF, without trusting the PDF's structure or sizes."""

import io

import pikepdf

from services.deposit.adapters.einvoice.file_names import is_preferred, is_reserved
from services.deposit.adapters.einvoice.limits import Limits
from services.deposit.adapters.einvoice.pdf_files import PDF_ERRORS, EmbeddedFile, find_files
from services.deposit.adapters.einvoice.pdf_filters import has_unbounded_filter
from services.deposit.adapters.einvoice.xml_detection import is_blank, looks_like_xml
from services.deposit.adapters.einvoice.xml_tree import read_root_name
from services.deposit.adapters.einvoice.xpaths import PATHS
from services.deposit.domain.unreadable import (
    BROKEN_PDF,
    EMBEDDED_UNREADABLE,
    ENCRYPTED_PDF,
    INVOICE_MISNAMED,
    SEVERAL_INVOICES,
    UNSAFE_PDF,
    Unreadable,
    refuse_size,
)
from shared.vocabulary.sizes import MEGABYTE
from shared.vocabulary.texts import make_showable

_STREAM_BYTES = 12 * MEGABYTE
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
_HEAD_BYTES = 64 * 1024
_END_WITHIN = 1024
"""Number of last bytes in which the end mark of a PDF must be."""
_NAMES_SHOWN, _NAME_SHOWN = 3, 100
_MOST_COPIES = 10
"""Most files with a reserved name that are read, each unpacked, to tell copies from others."""


def extract_invoice(content: bytes, limits: Limits) -> bytes | None:
    """Return the XML of the invoice in a PDF; None when it holds none. Raises `Unreadable`."""
    if len(content) > limits.pdf_bytes:
        raise Unreadable(refuse_size(len(content), limits.pdf_bytes))
    if b"%%EOF" not in content[-_END_WITHIN:]:
        raise Unreadable(BROKEN_PDF.build_violation("file"))
    if has_unbounded_filter(content):
        raise Unreadable(UNSAFE_PDF.build_violation("file"))
    repairable = len(content) <= limits.repaired_pdf_bytes
    try:
        with pikepdf.open(io.BytesIO(content), attempt_recovery=repairable) as pdf:
            if pdf.is_encrypted:
                raise Unreadable(ENCRYPTED_PDF.build_violation("file"))
            return _choose_invoice(find_files(pdf), limits)
    except pikepdf.PasswordError:
        raise Unreadable(ENCRYPTED_PDF.build_violation("file")) from None
    except PDF_ERRORS:
        raise Unreadable(BROKEN_PDF.build_violation("file")) from None


def _choose_invoice(files: list[EmbeddedFile], limits: Limits) -> bytes | None:
    """Choose the one invoice with a reserved name; an invoice with another name is refused.

    `factur-x.xml` is preferred: a hybrid file may hold the same invoice for older readers too, as
    `ZUGFeRD-invoice.xml`. Up to 10 copies of the same bytes are one invoice.
    """
    reserved = [each for each in files if any(map(is_reserved, each.names))]
    reserved = [each for each in reserved if any(map(is_preferred, each.names))] or reserved
    if reserved:
        return _read_copies(reserved, limits)
    misnamed = [each for each in files if _is_invoice(each, limits)]
    if misnamed:
        raise Unreadable(INVOICE_MISNAMED.build_violation("file", names=_list_names(misnamed)))
    return None


def _read_copies(files: list[EmbeddedFile], limits: Limits) -> bytes:
    """Read the invoice that all these files hold; raises `Unreadable` when one holds another."""
    if len(files) > _MOST_COPIES:
        raise _refuse_several(files)
    first = _read_content(files[0], limits)
    for each in files[1:]:
        if _read_content(each, limits) != first:
            raise _refuse_several([files[0], each])
    return first


def _refuse_several(files: list[EmbeddedFile]) -> Unreadable:
    return Unreadable(SEVERAL_INVOICES.build_violation("file", names=_list_names(files)))


def _list_names(files: list[EmbeddedFile]) -> str:
    """List the names of files for a sentence: the reserved name of each where it has one."""
    chosen = (
        next(filter(is_reserved, each.names), next(iter(each.names), "sans nom"))
        for each in files[:_NAMES_SHOWN]
    )
    return ", ".join(f"« {make_showable(name.rstrip(chr(0)))[:_NAME_SHOWN]} »" for name in chosen)


def _is_invoice(file: EmbeddedFile, limits: Limits) -> bool:
    """Tell whether a file is an invoice by its root element, which may follow a long comment."""
    head = file.read_head(_HEAD_BYTES)
    is_cut = len(head) == _HEAD_BYTES
    if not looks_like_xml(head) and not (is_cut and is_blank(head)):
        return False
    name = read_root_name(head)
    if name is None and is_cut:
        name = read_root_name(file.read_head(limits.embedded_bytes))
    return name in PATHS


def _read_content(file: EmbeddedFile, limits: Limits) -> bytes:
    xml = file.read()
    if xml is None or len(xml) > limits.embedded_bytes:
        raise Unreadable(EMBEDDED_UNREADABLE.build_violation("file", limit=limits.embedded_bytes))
    return xml
