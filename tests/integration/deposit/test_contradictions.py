"""Files that contradict themselves, or what is said beside them: refused, and nothing is kept."""

from typing import Any

import pytest

from deploy.local import einvoices
from tests.integration.deposit.world import OTHER, World, an_opener, beside, codes, stated

VOIRIE = {"service_financier": {"service": "VOIRIE"}}


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>", "", "DEP-INV-01", "type_code"),
        ("InvoiceTypeCode>380", "InvoiceTypeCode>381", "DEP-META-08", "type_code"),
        ("<cbc:IssueDate>2026", "<cbc:IssueDate>0026", "DEP-INV-17", "issued_on"),
        ("<cbc:IssueDate>2026-11-20", "<cbc:IssueDate>2026-W47-5", "DEP-INV-02", "issued_on"),
        ('"0002">732829320', f'"0002">{OTHER[:9]}', "DEP-INV-14", "seller.siren"),
        (">FR44732829320", ">FR4573282932", "DEP-INV-16", "seller.vat_number"),
    ],
)
async def test_what_a_file_denies_is_refused_and_named(
    world: World, old: str, new: str, code: str, field: str
) -> None:
    text = einvoices.write_ubl(an_opener()).decode()
    before = world.kept()
    answer = await world.deposit(text.replace(old, new).encode(), beside())

    assert old in text
    assert (answer.status_code, codes(answer)) == (422, [(code, field)])
    assert world.kept() == before


async def test_a_credit_note_says_that_it_is_one(world: World) -> None:
    note = einvoices.write_ubl(an_opener(is_credit_note=True))
    bare = note.replace(b"<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>", b"")
    denied = note.replace(b"TypeCode>381", b"TypeCode>380")

    refused = await world.deposit(bare, beside(type_code="380"))
    assert (refused.status_code, codes(refused)) == (422, [("DEP-INV-01", "type_code")])
    assert codes(await world.deposit(denied, beside())) == [("DEP-META-08", "type_code")]
    kept = await world.deposit(note, beside())
    assert (kept.status_code, kept.json()["type_code"]) == (201, "381")


async def test_a_seller_known_by_its_vat_number_alone_deposits_for_itself(world: World) -> None:
    def sold(number: str) -> bytes:
        content = einvoices.write_ubl(an_opener())
        for written in (b">73282932000074<", b">732829320<"):
            content = content.replace(written, b"><")
        return content.replace(b"FR44732829320", number.encode())

    right = await world.deposit(sold("FR 44 732 829 320"), beside(), dry_run=True)
    wrong = await world.deposit(sold("FR03552081317"), beside(), dry_run=True)

    assert (right.json()["accepted"], right.json()["read"]["seller"]["vat_number"]) == (
        True,
        "FR44732829320",
    )
    assert ("DEP-META-02", "parties.titulaire.structure") in codes(wrong)


async def test_the_service_of_the_buyer_s_contact_is_not_contradicted(world: World) -> None:
    end = b"</cac:Party></cac:AccountingCustomerParty>"
    contact = b"<cac:Contact><cbc:ID>TRAVAUX</cbc:ID></cac:Contact>"
    content = einvoices.write_ubl(an_opener())
    assert end in content
    content = content.replace(end, contact + end)
    parties: dict[str, Any] = beside()["parties"]

    kept = await world.deposit(content, beside(), dry_run=True)
    assert (kept.json()["accepted"], kept.json()["read"]["service_code"]) == (True, "TRAVAUX")
    refused = await world.deposit(content, beside(parties=parties | VOIRIE))
    assert codes(refused) == [("DEP-META-01", "parties.service_financier.service")]


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2026-W48-1", "DEP-INV-02"),
        ("20261120", "DEP-INV-02"),
        ("1795478400", "DEP-INV-02"),
        ("0001-01-01", "DEP-INV-17"),
        ("2100-01-01", "DEP-INV-17"),
    ],
)
async def test_a_date_beside_a_plain_pdf_is_a_calendar_date(
    world: World, day: str, code: str
) -> None:
    draft = an_opener()
    parties = beside()["parties"] | {"service_financier": {"structure": draft.buyer.siret}}
    said = stated(draft) | {"issued_on": day, "parties": parties}

    answer = await world.deposit(einvoices.write_plain_pdf(draft), said, name="piece.pdf")

    assert (answer.status_code, codes(answer)) == (422, [(code, "issued_on")])
