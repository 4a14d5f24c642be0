"""Reader of a deposited file: recognises it by its content and reads it into an `Invoice`."""

from dataclasses import replace

from services.deposit.adapters.einvoice.fields import read_fields
from services.deposit.adapters.einvoice.limits import DEFAULT_LIMITS, Limits
from services.deposit.adapters.einvoice.pdf_invoice import extract_invoice
from services.deposit.adapters.einvoice.xml_detection import looks_like_xml
from services.deposit.adapters.einvoice.xml_reader import read_xml
from services.deposit.adapters.einvoice.xml_tree import parse_xml
from services.deposit.domain.invoice import Invoice
from shared.vocabulary.attachments import has_pdf_header
from shared.vocabulary.codes import Syntax


def read_einvoice(content: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Invoice:
    """Read the invoice in `content`; `name` is only used in the sentence of a refusal.

    A PDF without an embedded invoice gives an `Invoice` with syntax PDF and no field.
    Raises `Unreadable` when the file cannot be read.
    """
    if looks_like_xml(content) or not has_pdf_header(content):
        return read_xml(content, name, limits)
    embedded = extract_invoice(content, limits)
    if embedded is None:
        return Invoice(syntax=Syntax.PDF)
    return replace(read_fields(parse_xml(embedded, limits)), syntax=Syntax.FACTUR_X)
