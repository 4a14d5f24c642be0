"""The rules of attachments: name, type, content, size, total."""

from dataclasses import replace

import pytest

from services.deposit.domain.attachments import judge_attachments
from shared.vocabulary.attachments import Attached, media_type
from tests.unit.deposit.judged import OPENING, attaching, broken

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("name", "size", "head", "code"),
    [
        ("n" * 47 + ".pdf", 9, b"%PDF-1.7", "DEP-PJ-01"),
        ("../bon.pdf", 9, b"%PDF-1.7", "DEP-PJ-02"),
        ("bon\n.pdf", 9, b"%PDF-1.7", "DEP-PJ-02"),
        ("bon", 9, b"%PDF-1.7", "DEP-PJ-03"),
        (".pdf", 9, b"%PDF-1.7", "DEP-PJ-03"),
        ("bon.exe", 9, b"MZ", "DEP-PJ-03"),
        ("bon.pdf", 9, b"MZ\x90", "DEP-PJ-04"),
        ("bon.docx", 9, b"%PDF-1.7", "DEP-PJ-04"),
        ("bon.txt", 9, b"\x7fELF", "DEP-PJ-04"),
        ("bon.pdf", 0, b"", "DEP-PJ-05"),
        ("bon.pdf", 10 * MEGABYTE + 1, b"%PDF-1.7", "DEP-PJ-06"),
    ],
)
def test_a_bad_attachment_is_named_by_its_rank(
    name: str, size: int, head: bytes, code: str
) -> None:
    assert broken(attaching(name, size, head)) == [(code, "attachments.0")]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("n" * 46 + ".pdf", b"%PDF-1.7"),
        ("Bon de livraison n°3 (signé).PDF", b"%PDF-1.7"),
        ("photo.jpeg", b"\xff\xd8\xff\xe0"),
        ("plans.zip", b"PK\x03\x04"),
        ("metre.XLS", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("note.txt", "Réserves levées".encode()),
    ],
)
def test_a_good_attachment_is_accepted(name: str, head: bytes) -> None:
    assert broken(attaching(name, 10 * MEGABYTE, head)) == []


def test_a_piece_and_its_attachments_have_a_limit_together() -> None:
    heavy = tuple(Attached(f"plan-{n}.pdf", 10 * MEGABYTE, b"%PDF-") for n in range(12))

    assert broken(replace(OPENING, attachments=heavy)) == []
    assert broken(replace(OPENING, attachments=heavy, file_bytes=1)) == [
        ("DEP-PJ-07", "attachments")
    ]


def test_each_attachment_is_judged_for_itself() -> None:
    several = (Attached("a.pdf", 0, b""), Attached("b.pdf", 9, b"%PDF-"), Attached("c", 9, b""))

    assert [each.field for each in judge_attachments(several)] == [
        "attachments.0",
        "attachments.2",
    ]


def test_a_media_type_follows_the_extension_and_nothing_the_sender_says() -> None:
    assert media_type("a.PDF") == "application/pdf"
    assert media_type("a.unknown") == "application/octet-stream"
