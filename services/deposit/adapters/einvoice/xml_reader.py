"""Reader of an XML file. It must not import the PDF library.

The service reads small XML files in its own process; PDF files are read in reader processes.
"""

from services.deposit.adapters.einvoice.fields import read_fields
from services.deposit.adapters.einvoice.limits import DEFAULT_LIMITS, Limits
from services.deposit.adapters.einvoice.xml_detection import looks_like_xml
from services.deposit.adapters.einvoice.xml_tree import parse_xml
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.unreadable import UNKNOWN_KIND, Unreadable


def read_xml(content: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Invoice:
    """Read the invoice in an XML file. Raises `Unreadable`."""
    if not looks_like_xml(content):
        raise Unreadable(UNKNOWN_KIND.build_violation("file", name=name[:100]))
    return read_fields(parse_xml(content, limits))
