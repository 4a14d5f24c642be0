"""The rules of attachments: name, type, content, size, total."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.deposit.domain.attachments import judge_attachments
from shared.vocabulary.attachments import Attached, find_media_type
from shared.vocabulary.sizes import MEGABYTE
from tests.unit.deposit.builders import OPENING, attaching, broken


def compound(kind: str) -> bytes:
    """Make the beginning of a compound file whose directory is its second sector."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[30:32], header[48:52] = b"\x09\x00", b"\x01\x00\x00\x00"
    return bytes(header) + bytes(512) + bytes(80) + UUID(kind).bytes_le + bytes(400)


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
        ("bon.p7s", 9, b"\x00asm\x01", "DEP-PJ-04"),
        ("bon.txt", 9, b"\xef\xbb\xbf#!/bin/sh", "DEP-PJ-04"),
        ("bon.txt", 9, b"\n#!/bin/sh", "DEP-PJ-04"),
        ("bon.txt", 9, b"\xcf\xfa\xed\xfe\x07", "DEP-PJ-04"),
        ("bon.fax", 9, b"\xcf\xfa\xed\xfe\x07", "DEP-PJ-04"),
        ("bon.xml", 9, b"\xca\xfe\xba\xbe\x00\x00", "DEP-PJ-04"),
        ("bon.csv", 9, b"L\x00\x00\x00\x01\x14\x02\x00", "DEP-PJ-04"),
        ("bon.html", 9, b" MZ", "DEP-PJ-04"),
        ("bon.svg", 9, b"<svg>\x00\x01", "DEP-PJ-04"),
        ("bon.txt", 9, b"a" * 5000 + b"\x00", "DEP-PJ-04"),
        ("bon.txt", 9, b"\xff\xfea\x00\x00\x00", "DEP-PJ-04"),
        ("bon.txt", 9, b"\xff\xfe\x00\xdca\x00", "DEP-PJ-04"),
        ("bon.doc", 9, compound("000c1084-0000-0000-c000-000000000046"), "DEP-PJ-04"),
        ("bon.pdf", 9, b"MZ\x90" + bytes(100) + b"%PDF-1.7", "DEP-PJ-04"),
        ("bon.pdf", 9, b"\r\n#!/bin/sh\n%PDF-1.7", "DEP-PJ-04"),
        ("bon.pdf", 9, b"PK\x03\x04" + bytes(100) + b"%PDF-1.7", "DEP-PJ-04"),
        ("bon.pdf", 9, b"\xef\xbb\xbf\x7fELF%PDF-1.7", "DEP-PJ-04"),
        ("bon.pdf", 9, b" " * 1020 + b"%PDF-1.7", "DEP-PJ-04"),
        ("bon.docx", 9, b"\r\nPK\x03\x04", "DEP-PJ-04"),
        ("bon.txt", 9, b"\r\n%PDF-1.7\x00", "DEP-PJ-04"),
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
        ("bon.pdf", b"\r\n%PDF-1.7"),
        ("bon.pdf", b"\xef\xbb\xbf%PDF-1.7"),
        ("bon.pdf", b"\n" * 1019 + b"%PDF-1.7"),
        ("photo.jpeg", b"\xff\xd8\xff\xe0"),
        ("plans.zip", b"PK\x03\x04"),
        ("metre.XLS", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("note.txt", "Réserves levées".encode()),
        ("note.txt", "Réserves levées".encode()[:2]),
        ("note.txt", "\ufeffRéserves\r\nlevées".encode()),
        ("note.txt", "Réserves levées, 12 €".encode("cp1252")),
        ("metre.csv", "poste;prix\n".encode("utf-16")),
        ("metre.csv", "poste;prix".encode("utf-16")[:-1]),
        ("bon.p7s", b"0\x82\x00\x01\x06"),
        ("note.doc", compound("00020906-0000-0000-c000-000000000046")),
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
    assert find_media_type("a.PDF") == "application/pdf"
    assert find_media_type("a.unknown") == "application/octet-stream"
