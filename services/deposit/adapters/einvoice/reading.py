"""Recognises a deposited file by its content and reads it into an `Invoice`."""

from dataclasses import replace

from services.deposit.adapters.einvoice.fields import read_fields
from services.deposit.adapters.einvoice.limits import DEFAULT_LIMITS, Limits
from services.deposit.adapters.einvoice.pdf_embedded import embedded_invoice, looks_like_pdf
from services.deposit.adapters.einvoice.xml_tree import looks_like_xml, parse_xml
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.unreadable import UNKNOWN_KIND, Unreadable
from shared.vocabulary.codes import Syntax


def read_einvoice(content: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Invoice:
    """Read the invoice in `content`; `name` only serves to name the file to its depositor.

    A PDF without an embedded invoice gives an `Invoice` with syntax PDF and no field.
    Raises `Unreadable` when there is nothing to judge.
    """
    if looks_like_xml(content):
        return read_fields(parse_xml(content, limits))
    if not looks_like_pdf(content):
        raise Unreadable(UNKNOWN_KIND.broken("file", name=name[:100]))
    embedded = embedded_invoice(content, limits)
    if embedded is None:
        return Invoice(syntax=Syntax.PDF)
    return replace(read_fields(parse_xml(embedded, limits)), syntax=Syntax.FACTUR_X)
