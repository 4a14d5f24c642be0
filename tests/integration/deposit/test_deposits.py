"""A piece is deposited: read, judged, certified, kept, told, and handed out again."""

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest

from deploy.local import einvoices
from deploy.local.einvoices import Einvoice, Trader
from shared.circuit.loader import CURRENT
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter, StructureKind
from tests.integration.deposit.world import (
    BUYER,
    MOA,
    MOE,
    OTHER,
    PAYER,
    TITULAIRE,
    World,
    acting,
    an_opener,
    beside,
    codes,
    stated,
)


@pytest.mark.parametrize(
    ("write", "syntax"),
    [
        (einvoices.write_ubl, "UBL"),
        (einvoices.write_cii, "CII"),
        (einvoices.write_factur_x, "FACTUR_X"),
    ],
)
async def test_an_e_invoice_is_read_and_its_core_fields_are_shown_back(
    world: World, write: Callable[[Einvoice], bytes], syntax: str
) -> None:
    draft = an_opener()

    answer = await world.deposit(write(draft), beside())

    assert answer.status_code == 201, answer.text
    piece = answer.json()
    assert (piece["status"], piece["cadre"], piece["number"]) == ("DEPOSEE", "A4", draft.number)
    assert answer.headers["Location"] == f"/deposit/v1/pieces/{piece['piece_id']}"
    assert piece["next"] == {
        "role": "moe",
        "role_label": "maîtrise d'œuvre",
        "structure": MOE,
        "service": None,
        "application": "factures_de_travaux",
    }
    read = piece["read"]
    assert read["syntax"] == syntax
    assert read["amounts"] == {
        "ht": "10000.00",
        "tva": "2000.00",
        "ttc": "12000.00",
        "due": "12000.00",
    }
    assert (read["engagement"], read["marche"]) == ("ENG-1", "M-2026-7")
    assert (read["seller"]["siret"], read["buyer"]["siret"]) == (TITULAIRE, PAYER)


async def test_a_plain_pdf_takes_its_fields_from_the_metadata(world: World) -> None:
    draft = an_opener()
    metadata = beside() | stated(draft)
    metadata["parties"] |= {"service_financier": {"structure": PAYER}}

    answer = await world.deposit(einvoices.write_plain_pdf(draft), metadata, name="situation.pdf")

    assert answer.status_code == 201, answer.text
    assert answer.json()["read"]["syntax"] == "PDF"
    assert answer.json()["file"]["media_type"] == "application/pdf"


async def test_the_deposit_is_told_once_with_all_that_routing_needs(world: World) -> None:
    piece = await world.open()

    (event,) = await world.read_deposits(piece["dossier_id"], 1)

    assert (event["sequence"], event["subject"]) == ("0000000001", piece["piece_id"])
    data = event["data"]
    assert data["parties"]["moa"]["structure"] == MOA
    assert data["table_version"] == CURRENT
    assert set(data["directory"]) == {TITULAIRE, MOE, MOA, PAYER}
    assert data["certificate_sha256"] == piece["certificate"]["sha256"]
    assert data["deposited_at"] == piece["deposited_at"]


async def test_a_trial_says_who_would_be_next_and_keeps_nothing(world: World) -> None:
    before = world.kept()

    right = await world.deposit(einvoices.write_ubl(an_opener()), beside(), dry_run=True)
    wrong = await world.deposit(einvoices.write_ubl(an_opener(cadre="A8")), beside(), dry_run=True)

    assert right.status_code == wrong.status_code == 200
    assert (right.json()["accepted"], right.json()["next"]["role"]) == (True, "moe")
    assert right.json()["read"]["cadre"] == "A4"
    assert (wrong.json()["accepted"], wrong.json()["next"]) == (False, None)
    assert codes(wrong) == [("CIR-CADRE-02", "cadre")]
    assert world.kept() == before


async def test_all_that_is_wrong_is_said_at_once_and_nothing_is_kept(world: World) -> None:
    before = world.kept()
    draft = an_opener(number="SIT 1*2", buyer=Trader("Ville", OTHER))
    metadata: dict[str, Any] = beside(currency="USD")
    metadata["parties"]["moe"]["structure"] = "12345678901234"

    answer = await world.deposit(
        einvoices.write_ubl(draft), metadata, attachments={"bon.exe": b"MZ", "vide.pdf": b""}
    )

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert codes(answer) == [
        ("DEP-INV-08", "number"),
        ("DEP-META-01", "currency"),
        ("DEP-INV-10", "parties.moe.structure"),
        ("CIR-STRUCTURE-03", "parties.service_financier.structure"),
        ("DEP-PJ-03", "attachments.0"),
        ("DEP-PJ-05", "attachments.1"),
    ]
    assert all(each["message"] and each["remedy"] for each in answer.json()["violations"])
    assert world.kept() == before


async def test_each_refusing_row_of_the_moa_table_is_refused_at_the_first_deposit(
    world: World,
) -> None:
    payer = {"AVEC": "84062914300008", "EXCLUSIVEMENT": "84062914300016"}
    for name, number in payer.items():
        await world.tell_structure(number, MoaParameter[name])
    sans = beside(parties={"moe": {"structure": MOE}, "moa": {"structure": PAYER}})
    nobody = beside(parties={"moe": {"structure": MOE}})

    async def refused(
        metadata: dict[str, Any], buyer: str, cadre: str = "A4"
    ) -> list[tuple[str, str]]:
        draft = an_opener(cadre=cadre, buyer=Trader("Acheteur", buyer))
        return codes(await world.deposit(einvoices.write_ubl(draft), metadata, dry_run=True))

    assert ("CIR-MOA-01", "parties.moa.structure") in await refused(sans, PAYER)
    assert ("CIR-MOA-02", "parties.service_financier.structure") in await refused(
        beside(), payer["EXCLUSIVEMENT"]
    )
    assert await refused(nobody, PAYER) == []
    assert await refused(nobody, PAYER, "A5") == [("CIR-CADRE-05", "parties.moa")]
    assert await refused(nobody, payer["AVEC"]) == [("CIR-MOA-03", "parties.moa")]


async def test_the_form_of_the_metadata_is_told_field_by_field(world: World) -> None:
    content = einvoices.write_ubl(an_opener())

    unknown = await world.deposit(content, {"type_tva": "TVA_SUR_RIEN", "colour": "red"})
    broken = await world.deposit(content, "{not json")
    long = await world.deposit(content, beside(comment="x" * 201))

    assert codes(unknown) == [("HTTP-FORM-01", "type_tva"), ("HTTP-FORM-01", "colour")]
    assert codes(broken) == [("HTTP-FORM-01", "metadata")]
    assert codes(long) == [("HTTP-FORM-01", "comment")]


async def test_metadata_are_taken_as_a_person_sees_them(world: World) -> None:
    draft = an_opener()
    shown = beside(comment="Voir\u00a0le plan\u200b") | stated(draft)
    shown |= {"number": f"{draft.number}\u200b", "engagement": "EJ\u202f1", "marche": "M\u00ad1"}
    shown["parties"] |= {"service_financier": {"structure": PAYER}}
    content = einvoices.write_plain_pdf(draft)

    refused = await world.deposit(content, shown | {"marche": "\n=1", "engagement": "a\0b"})
    blank = await world.deposit(content, shown | {"engagement": "\u200b\u00a0"})
    inflated = shown["amounts"] | {"due": "999999.99"}
    too_much = await world.deposit(content, shown | {"amounts": inflated})
    piece = (await world.deposit(content, shown)).json()

    assert codes(refused) == [("CIR-CHAMP-05", "engagement")]
    assert codes(blank) == [("HTTP-FORM-01", "engagement")]
    assert codes(too_much) == [("DEP-INV-13", "amounts.due")]
    assert (piece["number"], piece["comment"]) == (draft.number, "Voir le plan")
    assert (piece["engagement"], piece["marche"]) == ("EJ 1", "M1")


async def test_file_attachments_and_certificate_are_handed_out_to_parties_alone(
    world: World,
) -> None:
    content = einvoices.write_ubl(an_opener())
    answer = await world.deposit(
        content,
        beside(),
        name='../éta"t;\r\n.xml',
        attachments={"bon signé.pdf": b"%PDF-1.7 bon"},
    )
    piece = answer.json()
    (attachment,) = piece["attachments"]

    file = await world.get(piece["file"]["url"], headers=acting(Role.MOE))
    bon = await world.get(attachment["url"], headers=acting(Role.MOA))
    certificate = await world.get(piece["certificate"]["url"], headers=acting(Role.TITULAIRE))

    assert file.content == content
    assert (file.headers["content-type"], bon.content) == ("application/xml", b"%PDF-1.7 bon")
    assert bon.headers["content-disposition"] == (
        "attachment; filename=\"bon signe.pdf\"; filename*=UTF-8''bon%20sign%C3%A9.pdf"
    )
    assert '"t' not in file.headers["content-disposition"]
    for each in (file, bon, certificate):
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["content-disposition"].startswith("attachment;")
    assert hashlib.sha256(certificate.content).hexdigest() == piece["certificate"]["sha256"]
    assert certificate.headers["content-type"] == "application/pdf"
    _assert_readable(certificate.content)
    for url in (
        answer.headers["location"],
        piece["file"]["url"],
        attachment["url"],
        piece["certificate"]["url"],
    ):
        other = await world.get(url, headers=acting(Role.MOE, OTHER))
        wrong_role = await world.get(url, headers=acting(Role.MOA, TITULAIRE))
        assert (other.status_code, wrong_role.status_code) == (404, 404)


def _assert_readable(content: bytes) -> None:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert len(pdf.pages) >= 1


async def test_a_party_sees_the_piece_as_recorded(world: World) -> None:
    piece = await world.open()

    seen = await world.http.get(f"/pieces/{piece['piece_id']}", headers=acting(Role.MOA))

    assert seen.json() == piece


async def test_a_structure_that_changes_is_judged_by_its_latest_version(world: World) -> None:
    number = "84062914300024"
    await world.tell_structure(number, kind=StructureKind.PRIVEE, code_service_obligatoire=True)
    metadata = beside(parties={"moe": {"structure": number}, "moa": {"structure": MOA}})

    before = await world.deposit(einvoices.write_ubl(an_opener()), metadata, dry_run=True)
    await world.tell_structure(number, kind=StructureKind.PRIVEE)
    after = await world.deposit(einvoices.write_ubl(an_opener()), metadata, dry_run=True)

    assert codes(before) == [("CIR-CHAMP-01", "parties.moe.service")]
    assert after.json()["accepted"]


async def test_the_caller_must_be_the_one_who_deposits(world: World) -> None:
    content = einvoices.write_ubl(an_opener(buyer=BUYER))

    other = await world.deposit(content, beside(), acting(Role.TITULAIRE, OTHER))
    moe = await world.deposit(content, beside(), acting(Role.MOE))
    nobody = await world.http.post("/pieces", files={"file": ("f.xml", content)})

    assert ("CIR-PARTIE-02", "depositor.structure") in codes(other)
    assert ("CIR-CADRE-04", "cadre") in codes(moe)
    assert nobody.status_code == 401
