"""Files that the demo deposits, and their metadata."""

from collections.abc import Callable
from typing import Any

from deploy.local import einvoices
from deploy.local.demo.actor import File
from deploy.local.einvoices import Einvoice

Writer = Callable[[Einvoice], File]
"""Function that writes a piece as a file of one syntax."""


def write_ubl(piece: Einvoice) -> File:
    """Write a piece as UBL 2.1."""
    return File(f"{piece.number}.xml", "application/xml", einvoices.write_ubl(piece))


def write_cii(piece: Einvoice) -> File:
    """Write a piece as CII."""
    return File(f"{piece.number}.xml", "application/xml", einvoices.write_cii(piece))


def write_factur_x(piece: Einvoice) -> File:
    """Write a piece as Factur-X."""
    return File(f"{piece.number}.pdf", "application/pdf", einvoices.write_factur_x(piece))


def write_pdf(piece: Einvoice) -> File:
    """Write a piece as a PDF without invoice data."""
    return File(f"{piece.number}.pdf", "application/pdf", einvoices.write_plain_pdf(piece))


def build_metadata(piece: Einvoice) -> dict[str, Any]:
    """Build the metadata of a plain PDF: the fields that an e-invoice would hold."""
    return {
        "cadre": piece.cadre,
        "number": piece.number,
        "issued_on": piece.issued_on.isoformat(),
        "currency": piece.currency,
        "amounts": {name: str(getattr(piece, name)) for name in ("ht", "tva", "ttc", "due")},
    }
