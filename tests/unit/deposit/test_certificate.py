"""The certificate of deposit: all the facts, the same bytes, any name."""

import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pikepdf
import pypdf
import pytest

from services.deposit.adapters.certificate_pdf import (
    AdditionFacts,
    CertificateFacts,
    FileFacts,
    PartyFacts,
    render_certificate,
)
from services.deposit.adapters.certificates import certify
from services.deposit.domain.piece import Completion
from shared.circuit.parties import Party
from shared.circuit.statuses import TREATMENTS, Act
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.roles import Role
from tests.kit.einvoices import ROOT
from tests.kit.waiting import scale_timeout
from tests.unit.deposit.builders import DIRECTORY, MOE, a_piece

_TITULAIRE = PartyFacts(Role.TITULAIRE, "Bâtisseurs du Rhône", "73282932000074", "AGENCE-SUD")
FACTS = CertificateFacts(
    piece_id="0192f3a0-1111-7abc-8def-0123456789ab",
    dossier_id="0192f3a0-2222-7abc-8def-0123456789ab",
    depositor=_TITULAIRE,
    cadre="A4",
    cadre_label="projet de décompte mensuel",
    number="SIT-2026-11",
    issued_on=date(2026, 7, 13),
    type_code="380",
    is_credit_note=False,
    engagement="EJ-2026-7",
    marche="M-42",
    comment="Mois de juin.\nVoir l'annexe.",
    follows=None,
    currency="EUR",
    amounts=Amounts(Decimal("1234567.5"), Decimal("0.10"), Decimal("1234567.60"), Decimal(-3)),
    parties=(_TITULAIRE, PartyFacts(Role.MOE, "Atelier Lagarde", "35600000000048", "TRVX")),
    file=FileFacts("situation.xml", 1_234_567, "a" * 64),
    attachments=(FileFacts("annexe.pdf", 12, "b" * 64), FileFacts("plan.png", 13, "c" * 64)),
    deposited_at=datetime(2026, 7, 14, 22, 30, 5, 123000, tzinfo=UTC),
    deposited_via="API du portail",
)
ADDED = replace(
    FACTS,
    attachments=(FileFacts("bon.pdf", 14, "d" * 64),),
    addition=AdditionFacts(
        Act.COMPLETER,
        _TITULAIRE,
        datetime(2026, 12, 1, 8, 0, 0, tzinfo=UTC),
        "Bon de livraison joint.\nLe reste suit.",
    ),
)


def text_of(pdf: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "\n".join(page.extract_text() for page in pages)


def test_the_certificate_says_who_what_when_and_with_which_fingerprint() -> None:
    text = text_of(render_certificate(FACTS))

    for said in (
        "Certificat de dépôt",
        "Bâtisseurs du Rhône (73282932000074), service AGENCE-SUD",
        "A4 : projet de décompte mensuel",
        "SIT-2026-11",
        "Date d'émission 13/07/2026",
        "EJ-2026-7",
        "M-42",
        "Mois de juin.\nVoir l'annexe.",
        FACTS.piece_id,
        FACTS.dossier_id,
        "aucune pièce",
        "1 234 567,50 EUR",
        "-3,00 EUR",
        "Maîtrise d'œuvre Atelier Lagarde (35600000000048), service TRVX",
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


def test_the_certificate_of_a_completion_names_both_moments_and_has_its_comment() -> None:
    text = text_of(render_certificate(ADDED))

    for said in (
        "Certificat de complément",
        "a été complétée",
        "Auteur du complément Bâtisseurs du Rhône (73282932000074), service AGENCE-SUD",
        "Complétée le 01/12/2026 à 09:00:00, heure de Paris (+01:00)",
        "Temps universel 2026-12-01T08:00:00.000Z",
        "Pièce déposée le 15/07/2026 à 00:30:05, heure de Paris (+02:00)",
        "Temps universel du dépôt 2026-07-14T22:30:05.123Z",
        "Commentaire Bon de livraison joint.\nLe reste suit.",
        "Fichier de la pièce",
        "Pièces jointes ajoutées",
        "d" * 64,
    ):
        assert said in text
    for of_a_deposit in ("Certificat de dépôt", "Déposant", "DEPOSEE"):
        assert of_a_deposit not in text


def test_the_certificate_of_a_contest_says_so() -> None:
    assert ADDED.addition
    contest = replace(ADDED.addition, act=Act.CONTESTER, comment=None)

    text = text_of(render_certificate(replace(ADDED, addition=contest)))

    assert "Certificat de contestation" in text
    assert "Contestée le 01/12/2026 à 09:00:00" in text
    assert "Commentaire Bon" not in text


def test_what_a_deposit_does_not_say_takes_no_row() -> None:
    bare = replace(FACTS, engagement=None, marche=None, comment=None, attachments=())

    text = text_of(render_certificate(bare))

    for label in ("Engagement", "Marché", "Commentaire", "Pièces jointes", "None", "Type"):
        assert label not in text


def test_the_certificate_of_an_avoir_says_that_it_takes_away() -> None:
    text = text_of(render_certificate(replace(FACTS, type_code="381", is_credit_note=True)))

    assert "Type avoir (381) : ses montants se retranchent" in text


def test_every_act_with_files_has_a_certificate_of_its_own() -> None:
    assert ADDED.addition
    for act in set(Act) - TREATMENTS - {Act.DEPOSER_SUITE, Act.REMPLACER} | {Act.CONTESTER}:
        addition = replace(ADDED.addition, act=act)
        assert "Certificat de dépôt" not in text_of(
            render_certificate(replace(ADDED, addition=addition))
        )


async def test_certificates_are_made_of_what_was_deposited_and_added() -> None:
    piece = a_piece()
    parties = replace(piece.draft.parties, moe=Party(MOE, "TRAVAUX"))
    piece = replace(piece, draft=replace(piece.draft, comment="Vu.", parties=parties))
    completion = Completion(
        attachments=(StoredFile("d" * 64, 14, "bon.pdf", "application/pdf"),),
        comment="Voici.",
        completed_at=datetime(2026, 12, 1, 8, tzinfo=UTC),
        certificate_sha256="",
        dossier_version=3,
    )

    deposited = text_of(await certify(piece, DIRECTORY))
    completed = text_of(await certify(piece, DIRECTORY, completion))

    assert f"({MOE}), service TRAVAUX" in deposited
    assert "Commentaire du dépôt Vu." in deposited
    assert "Date d'émission 24/11/2026" in deposited
    assert "Déposée le 24/11/2026 à 11:00:00" in deposited
    assert "Complétée le 01/12/2026 à 09:00:00" in completed
    assert "Pièce déposée le 24/11/2026 à 11:00:00" in completed
    assert "Commentaire Voici." in completed


def test_the_piece_that_it_follows_is_named() -> None:
    text = text_of(render_certificate(replace(FACTS, follows="0192f3a0-3333")))

    assert "0192f3a0-3333" in text
    assert "aucune pièce" not in text


def test_the_facts_are_embedded_for_a_machine() -> None:
    with pikepdf.open(io.BytesIO(render_certificate(FACTS))) as pdf:
        facts = json.loads(pdf.attachments["certificat.json"].get_file().read_bytes())

    assert facts["file"] == {"name": "situation.xml", "size_bytes": 1_234_567, "sha256": "a" * 64}
    assert facts["amounts"] == {
        "ht": "1234567.50",
        "tva": "0.10",
        "ttc": "1234567.60",
        "due": "-3.00",
    }
    assert (facts["issued_on"], facts["deposited_at"]) == (
        "2026-07-13",
        "2026-07-14T22:30:05.123Z",
    )
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
        ("l’œuvre – 10 €", "l’œuvre – 10 €"),
        ("Ŵałęsa", "<U+0174>a<U+0142><U+0119>sa"),
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
