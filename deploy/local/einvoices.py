"""Writer of sample e-invoices, as suppliers send them: UBL 2.1, CII, Factur-X and plain PDF."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

from fpdf import FPDF

_TEMPLATES = Path(__file__).parent / "templates"
EN_16931 = "urn:cen.eu:en16931:2017"


@dataclass(frozen=True, slots=True)
class Trader:
    """Seller or buyer of an e-invoice, in France."""

    name: str
    siret: str

    @property
    def siren(self) -> str:
        """SIREN of the company: the first nine digits of each of its SIRETs."""
        return self.siret[:9]

    @property
    def vat_number(self) -> str:
        """French VAT number: FR, a key computed from the SIREN, the SIREN."""
        return f"FR{(12 + 3 * (int(self.siren) % 97)) % 97:02d}{self.siren}"


@dataclass(frozen=True, slots=True)
class Einvoice:
    """Fields of a works e-invoice of one line. `rate` is the VAT rate in per cent."""

    number: str
    issued_on: date
    cadre: str
    seller: Trader
    buyer: Trader
    ht: Decimal
    rate: Decimal = Decimal(20)
    prepaid: Decimal = Decimal(0)
    currency: str = "EUR"
    engagement: str | None = None
    marche: str | None = None
    service_code: str | None = None
    preceding_number: str | None = None
    is_credit_note: bool = False

    @property
    def tva(self) -> Decimal:
        """Amount of VAT, rounded to the cent."""
        return (self.ht * self.rate / 100).quantize(Decimal("0.01"))

    @property
    def ttc(self) -> Decimal:
        """Total with VAT."""
        return self.ht + self.tva

    @property
    def due(self) -> Decimal:
        """Amount left to pay."""
        return self.ttc - self.prepaid


def write_ubl(invoice: Einvoice) -> bytes:
    """Write a UBL 2.1 invoice or credit note."""
    kind, line_kind, quantity, type_code = (
        ("CreditNote", "CreditNoteLine", "CreditedQuantity", 381)
        if invoice.is_credit_note
        else ("Invoice", "InvoiceLine", "InvoicedQuantity", 380)
    )
    return _fill_template(
        "ubl",
        _build_fields(invoice)
        | {
            "kind": kind,
            "line_kind": line_kind,
            "quantity": quantity,
            "type_code": type_code,
            "service": _format_optional(
                "<cbc:BuyerReference>{}</cbc:BuyerReference>", invoice.service_code
            ),
            "engagement": _format_optional(
                "<cac:OrderReference><cbc:ID>{}</cbc:ID></cac:OrderReference>", invoice.engagement
            ),
            "preceding": _format_optional(
                "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>{}</cbc:ID>"
                "</cac:InvoiceDocumentReference></cac:BillingReference>",
                invoice.preceding_number,
            ),
            "marche": _format_optional(
                "<cac:ContractDocumentReference><cbc:ID>{}</cbc:ID></cac:ContractDocumentReference>",
                invoice.marche,
            ),
            "seller": _format_ubl_party(invoice.seller),
            "buyer": _format_ubl_party(invoice.buyer),
        },
    ).encode()


def write_cii(invoice: Einvoice) -> bytes:
    """Write a CII invoice or credit note, in the elements that D16B and D22B share."""
    return _fill_template(
        "cii",
        _build_fields(invoice)
        | {
            "day": f"{invoice.issued_on:%Y%m%d}",
            "type_code": 381 if invoice.is_credit_note else 380,
            "service": _format_optional(
                "<ram:BuyerReference>{}</ram:BuyerReference>", invoice.service_code
            ),
            "engagement": _format_cii_reference("BuyerOrderReferencedDocument", invoice.engagement),
            "marche": _format_cii_reference("ContractReferencedDocument", invoice.marche),
            "preceding": _format_cii_reference(
                "InvoiceReferencedDocument", invoice.preceding_number
            ),
            "seller": _format_cii_party(invoice.seller),
            "buyer": _format_cii_party(invoice.buyer),
        },
    ).encode()


def write_factur_x(invoice: Einvoice) -> bytes:
    """Write a Factur-X invoice: a readable PDF with the CII invoice embedded as `factur-x.xml`."""
    pdf = _build_page(invoice)
    pdf.embed_file(
        bytes=write_cii(invoice),
        basename="factur-x.xml",
        mime_type="text/xml",
        desc="Facture électronique",
        associated_file_relationship="Alternative",
        compress=True,
        modification_date=pdf.creation_date,
    )
    return bytes(pdf.output())


def write_plain_pdf(invoice: Einvoice) -> bytes:
    """Write a PDF without invoice data, as MOE and MOA deposit it."""
    return bytes(_build_page(invoice).output())


def _build_page(invoice: Einvoice) -> FPDF:
    pdf = FPDF()
    pdf.creation_date = datetime.combine(invoice.issued_on, time(), UTC)
    pdf.add_page()
    pdf.set_font("Helvetica", size=11)
    for line in (
        f"{invoice.cadre} no {invoice.number} du {invoice.issued_on:%d/%m/%Y}",
        f"De : {invoice.seller.name}, SIRET {invoice.seller.siret}",
        f"À : {invoice.buyer.name}, SIRET {invoice.buyer.siret}",
        f"HT {invoice.ht} {invoice.currency}, TVA {invoice.tva}, TTC {invoice.ttc}",
        f"À payer : {invoice.due} {invoice.currency}",
    ):
        pdf.cell(text=line.encode("latin-1", "replace").decode("latin-1"), h=8)
        pdf.ln(8)
    return pdf


def _fill_template(template: str, fields: dict[str, object]) -> str:
    text = (_TEMPLATES / f"{template}.xml").read_text(encoding="utf-8")
    return text.rstrip().format_map(fields)


def _build_fields(invoice: Einvoice) -> dict[str, object]:
    return {
        "number": escape(invoice.number),
        "issued_on": invoice.issued_on,
        "cadre": escape(invoice.cadre),
        "currency": escape(invoice.currency),
        "ht": invoice.ht,
        "tva": invoice.tva,
        "ttc": invoice.ttc,
        "prepaid": invoice.prepaid,
        "due": invoice.due,
        "rate": invoice.rate,
        "category": "S" if invoice.rate else "Z",
        "profile": EN_16931,
    }


def _format_optional(template: str, value: str | None) -> str:
    return "" if value is None else template.format(escape(value))


def _format_cii_reference(name: str, value: str | None) -> str:
    return _format_optional(
        f"<ram:{name}><ram:IssuerAssignedID>{{}}</ram:IssuerAssignedID></ram:{name}>", value
    )


def _format_ubl_party(trader: Trader) -> str:
    return _fill_template("ubl-party", {"trader": trader, "name": escape(trader.name)})


def _format_cii_party(trader: Trader) -> str:
    return _fill_template("cii-party", {"trader": trader, "name": escape(trader.name)})
