"""The certificate of deposit: all the facts, the same bytes, any name."""

import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pikepdf
import pypdf
import pytest

from services.deposit.adapters.certificate_pdf import (
    CertificateFacts,
    FileFacts,
    PartyFacts,
    render_certificate,
)
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.roles import Role
from tests.kit.einvoices import ROOT
from tests.kit.waiting import scale_timeout

_TITULAIRE = PartyFacts(Role.TITULAIRE, "Bâtisseurs du Rhône", "73282932000074")
FACTS = CertificateFacts(
    piece_id="0192f3a0-1111-7abc-8def-0123456789ab",
    dossier_id="0192f3a0-2222-7abc-8def-0123456789ab",
    depositor=_TITULAIRE,
    cadre="A4",
    cadre_label="projet de décompte mensuel",
    number="SIT-2026-11",
    follows=None,
    currency="EUR",
    amounts=Amounts(Decimal("1234567.5"), Decimal("0.10"), Decimal("1234567.60"), Decimal(-3)),
    parties=(_TITULAIRE, PartyFacts(Role.MOE, "Atelier Lagarde", "35600000000048")),
    file=FileFacts("situation.xml", 1_234_567, "a" * 64),
    attachments=(FileFacts("annexe.pdf", 12, "b" * 64), FileFacts("plan.png", 13, "c" * 64)),
    deposited_at=datetime(2026, 7, 14, 22, 30, 5, 123000, tzinfo=UTC),
    deposited_via="API du portail",
)


def text_of(pdf: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "\n".join(page.extract_text() for page in pages)


def test_the_certificate_says_who_what_when_and_with_which_fingerprint() -> None:
    text = text_of(render_certificate(FACTS))

    for said in (
        "Certificat de dépôt",
        "Bâtisseurs du Rhône (73282932000074)",
        "A4 : projet de décompte mensuel",
        "SIT-2026-11",
        FACTS.piece_id,
        FACTS.dossier_id,
        "aucune pièce",
        "1 234 567,50 EUR",
        "-3,00 EUR",
        "Atelier Lagarde (35600000000048)",
        "situation.xml",
        "1 234 567 octets",
        "a" * 64,
        "b" * 64,
        "c" * 64,
        "API du portail",
        "DEPOSEE",
    ):
        assert said in text


def test_the_time_is_that_of_paris_and_universal() -> None:
    text = text_of(render_certificate(FACTS))

    assert "15/07/2026 à 00:30:05, heure de Paris (+02:00)" in text
    assert "2026-07-14T22:30:05.123Z" in text


def test_the_piece_that_it_follows_is_named() -> None:
    text = text_of(render_certificate(replace(FACTS, follows="0192f3a0-3333")))

    assert "0192f3a0-3333" in text
    assert "aucune pièce" not in text


def test_the_facts_are_embedded_for_a_machine() -> None:
    with pikepdf.open(io.BytesIO(render_certificate(FACTS))) as pdf:
        facts = json.loads(pdf.attachments["certificat.json"].get_file().read_bytes())

    assert facts["file"] == {"name": "situation.xml", "size_bytes": 1_234_567, "sha256": "a" * 64}
    assert facts["amounts"]["ttc"] == "1234567.60"
    assert facts["depositor"]["role"] == "titulaire"


def test_another_process_at_another_time_writes_the_same_bytes() -> None:
    script = (
        "import hashlib;"
        "from tests.unit.deposit.test_certificate import FACTS, render_certificate;"
        "print(hashlib.sha256(render_certificate(FACTS)).hexdigest())"
    )
    here = hashlib.sha256(render_certificate(FACTS)).hexdigest()

    for seed, zone in (("1", "Asia/Tokyo"), ("2", "UTC")):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone}  # noqa: TID251
        run = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=scale_timeout(60),
        )
        assert run.stdout.strip() == here


def test_other_facts_give_other_bytes() -> None:
    other = replace(FACTS, file=replace(FACTS.file, sha256="d" * 64))

    assert render_certificate(other) != render_certificate(FACTS)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Δήμος.xml", "<U+0394>"),
        ("plan😀.pdf", "plan<U+1F600>.pdf"),
        ("a\nSIRET 1", "a<U+000A>SIRET 1"),
        ("a\u202egnp.exe", "a<U+202E>gnp.exe"),
        ("e\u0301tat", "état"),
        ("l’œuvre – 10 €", "l'oeuvre - 10 EUR"),
        ("{nb} **x**", "{nb} **x**"),
    ],
)
def test_a_name_in_any_alphabet_is_shown_or_coded(name: str, shown: str) -> None:
    pdf = render_certificate(replace(FACTS, file=replace(FACTS.file, name=name)))

    assert shown in text_of(pdf)
    assert ("code Unicode" in text_of(pdf)) == ("<U+" in shown)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        facts = json.loads(opened.attachments["certificat.json"].get_file().read_bytes())
    assert facts["file"]["name"] == name


def test_long_values_and_many_attachments_take_more_pages() -> None:
    attachments = tuple(FileFacts("n" * 300, 1, f"{i:064x}") for i in range(60))

    text = text_of(render_certificate(replace(FACTS, attachments=attachments)))

    assert all(attachment.sha256 in text for attachment in attachments)
    assert text.count("n") >= 60 * 300
