"""Readers in processes of their own: a bomb ends its reader, never the service."""

import asyncio
import os
import signal

import pytest

from deploy.local import einvoices
from services.deposit.adapters.reading_room import ReadingRoom
from services.deposit.domain.unreadable import Unreadable
from shared.vocabulary.codes import Syntax
from tests.kit.einvoices import an_einvoice
from tests.kit.hostile_pdfs import with_objects

MEMORY_MB = 300


def _bomb() -> bytes:
    return with_objects(f"/Nombres [{'1 ' * 9_000_000}]")


async def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_one_is_read() -> None:
    room = ReadingRoom(MEMORY_MB)

    with pytest.raises(Unreadable) as refusal:
        await room.read(_bomb(), "bombe.pdf")
    read = await room.read(einvoices.ubl(an_einvoice()), "facture.xml")

    # The library may take the want of memory for a broken file: refused, either way.
    assert refusal.value.violation.code in {"DEP-FILE-08", "DEP-FILE-13"}
    assert read.syntax is Syntax.UBL


async def test_what_cannot_be_read_is_said_by_its_own_rule() -> None:
    room = ReadingRoom(MEMORY_MB)

    with pytest.raises(Unreadable) as refusal:
        await room.read(b"bonjour", "lettre.txt")

    assert refusal.value.violation.code == "DEP-FILE-01"


async def test_files_beside_a_bomb_are_read() -> None:
    room = ReadingRoom(MEMORY_MB)
    good = einvoices.factur_x(an_einvoice())

    bomb, *read = await asyncio.gather(
        room.read(_bomb(), "bombe.pdf"),
        *(room.read(good, "facture.pdf") for _ in range(4)),
        return_exceptions=True,
    )

    assert isinstance(bomb, Unreadable)
    assert [getattr(each, "syntax", each) for each in read] == [Syntax.FACTUR_X] * 4


async def test_a_reader_that_is_killed_is_replaced() -> None:
    room = ReadingRoom(MEMORY_MB)
    content = einvoices.cii(an_einvoice())
    await room.read(content, "facture.xml")

    for pid in room.pids():
        os.kill(pid, signal.SIGKILL)
    read = await room.read(content, "facture.xml")

    assert read.syntax is Syntax.CII
