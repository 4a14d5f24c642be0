"""Real e-invoices, which nobody here wrote: all are recognised and read."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import facturx
import pytest
from lxml import etree

from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.domain.invoice import judge_invoice
from services.deposit.domain.unreadable import Unreadable
from shared.vocabulary.codes import Syntax
from tests.kit.einvoices import SampleSettings

_FOLDER = SampleSettings().folder
pytestmark = pytest.mark.skipif(
    not _FOLDER.is_dir(), reason=f"no folder of real e-invoices (AIGUILLAGE_SAMPLES): {_FOLDER}"
)

# number, date, currency, HT, TVA, TTC, due: copied from the files by eye.
_CORE = {
    "cii-cen-example2.xml": "TOSL108 2013-06-30 NOK 1436.5 365.28 1801.78 801.78",
    "cii-cen-example4.xml": "TOSL110 2013-04-10 DKK 4000 675 4675 4675",
    "cii-cen-example6.xml": "TOSL110 2013-04-10 DKK 4000 675 4675 4675",
    "cii-cen-example7.xml": "INVOICE_test_7 2013-05-13 SEK 3200 0 3200 3200",
    "cii-fr-basic.xml": "F20260023 2026-01-31 EUR 100.00 4.90 104.90 104.90",
    "cii-fr-chorus-a2.xml": "SAMPLE-001 2022-02-01 EUR 1620.00 324.00 1944.00 0.00",
    "cii-fr-vat-number-only.xml": "FAC-20171118-506 2017-11-18 EUR 496.00 75.04 571.04 571.04",
    "cii-fr-basicwl.xml": "F20260023 2026-01-31 EUR 100.00 4.90 104.90 104.90",
    "pdf-fr-avoir-en16931.pdf": "AV-2017-0005 2017-11-16 EUR 218.48 14.99 233.47 233.47",
    "pdf-fr-facture-basic.pdf": "FA-2017-0010 2017-11-13 EUR 624.90 46.25 671.15 470.15",
    "pdf-fr-facture-en16931.pdf": "FA-2017-0010 2017-11-13 EUR 624.90 46.25 671.15 470.15",
    "pdf-fr-facture-minimum.pdf": "FA-2017-0010 2017-11-13 EUR 624.90 46.25 671.15 470.15",
    "pdf-zugferd-invoice.pdf": "2014-03 2014-07-11 EUR 845.00 160.55 1005.55 1005.55",
    "ubl-chorus-e1-a4.xml": "SIT-E2-03 2026-11-20 EUR 1000.00 200.00 1200.00 1200.00",
    "ubl-chorus-e2-a4.xml": "SIT-E2-02 2026-11-20 EUR 1000.00 200.00 1200.00 1200.00",
    "ubl-cen-example2.xml": "TOSL108 2013-06-30 NOK 1436.50 365.28 1801.78 801.78",
    "ubl-cen-example4.xml": "TOSL110 2013-04-10 DKK 4000.00 675.00 4675.00 4675.00",
    "ubl-cen-example6.xml": "TOSL110 2013-04-10 DKK 4000.00 675.00 4675.00 4675.00",
    "ubl-cen-example7.xml": "INVOICE_test_7 2013-03-11 SEK 3200.00 0.00 3200.00 3200.00",
    "ubl-cen-example8.xml": "1100512149 2014-11-10 EUR 908.91 190.87 1099.78 1099.78",
}
_SIRETS = [("DEP-INV-10", "seller.siret"), ("DEP-INV-10", "buyer.siret")]
_MADE_UP = {
    "pdf-fr-": _SIRETS,
    "cii-fr-chorus-a2": _SIRETS,
    "cii-fr-basic": [
        ("DEP-INV-15", "buyer.siren"),
        ("DEP-INV-15", "tax_representative.vat_number"),
    ],
}
"""Numbers without their keys, by the beginning of the file's name."""
_SYNTAXES = {"ubl": Syntax.UBL, "cii": Syntax.CII, "pdf": Syntax.FACTUR_X}


def _content(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def _files(*suffixes: str) -> list[Path]:
    return sorted(path for path in _FOLDER.glob("*") if path.suffix in suffixes)


@pytest.mark.parametrize("name", sorted(_CORE))
def test_the_syntax_and_the_core_fields_are_read(name: str) -> None:
    invoice = read_einvoice(_content(name), name)

    number, day, currency, *amounts = _CORE[name].split(" ")
    assert invoice.syntax is _SYNTAXES[name[:3]]
    assert (invoice.number, invoice.issued_on) == (number, date.fromisoformat(day))
    assert invoice.currency == currency
    totals = invoice.get_amounts()
    assert totals is not None
    assert [totals.ht, totals.tva, totals.ttc, totals.due] == list(map(Decimal, amounts))


def test_no_sample_is_left_out() -> None:
    assert {path.name for path in _files(".xml", ".pdf")} - set(_CORE) == {
        "pdf-without-invoice.pdf",
        "pdf-fr-unknown-attachment-name.pdf",
    }


def test_an_invoice_under_a_name_that_no_standard_has_is_named_in_the_refusal() -> None:
    with pytest.raises(Unreadable) as refusal:
        read_einvoice(_content("pdf-fr-unknown-attachment-name.pdf"), "x")

    assert refusal.value.violation.code == "DEP-FILE-14"
    assert "« facture.xml »" in refusal.value.violation.message


def test_a_pdf_without_an_invoice_is_a_plain_pdf() -> None:
    assert read_einvoice(_content("pdf-without-invoice.pdf"), "x").syntax is Syntax.PDF


def test_parties_references_and_type_are_read() -> None:
    french = read_einvoice(_content("cii-fr-basic.xml"), "x")
    avoir = read_einvoice(_content("pdf-fr-avoir-en16931.pdf"), "x")
    cen = read_einvoice(_content("ubl-cen-example2.xml"), "x")

    assert (french.seller.siret, french.seller.siren) == ("12345678200077", "123456782")
    assert (french.buyer.siret, french.buyer.siren) == (None, "987654321")
    assert (french.engagement, french.marche) == ("PO201925478", "CT2018120802")
    assert (french.service_code, french.preceding_numbers) == ("SERVEXEC", ("F20260003",))
    assert (avoir.type_code, avoir.preceding_numbers) == ("381", ("FA-2017-0010",))
    assert avoir.seller.siret == "99999999800010"
    chorus = read_einvoice(_content("ubl-chorus-e1-a4.xml"), "x")
    by_vat = read_einvoice(_content("cii-fr-vat-number-only.xml"), "x")
    assert (chorus.service_code, chorus.buyer.siret) == ("TRAVAUX", "90000000300013")
    assert (by_vat.seller.company, by_vat.buyer.company) == ("552081317", "787878784")
    assert (cen.engagement, cen.marche) == ("123", "Contract321")
    assert (cen.seller.name, cen.seller.siret) == ("Salescompany ltd.", None)


@pytest.mark.parametrize("name", sorted(_CORE))
def test_what_a_sample_breaks_is_a_rule_of_ours(name: str) -> None:
    invoice = read_einvoice(_content(name), name)

    violations = judge_invoice(invoice, today=date(2026, 11, 24), max_number_length=20)

    (made_up,) = [each for start, each in _MADE_UP.items() if name.startswith(start)] or [[]]
    assert [(v.code, v.field) for v in violations] == made_up
    assert invoice.cadre == {"ubl-chorus": "A4", "cii-fr-cho": "A2"}.get(name[:10])


@pytest.mark.parametrize("name", sorted(name for name in _CORE if name.startswith("pdf-")))
def test_facturx_finds_the_same_invoice_in_the_pdf(name: str) -> None:
    _, xml = facturx.get_xml_from_pdf(_content(name), check_xsd=False)

    from_xml, from_pdf = read_einvoice(xml, name), read_einvoice(_content(name), name)

    assert (from_xml.number, from_xml.get_amounts()) == (from_pdf.number, from_pdf.get_amounts())


@pytest.mark.parametrize("name", sorted(name for name in _CORE if name.endswith(".xml")))
def test_facturx_recognises_the_same_syntax(name: str) -> None:
    flavor = facturx.get_flavor(etree.fromstring(_content(name)))

    assert flavor == {"ubl": "ubl-2.1-invoice", "cii": "factur-x"}[name[:3]]
