"""XPath tables: where each field is in each syntax, found by the name of the root."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from lxml import etree

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_CII = "urn:un:unece:uncefact:data:standard:"


class Places:
    """The XPaths of a field, joined by `|`.

    Each one is evaluated by itself: libxml2 takes quadratic time to join the nodes of two, 23 s for
    a hostile file of 2.7 MB.
    """

    def __init__(self, path: str, namespaces: Mapping[str, str]) -> None:
        """Compile the paths."""
        self._paths = tuple(
            etree.XPath(each.strip(), namespaces=dict(namespaces)) for each in path.split("|")
        )

    def __call__(self, root: etree._Element, **variables: str) -> list[object]:
        """Evaluate the XPaths, and return what they find in their order."""
        found: list[object] = []
        for path in self._paths:
            found += cast("list[object]", path(root, **variables))
        return found


@dataclass(frozen=True, slots=True)
class PartyPaths:
    """Where a party's names and identifiers are, the preferred place first."""

    names: tuple[Places, ...]
    identifiers: Places
    unlabelled: Places
    """XPaths of numbers that a French party may write without their scheme."""
    vat_numbers: Places
    addresses: Places
    """Electronic addresses (BT-34, BT-49)."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The table of one syntax. `tva` expects the variable `currency`, BT-5."""

    fields: Mapping[str, Places]
    tva: Places
    other_currencies: Places
    preceding_numbers: Places
    date_formats: Places
    """Format code of the date of issue (UNTDID 2379), which files in CII state."""
    parties: Mapping[str, PartyPaths]


def _build_ubl_paths() -> Paths:
    namespaces = {
        "cac": _UBL + "CommonAggregateComponents-2",
        "cbc": _UBL + "CommonBasicComponents-2",
    }

    def at(path: str) -> Places:
        return Places(path, namespaces)

    def party(root: str) -> PartyPaths:
        country = "cac:Country/cbc:IdentificationCode"
        french = (
            f"{root}[cac:PostalAddress/{country} = 'FR'"
            f" or cac:PartyLegalEntity/cac:RegistrationAddress/{country} = 'FR']"
        )
        return PartyPaths(
            names=(
                at(f"{root}/cac:PartyLegalEntity/cbc:RegistrationName"),
                at(f"{root}/cac:PartyName/cbc:Name"),
            ),
            identifiers=at(
                f"{root}/cac:PartyIdentification/cbc:ID | {root}/cac:PartyLegalEntity/cbc:CompanyID"
            ),
            unlabelled=at(
                f"{french}/cac:PartyLegalEntity/cbc:CompanyID"
                f" | {french}/cac:PartyTaxScheme[cac:TaxScheme/cbc:ID != 'VAT']/cbc:CompanyID"
            ),
            vat_numbers=at(f"{root}/cac:PartyTaxScheme/cbc:CompanyID"),
            addresses=at(f"{root}/cbc:EndpointID"),
        )

    totals = "cac:LegalMonetaryTotal"
    return Paths(
        fields={
            "number": at("cbc:ID"),
            "issued_on": at("cbc:IssueDate"),
            "currency": at("cbc:DocumentCurrencyCode"),
            "ht": at(f"{totals}/cbc:TaxExclusiveAmount"),
            "ttc": at(f"{totals}/cbc:TaxInclusiveAmount"),
            "due": at(f"{totals}/cbc:PayableAmount"),
            "prepaid": at(f"{totals}/cbc:PrepaidAmount"),
            "rounding": at(f"{totals}/cbc:PayableRoundingAmount"),
            "type_code": at("cbc:InvoiceTypeCode | cbc:CreditNoteTypeCode"),
            # The portal's extension, whose namespace differs between its E1 and E2 formats.
            "cadre": at(
                "cbc:ProfileID | cbc:CustomizationID"
                " | *[local-name() = 'UBLExtensions']//*[local-name() = 'CategoryCode']"
            ),
            "engagement": at("cac:OrderReference/cbc:ID"),
            "marche": at("cac:ContractDocumentReference/cbc:ID"),
            # Clients of the portal's E1 and E2 formats write it as the buyer's contact.
            "service_code": at(
                "cbc:BuyerReference | cac:AccountingCustomerParty/cac:Party/cac:Contact/cbc:ID"
            ),
            "profile": at("cbc:CustomizationID"),
        },
        tva=at("cac:TaxTotal/cbc:TaxAmount[not(@currencyID) or @currencyID = $currency]"),
        other_currencies=at(f"{totals}/*[@currencyID != $currency]/@currencyID"),
        preceding_numbers=at("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID"),
        date_formats=at("cbc:IssueDate/@format"),
        parties={
            "seller": party("cac:AccountingSupplierParty/cac:Party"),
            "buyer": party("cac:AccountingCustomerParty/cac:Party"),
            "payee": party("cac:PayeeParty"),
            "tax_representative": party("cac:TaxRepresentativeParty"),
        },
    )


@dataclass(frozen=True, slots=True)
class _CiiNames:
    """The element names that ZUGFeRD 1.0 spells differently from CII D16B and later."""

    namespaces: Mapping[str, str]
    context: str
    document: str
    agreement: str
    settlement: str
    totals: str
    reference: str
    """The number of a document that is referred to."""


_D16B = _CiiNames(
    namespaces={
        "rsm": _CII + "CrossIndustryInvoice:100",
        "ram": _CII + "ReusableAggregateBusinessInformationEntity:100",
        "udt": _CII + "UnqualifiedDataType:100",
    },
    context="rsm:ExchangedDocumentContext",
    document="rsm:ExchangedDocument",
    agreement="rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement",
    settlement="rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement",
    totals="ram:SpecifiedTradeSettlementHeaderMonetarySummation",
    reference="ram:IssuerAssignedID",
)
_ZUGFERD_1 = _CiiNames(
    namespaces={
        "rsm": "urn:ferd:CrossIndustryDocument:invoice:1p0",
        "ram": _CII + "ReusableAggregateBusinessInformationEntity:12",
        "udt": _CII + "UnqualifiedDataType:15",
    },
    context="rsm:SpecifiedExchangedDocumentContext",
    document="rsm:HeaderExchangedDocument",
    agreement="rsm:SpecifiedSupplyChainTradeTransaction/ram:ApplicableSupplyChainTradeAgreement",
    settlement="rsm:SpecifiedSupplyChainTradeTransaction/ram:ApplicableSupplyChainTradeSettlement",
    totals="ram:SpecifiedTradeSettlementMonetarySummation",
    reference="ram:ID",
)


def _build_cii_paths(names: _CiiNames) -> Paths:
    def at(path: str) -> Places:
        return Places(path, names.namespaces)

    def party(root: str) -> PartyPaths:
        french = f"{root}[ram:PostalTradeAddress/ram:CountryID = 'FR']"
        return PartyPaths(
            names=(
                at(f"{root}/ram:Name"),
                at(f"{root}/ram:SpecifiedLegalOrganization/ram:TradingBusinessName"),
            ),
            identifiers=at(
                f"{root}/ram:GlobalID | {root}/ram:ID"
                f" | {root}/ram:SpecifiedLegalOrganization/ram:ID"
            ),
            unlabelled=at(
                f"{french}/ram:SpecifiedLegalOrganization/ram:ID"
                f" | {french}/ram:SpecifiedTaxRegistration/ram:ID[@schemeID = 'FC']"
            ),
            vat_numbers=at(f"{root}/ram:SpecifiedTaxRegistration/ram:ID"),
            addresses=at(f"{root}/ram:URIUniversalCommunication/ram:URIID"),
        )

    process = f"{names.context}/ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID"
    guideline = f"{names.context}/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID"
    totals = f"{names.settlement}/{names.totals}"
    return Paths(
        fields={
            "number": at(f"{names.document}/ram:ID"),
            "issued_on": at(f"{names.document}/ram:IssueDateTime/udt:DateTimeString"),
            "currency": at(f"{names.settlement}/ram:InvoiceCurrencyCode"),
            "ht": at(f"{totals}/ram:TaxBasisTotalAmount"),
            "ttc": at(f"{totals}/ram:GrandTotalAmount"),
            "due": at(f"{totals}/ram:DuePayableAmount"),
            "prepaid": at(f"{totals}/ram:TotalPrepaidAmount"),
            "rounding": at(f"{totals}/ram:RoundingAmount"),
            "type_code": at(f"{names.document}/ram:TypeCode"),
            # Some issuers for the portal write the cadre in BT-24 instead of BT-23.
            "cadre": at(f"{process} | {guideline}"),
            "engagement": at(
                f"{names.agreement}/ram:BuyerOrderReferencedDocument/{names.reference}"
            ),
            "marche": at(f"{names.agreement}/ram:ContractReferencedDocument/{names.reference}"),
            "service_code": at(
                f"{names.agreement}/ram:BuyerReference"
                f" | {names.agreement}/ram:BuyerTradeParty/ram:DefinedTradeContact/ram:ID"
            ),
            "profile": at(guideline),
        },
        tva=at(f"{totals}/ram:TaxTotalAmount[not(@currencyID) or @currencyID = $currency]"),
        other_currencies=at(
            f"{totals}/*[not(self::ram:TaxTotalAmount)][@currencyID != $currency]/@currencyID"
        ),
        # ZUGFeRD 1.0 has no reference to an earlier invoice.
        preceding_numbers=at(f"{names.settlement}/ram:InvoiceReferencedDocument/{names.reference}"),
        date_formats=at(f"{names.document}/ram:IssueDateTime/udt:DateTimeString/@format"),
        parties={
            "seller": party(f"{names.agreement}/ram:SellerTradeParty"),
            "buyer": party(f"{names.agreement}/ram:BuyerTradeParty"),
            "payee": party(f"{names.settlement}/ram:PayeeTradeParty"),
            "tax_representative": party(f"{names.agreement}/ram:SellerTaxRepresentativeTradeParty"),
        },
    )


_UBL_INVOICE, UBL_CREDIT_NOTE = f"{{{_UBL}Invoice-2}}Invoice", f"{{{_UBL}CreditNote-2}}CreditNote"
UBL_ROOTS = frozenset({_UBL_INVOICE, UBL_CREDIT_NOTE})
PATHS: Mapping[str, Paths] = {
    **dict.fromkeys(UBL_ROOTS, _build_ubl_paths()),
    f"{{{_CII}CrossIndustryInvoice:100}}CrossIndustryInvoice": _build_cii_paths(_D16B),
    "{urn:ferd:CrossIndustryDocument:invoice:1p0}CrossIndustryDocument": _build_cii_paths(
        _ZUGFERD_1
    ),
}
