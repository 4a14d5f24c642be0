"""Who a party of an e-invoice is: each of its numbers is right, and all are of one company."""

from collections.abc import Callable
from functools import partial

import pytest

from deploy.local.einvoices import Einvoice, Trader, write_cii, write_factur_x, write_ubl
from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.domain.file_party import Party
from services.deposit.domain.invoice import Invoice, judge_invoice
from tests.kit.einvoices import an_einvoice
from tests.unit.deposit.builders import TODAY

judge = partial(judge_invoice, max_number_length=20)

SELLER = Trader("Bâtisseurs du Rhône & fils", "73282932000074")
OTHER = Trader("Autre", "55208131766522")
_XML = pytest.mark.parametrize("write", [write_ubl, write_cii])
_UBL_COUNTRY = "<cac:PostalAddress><cac:Country><cbc:IdentificationCode>FR"


def read(content: bytes) -> Invoice:
    return read_einvoice(content, "facture")


def with_seller(write: Callable[[Einvoice], bytes], **numbers: str) -> bytes:
    """Write an invoice whose seller has other numbers; an empty one stands for none."""
    text = write(an_einvoice()).decode()
    siret, siren, vat = (
        f'schemeID="0009">{SELLER.siret}',
        f'schemeID="0002">{SELLER.siren}',
        f">{SELLER.vat_number}",
    )
    for name, written in (("siret", siret), ("siren", siren), ("vat", vat)):
        if name in numbers:
            assert text.count(written) == 1
            head = written[: written.index(">") + 1]
            text = text.replace(written, head + numbers[name])
    return text.encode()


def broken(content: bytes) -> list[tuple[str, str]]:
    return [(each.code, each.field) for each in judge(read(content), today=TODAY)]


@_XML
def test_the_numbers_of_one_company_are_read(write: Callable[[Einvoice], bytes]) -> None:
    invoice = read(write(an_einvoice()))

    assert invoice.seller == Party(SELLER.name, SELLER.siret, SELLER.siren, SELLER.vat_number)
    assert invoice.seller.company == SELLER.siren


@pytest.mark.parametrize("write", [write_ubl, write_cii])
@pytest.mark.parametrize(
    ("numbers", "field"),
    [
        ({"siren": OTHER.siren}, "seller.siren"),
        ({"siren": "732829321"}, "seller.siren"),
        ({"siret": OTHER.siret, "vat": ""}, "seller.siren"),
        ({"vat": OTHER.vat_number}, "seller.vat_number"),
        ({"siret": "", "vat": OTHER.vat_number}, "seller.vat_number"),
        ({"siren": "", "vat": f"fr {OTHER.vat_number[2:4]} 552 081 317"}, "seller.vat_number"),
    ],
)
def test_numbers_of_two_companies_in_one_party_are_refused(
    write: Callable[[Einvoice], bytes], numbers: dict[str, str], field: str
) -> None:
    assert broken(with_seller(write, **numbers)) == [("DEP-INV-14", field)]


@_XML
def test_a_siren_with_a_wrong_key_is_refused(write: Callable[[Einvoice], bytes]) -> None:
    alone = with_seller(write, siret="", siren="732829321", vat="")

    assert broken(alone) == [("DEP-INV-15", "seller.siren")]


@_XML
def test_the_key_of_a_siren_that_the_siret_repeats_is_left_alone(
    write: Callable[[Einvoice], bytes],
) -> None:
    """The key of the SIRET covers all its digits."""
    odd = Trader("Ville", "90000000300013")
    numbers = {"siret": odd.siret, "siren": odd.siren, "vat": odd.vat_number}

    assert broken(with_seller(write, **numbers)) == []


@_XML
@pytest.mark.parametrize(
    "number", ["FR4473282932", "FR73282932", "FR447328293200", "FRO4732829320"]
)
def test_a_french_vat_number_has_its_form(write: Callable[[Einvoice], bytes], number: str) -> None:
    assert ("DEP-INV-16", "seller.vat_number") in broken(with_seller(write, vat=number))


@_XML
def test_a_vat_number_alone_says_who_its_bearer_is(write: Callable[[Einvoice], bytes]) -> None:
    seller = read(with_seller(write, siret="", siren="", vat="FR 44 732 829 320")).seller

    assert (seller.siret, seller.siren, seller.vat_number) == (None, None, "FR44732829320")
    assert seller.company == "732829320"


@_XML
@pytest.mark.parametrize(
    ("number", "company"),
    [
        ("44732829320", "732829320"),  # without its country
        ("FRK7732829320", "732829320"),
        ("DE811569869", None),
        ("NO123456789MVA", None),
        ("FR53000004605", None),  # Monaco
        ("FRANCHISE EN BASE", None),
    ],
)
def test_only_a_french_number_holds_a_siren(
    write: Callable[[Einvoice], bytes], number: str, company: str | None
) -> None:
    content = with_seller(write, siret="", siren="", vat=number)

    assert read(content).seller.company == company
    assert broken(content) == []


def test_the_french_number_is_the_one_of_a_party_that_has_others() -> None:
    text = write_ubl(an_einvoice()).decode()
    scheme = "<cac:PartyTaxScheme>"
    german = (
        "<cac:PartyTaxScheme><cbc:CompanyID>DE811569869</cbc:CompanyID><cac:TaxScheme>"
        "<cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
    )
    two = text.replace(scheme, german + scheme, 1).encode()

    assert read(two).seller.vat_number == SELLER.vat_number
    french = german.replace("DE811569869", OTHER.vat_number)
    contradicting = text.replace(scheme, french + scheme, 1).encode()
    assert broken(contradicting) == [("DEP-INV-11", "seller.vat_number")]


def test_the_number_of_a_vat_group_is_not_its_member_s() -> None:
    text = with_seller(write_ubl, vat=OTHER.vat_number).decode()
    party = "<cac:PartyIdentification>"
    group = f'{party}<cbc:ID schemeID="0231">{OTHER.siren}</cbc:ID></cac:PartyIdentification>'

    grouped = text.replace(party, group + party, 1)
    assert broken(grouped.encode()) == []
    address = f'<cac:Party><cbc:EndpointID schemeID="9957">{OTHER.vat_number}</cbc:EndpointID>'
    assert broken(grouped.replace("<cac:Party>", address, 1).encode()) == []


@pytest.mark.parametrize("scheme", ["0002", "0009", "0225"])
def test_the_buyer_s_electronic_address_is_of_the_same_company(scheme: str) -> None:
    buyer = "<cac:AccountingCustomerParty><cac:Party>"

    def addressed(value: str) -> list[tuple[str, str]]:
        endpoint = f'<cbc:EndpointID schemeID="{scheme}">{value}</cbc:EndpointID>'
        return broken(write_ubl(an_einvoice()).replace(buyer.encode(), (buyer + endpoint).encode()))

    assert addressed("356000000_35600000000048_TRAVAUX") == []
    assert addressed(OTHER.siret) == [("DEP-INV-14", "buyer.address")]


def test_an_electronic_address_of_another_scheme_says_nothing_of_the_company() -> None:
    seller = b"<cac:AccountingSupplierParty><cac:Party>"
    for scheme in ("0088", "EM", "0225"):
        endpoint = f'<cbc:EndpointID schemeID="{scheme}">{OTHER.siren}</cbc:EndpointID>'.encode()
        assert broken(write_ubl(an_einvoice()).replace(seller, seller + endpoint)) == []


@pytest.mark.parametrize(
    ("write", "before", "payee"),
    [
        (
            write_ubl,
            "<cac:PaymentTerms>",
            (
                '<cac:PayeeParty><cac:PartyIdentification><cbc:ID schemeID="0009">{siret}</cbc:ID>'
                "</cac:PartyIdentification><cac:PartyName><cbc:Name>Factor</cbc:Name></cac:PartyName>"
                '<cac:PartyLegalEntity><cbc:CompanyID schemeID="0002">{siren}</cbc:CompanyID>'
                "</cac:PartyLegalEntity></cac:PayeeParty>"
            ),
        ),
        (
            write_cii,
            "<ram:InvoiceCurrencyCode>",
            (
                '<ram:PayeeTradeParty><ram:GlobalID schemeID="0009">{siret}</ram:GlobalID>'
                '<ram:SpecifiedLegalOrganization><ram:ID schemeID="0002">{siren}</ram:ID>'
                "</ram:SpecifiedLegalOrganization></ram:PayeeTradeParty>"
            ),
        ),
    ],
)
def test_whoever_is_paid_is_one_company_too(
    write: Callable[[Einvoice], bytes], before: str, payee: str
) -> None:
    def paying(siret: str, siren: str) -> list[tuple[str, str]]:
        text = write(an_einvoice()).decode()
        assert before in text
        return broken(
            text.replace(before, payee.format(siret=siret, siren=siren) + before).encode()
        )

    assert paying(OTHER.siret, OTHER.siren) == []
    assert paying(OTHER.siret, SELLER.siren) == [("DEP-INV-14", "payee.siren")]
    assert paying("55208131766523", OTHER.siren) == [("DEP-INV-10", "payee.siret")]


def test_a_legal_number_without_a_scheme_is_a_siren_in_france() -> None:
    bare = with_seller(write_ubl, siret="", vat="").replace(b'schemeID="0002"', b"", 1)

    assert _UBL_COUNTRY.encode() in bare
    assert read(bare).seller.siren == SELLER.siren
    abroad = bare.replace(b">FR</cbc:IdentificationCode>", b">NO</cbc:IdentificationCode>", 1)
    assert read(abroad).seller.siren is None


def test_a_tax_number_of_a_french_seller_is_its_siren() -> None:
    text = with_seller(write_cii, siret="", siren="", vat=SELLER.siren).decode()
    fiscal = text.replace('schemeID="VA"', 'schemeID="FC"', 1).encode()

    assert read(fiscal).seller.company == SELLER.siren


def identified(write: Callable[[Einvoice], bytes], number: str, scheme: str) -> bytes:
    """Write an invoice whose seller has one identifier alone."""
    text = with_seller(write, siret=number, siren="", vat="").decode()
    written = f'schemeID="0009">{number}'
    assert text.count(written) == 1
    return text.replace(
        written, f'schemeID="{scheme}">{number}' if scheme else f">{number}"
    ).encode()


@_XML
@pytest.mark.parametrize("scheme", ["", "VA", "vat", "TVA", "2", "0223", "9957", "FR:VAT"])
def test_a_vat_number_is_one_wherever_an_issuer_writes_its_identifier(
    write: Callable[[Einvoice], bytes], scheme: str
) -> None:
    seller = read(identified(write, OTHER.vat_number, scheme)).seller

    assert (seller.vat_number, seller.company) == (OTHER.vat_number, OTHER.siren)


@_XML
@pytest.mark.parametrize("scheme", ["siret", "Siret", "fr:siret", "siren"])
def test_the_name_of_a_scheme_is_read_in_any_case(
    write: Callable[[Einvoice], bytes], scheme: str
) -> None:
    seller = read(identified(write, OTHER.siret, scheme)).seller

    assert (seller.siret, seller.company) == (OTHER.siret, OTHER.siren)


@_XML
@pytest.mark.parametrize(
    "number", ["552081317", "123456782", "FR1", "FR44552081318", "FR-CL-123456789"]
)
def test_an_identifier_that_says_nothing_of_itself_is_no_number_of_a_company(
    write: Callable[[Einvoice], bytes], number: str
) -> None:
    seller = read(identified(write, number, "")).seller

    assert (seller.siret, seller.siren, seller.vat_number) == (None, None, None)


@_XML
@pytest.mark.parametrize("written", [OTHER.vat_number, f"FR {OTHER.vat_number[2:4]} 552 081 317"])
def test_a_legal_number_may_be_a_vat_number(
    write: Callable[[Einvoice], bytes], written: str
) -> None:
    text = with_seller(write, siret="", siren=written, vat="").decode()
    for scheme in ("", ' schemeID="FR"'):
        legal = text.replace(f' schemeID="0002">{written}', f"{scheme}>{written}")

        assert read(legal.encode()).seller.company == OTHER.siren


@_XML
@pytest.mark.parametrize("written", ["RCS Lyon 552 081 317", "552 081 317 R.C.S. Paris"])
def test_a_legal_number_may_name_its_register(
    write: Callable[[Einvoice], bytes], written: str
) -> None:
    text = with_seller(write, siret="", siren=written, vat="").decode()
    registered = text.replace(f' schemeID="0002">{written}', f">{written}").encode()

    assert read(registered).seller.company == OTHER.siren


def test_an_electronic_address_may_be_a_vat_number() -> None:
    def addressed(value: str) -> list[tuple[str, str]]:
        text = write_ubl(an_einvoice()).decode()
        address = f'<cbc:EndpointID schemeID="9957">{value}</cbc:EndpointID>'
        return broken(text.replace("<cac:Party>", f"<cac:Party>{address}", 1).encode())

    assert addressed(SELLER.vat_number) == []
    assert addressed(OTHER.vat_number) == [("DEP-INV-14", "seller.address")]
    assert addressed("FR60000123456") == []  # Monaco


def test_a_factur_x_is_judged_as_its_cii(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = with_seller(write_cii, siren=OTHER.siren)
    monkeypatch.setattr("deploy.local.einvoices.write_cii", lambda _: wrong)

    assert broken(write_factur_x(an_einvoice())) == [("DEP-INV-14", "seller.siren")]


def test_a_message_names_both_companies() -> None:
    (violation,) = judge(read(with_seller(write_ubl, siren=OTHER.siren)), today=TODAY)

    assert violation.message == (
        "Deux entreprises sont nommées : le SIREN 732829320 par le SIRET du vendeur, "
        "le SIREN 552081317 par le SIREN du vendeur."
    )
