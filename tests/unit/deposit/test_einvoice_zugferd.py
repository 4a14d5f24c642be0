"""ZUGFeRD 1.0, whose elements have other names, alone and beside a Factur-X invoice."""

from datetime import date
from decimal import Decimal

import facturx
import pytest

from deploy.local.einvoices import write_cii
from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.domain.unreadable import Unreadable
from shared.vocabulary.codes import Syntax
from tests.kit import hostile_pdfs
from tests.kit.einvoices import an_einvoice

_CODES = "urn:un:unece:uncefact:data:standard"
_ZUGFERD = f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0"
  xmlns:ram="{_CODES}:ReusableAggregateBusinessInformationEntity:12"
  xmlns:udt="{_CODES}:UnqualifiedDataType:15">
  <rsm:SpecifiedExchangedDocumentContext>
    <ram:BusinessProcessSpecifiedDocumentContextParameter>
      <ram:ID>A4</ram:ID>
    </ram:BusinessProcessSpecifiedDocumentContextParameter>
    <ram:GuidelineSpecifiedDocumentContextParameter>
      <ram:ID>urn:ferd:CrossIndustryDocument:invoice:1p0:comfort</ram:ID>
    </ram:GuidelineSpecifiedDocumentContextParameter>
  </rsm:SpecifiedExchangedDocumentContext>
  <rsm:HeaderExchangedDocument>
    <ram:ID>SIT-1P0</ram:ID>
    <ram:Name>FACTURE</ram:Name>
    <ram:TypeCode>380</ram:TypeCode>
    <ram:IssueDateTime>
      <udt:DateTimeString format="102">20261120</udt:DateTimeString>
    </ram:IssueDateTime>
  </rsm:HeaderExchangedDocument>
  <rsm:SpecifiedSupplyChainTradeTransaction>
    <ram:ApplicableSupplyChainTradeAgreement>
      <ram:BuyerReference>TRAVAUX</ram:BuyerReference>
      <ram:SellerTradeParty>
        <ram:GlobalID schemeID="0009">73282932000074</ram:GlobalID>
        <ram:Name>Bâtisseurs du Rhône</ram:Name>
        <ram:SpecifiedTaxRegistration>
          <ram:ID schemeID="VA">FR44732829320</ram:ID>
        </ram:SpecifiedTaxRegistration>
      </ram:SellerTradeParty>
      <ram:BuyerTradeParty>
        <ram:ID schemeID="0009">35600000000048</ram:ID>
        <ram:Name>Ville de Vaubrun</ram:Name>
      </ram:BuyerTradeParty>
      <ram:BuyerOrderReferencedDocument>
        <ram:ID>ENG-1P0</ram:ID>
      </ram:BuyerOrderReferencedDocument>
      <ram:ContractReferencedDocument>
        <ram:ID>M-1P0</ram:ID>
      </ram:ContractReferencedDocument>
    </ram:ApplicableSupplyChainTradeAgreement>
    <ram:ApplicableSupplyChainTradeSettlement>
      <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
      <ram:SpecifiedTradeSettlementMonetarySummation>
        <ram:TaxBasisTotalAmount currencyID="EUR">100.00</ram:TaxBasisTotalAmount>
        <ram:TaxTotalAmount currencyID="EUR">20.00</ram:TaxTotalAmount>
        <ram:GrandTotalAmount currencyID="EUR">120.00</ram:GrandTotalAmount>
        <ram:TotalPrepaidAmount currencyID="EUR">30.00</ram:TotalPrepaidAmount>
        <ram:DuePayableAmount currencyID="EUR">90.00</ram:DuePayableAmount>
      </ram:SpecifiedTradeSettlementMonetarySummation>
    </ram:ApplicableSupplyChainTradeSettlement>
  </rsm:SpecifiedSupplyChainTradeTransaction>
</rsm:CrossIndustryDocument>
""".encode()
_FACTUR_X = write_cii(an_einvoice(number="SIT-FX"))


def test_the_file_of_these_tests_is_valid_by_the_schema_of_zugferd_1() -> None:
    assert facturx.xml_check_xsd(_ZUGFERD, flavor="zugferd")


def test_every_field_that_zugferd_1_has_is_read() -> None:
    read = read_einvoice(_ZUGFERD, "x")

    assert (read.syntax, read.number, read.type_code) == (Syntax.CII, "SIT-1P0", "380")
    assert (read.issued_on, read.currency) == (date(2026, 11, 20), "EUR")
    assert (read.ht, read.tva, read.ttc) == (Decimal("100.00"), Decimal("20.00"), Decimal("120.00"))
    assert (read.prepaid, read.due) == (Decimal("30.00"), Decimal("90.00"))
    assert (read.cadre, read.engagement, read.marche) == ("A4", "ENG-1P0", "M-1P0")
    assert read.service_code == "TRAVAUX"
    assert (read.seller.siret, read.seller.vat_number) == ("73282932000074", "FR44732829320")
    assert (read.buyer.siret, read.buyer.name) == ("35600000000048", "Ville de Vaubrun")
    assert read.preceding_numbers == ()
    assert read.list_unclear() == frozenset()


def test_two_orders_in_one_file_are_a_contradiction_as_in_any_syntax() -> None:
    order = b"<ram:BuyerOrderReferencedDocument>"
    other = order + b"<ram:ID>ENG-2</ram:ID></ram:BuyerOrderReferencedDocument>"

    read = read_einvoice(_ZUGFERD.replace(order, other + order), "x")

    assert read.engagement is None
    assert read.contradictions == {"engagement": ("ENG-2", "ENG-1P0")}


def test_a_pdf_with_zugferd_1_alone_is_read_by_it() -> None:
    read = read_einvoice(
        hostile_pdfs.write_with_attachments({"ZUGFeRD-invoice.xml": _ZUGFERD}), "x"
    )

    assert (read.syntax, read.number) == (Syntax.FACTUR_X, "SIT-1P0")
    assert (read.engagement, read.marche) == ("ENG-1P0", "M-1P0")


@pytest.mark.parametrize("name", ["factur-x.xml", "Factur-X.xml", "factur-x (1).xml"])
@pytest.mark.parametrize("other", ["ZUGFeRD-invoice.xml", "xrechnung.xml", "zugferd-invoice-1.xml"])
def test_a_hybrid_file_with_both_is_read_by_its_factur_x(name: str, other: str) -> None:
    for files in ({name: _FACTUR_X, other: _ZUGFERD}, {other: _ZUGFERD, name: _FACTUR_X}):
        read = read_einvoice(hostile_pdfs.write_with_attachments(files), "x")

        assert (read.number, read.engagement) == ("SIT-FX", "ENG-1")


def test_the_other_invoice_of_a_hybrid_file_may_be_damaged() -> None:
    files = {"factur-x.xml": _FACTUR_X, "ZUGFeRD-invoice.xml": b"<rsm:CrossIndustryDocument"}

    assert read_einvoice(hostile_pdfs.write_with_attachments(files), "x").number == "SIT-FX"


@pytest.mark.parametrize(
    "names",
    [("factur-x.xml", "factur-x (1).xml"), ("ZUGFeRD-invoice.xml", "xrechnung.xml")],
)
def test_two_invoices_of_which_none_is_preferred_are_refused_with_both_names(
    names: tuple[str, str],
) -> None:
    first, second = names

    with pytest.raises(Unreadable) as refusal:
        read_einvoice(
            hostile_pdfs.write_with_attachments({first: _FACTUR_X, second: _ZUGFERD}), "x"
        )

    assert refusal.value.violation.code == "DEP-FILE-10"
    assert all(name in refusal.value.violation.message for name in names)
