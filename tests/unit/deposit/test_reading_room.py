"""A heavy PDF is read in a process of its own: a bomb ends its reader, never the service."""

import asyncio

import pytest

from deploy.local import einvoices
from services.deposit.adapters.reading_room import ReadingRoom
from services.deposit.domain.unreadable import Unreadable
from shared.vocabulary.codes import Syntax
from tests.kit.einvoices import an_einvoice
from tests.kit.hostile_pdfs import with_attachments, with_objects

MEMORY_MB = 300


def _bomb() -> bytes:
    return with_objects(f"/Nombres [{'1 ' * 9_000_000}]")


async def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_one_is_read() -> None:
    room = ReadingRoom(MEMORY_MB)
    good = einvoices.factur_x(an_einvoice())

    bomb, *read = await asyncio.gather(
        room.read(_bomb(), "bombe.pdf"),
        *(room.read(good, "facture.pdf") for _ in range(3)),
        return_exceptions=True,
    )

    assert isinstance(bomb, Unreadable)
    # The library may take the want of memory for a broken file: refused, either way.
    assert bomb.violation.code in {"DEP-FILE-08", "DEP-FILE-13"}
    assert [getattr(each, "syntax", each) for each in read] == [Syntax.FACTUR_X] * 3


async def test_a_heavy_pdf_is_read_as_a_light_one() -> None:
    ballast = {"plan.bin": bytes(range(256)) * 1, "factur-x.xml": einvoices.cii(an_einvoice())}
    light = with_attachments(ballast)
    heavy = light.replace(b"%%EOF", b"%" + b" " * 3_000_000 + b"\n%%EOF", 1)

    read = [await ReadingRoom(MEMORY_MB).read(each, "facture.pdf") for each in (light, heavy)]

    assert [each.syntax for each in read] == [Syntax.FACTUR_X] * 2
    assert read[0] == read[1]


async def test_what_cannot_be_read_is_said_by_its_own_rule() -> None:
    with pytest.raises(Unreadable) as refusal:
        await ReadingRoom(MEMORY_MB).read(b"%PDF-1.7\n" + b"x" * 3_000_000, "abime.pdf")

    assert refusal.value.violation.code == "DEP-FILE-08"
