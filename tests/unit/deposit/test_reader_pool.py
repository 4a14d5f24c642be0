"""Untrusted files are read in processes of their own: a bomb ends its reader, never the service."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local import einvoices
from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.adapters.reader_pool import LIGHT_BYTES, ReaderLimits, ReaderPool
from services.deposit.application.ports import SaturatedError
from services.deposit.domain.unreadable import Unreadable
from shared.vocabulary.codes import Syntax
from shared.vocabulary.sizes import MEGABYTE
from tests.kit import hostile_pdfs, lying_reader
from tests.kit.einvoices import ROOT, an_einvoice
from tests.kit.process_memory import measure_peak_mb
from tests.kit.readers import run_pool
from tests.kit.waiting import scale_timeout, wait_until

_BOUNDS = ReaderLimits(readers=1, memory_mb=300, cpu_s=1, wall_s=60.0, wait_s=10.0)
_INVOICE = einvoices.write_factur_x(an_einvoice())
_LONGEST_GAP_S = 5.0
"""Far below what these files took the service: 19 to 34 s. A busy machine alone takes some."""
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


async def code_of(pool: ReaderPool, content: bytes) -> str:
    """Give the code by which a file is refused, or the syntax by which it is read."""
    try:
        return (await pool.read(content, "fichier.pdf")).syntax
    except Unreadable as refusal:
        return refusal.violation.code


@dataclass(slots=True)
class _Watch:
    """What a look at the loop and the readers, again and again, has seen."""

    gap_s: float = 0.0
    peak_mb: float = 0


@asynccontextmanager
async def watching(pool: ReaderPool) -> AsyncIterator[_Watch]:
    """Measure the loop's longest gap, and the most memory that a reader took."""
    seen = _Watch()

    async def look() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            seen.gap_s = max(seen.gap_s, time.monotonic() - before)
            seen.peak_mb = max(seen.peak_mb, *map(measure_peak_mb, pool.pids), 0)

    task = asyncio.create_task(look())
    try:
        yield seen
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


_UNBOUNDED = {
    "comments": b"/Filter%",
    "comments_in_arrays": b"/Filter[%",
    "names_in_arrays": b"/Filter[/Filter",
    "blanks": b"/Filter" + b" " * 500,
    "hidden_letters": b"/F#69lter%",
}
_FILES: dict[str, Callable[[], bytes]] = {
    **{
        f"filters_{size_kb}_kb_of_{name}": partial(
            hostile_pdfs.write_repeated, unit, size_kb * 1024
        )
        for name, unit in _UNBOUNDED.items()
        for size_kb in (100, 1000)
    },
    "a_long_comment_of_filters": lambda: b"%PDF-1.7\n/Filter%" + b"/Filter%" * 99_999 + b"\n%%EOF",
    "object_streams": lambda: hostile_pdfs.write_with_object_streams(40, 11 * MEGABYTE),
    "a_long_chain_of_indexes": lambda: hostile_pdfs.write_with_index_chain(40_000),
    "a_loop_of_indexes": lambda: hostile_pdfs.write_with_index_chain(40_000, closed=True),
    "an_index_before_itself": lambda: hostile_pdfs.write_with_index_chain(1, closed=True),
    "pieces_of_one_object": lambda: hostile_pdfs.write_repeated(b"1 0 obj\n", 2 * MEGABYTE),
    "pieces_of_many_objects": lambda: hostile_pdfs.write_repeated(
        b"".join(b"%d 0 obj\n" % number for number in range(200_000)), 2 * MEGABYTE
    ),
    "pieces_of_streams": lambda: hostile_pdfs.write_repeated(
        b"1 0 obj<</Length 9>>stream\n", 2 * MEGABYTE
    ),
    "false_lengths": lambda: hostile_pdfs.write_with_false_lengths(20_000),
    "arrays_in_arrays": lambda: hostile_pdfs.write_with_objects(
        "/X " + "[" * 900_000 + "]" * 900_000
    ),
    "dictionaries_in_dictionaries": lambda: hostile_pdfs.write_with_objects(
        "/X " + "<</A" * 400_000 + " 1" + ">>" * 400_000
    ),
    "numbers": lambda: hostile_pdfs.write_with_objects(f"/Nombres [{'1 ' * 9_000_000}]"),
    "pages": lambda: hostile_pdfs.write_with_pages(100_000),
    "shared_pages": lambda: hostile_pdfs.write_with_page_tree(60, 10),
    "associated_files": lambda: hostile_pdfs.write_with_objects(f"/AF[{'4 0 R ' * 900_000}]"),
    "names": lambda: hostile_pdfs.write_with_objects(
        f"/Names<</EmbeddedFiles<</Names[{'(a) 3 0 R ' * 900_000}]>>>>"
    ),
    "kids_of_names": lambda: hostile_pdfs.write_with_objects(
        "/Names<</EmbeddedFiles 4 0 R>>", f"<</Kids[{'4 0 R ' * 9_000}]>>"
    ),
    "rows_as_long_as_memory": lambda: hostile_pdfs.write_with_predictor(2**30, 11 * MEGABYTE),
    "rows_of_a_byte": lambda: hostile_pdfs.write_with_predictor(1, 11 * MEGABYTE),
    "xml_of_one_name_in_two_places": lambda: _xml(
        "<cbc:ProfileID>A1</cbc:ProfileID>" * 90_000,
        "<e:UBLExtensions>" + "<e:CategoryCode>A2</e:CategoryCode>" * 90_000 + "</e:UBLExtensions>",
    ),
    "xml_of_long_texts": lambda: _xml(f"<cbc:ID>{'9' * 8_000_000}</cbc:ID>"),
    "xml_of_a_document_type_never_closed": lambda: b"<!--" + b"<?a" * 3_000_000,
}


def _xml(*inside: str) -> bytes:
    spaces = "urn:oasis:names:specification:ubl:schema:xsd:"
    named = f"xmlns='{spaces}Invoice-2' xmlns:cbc='{spaces}CommonBasicComponents-2' xmlns:e='e'"
    return f"<Invoice {named}>{''.join(inside)}</Invoice>".encode()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def readers() -> AsyncIterator[ReaderPool]:
    """A pool that outlives its hostile files, as that of the service does."""
    async with run_pool(_BOUNDS) as pool:
        yield pool


@pytest.mark.parametrize("name", _FILES)
async def test_a_hostile_file_takes_bounded_time_and_memory_while_the_service_answers(
    readers: ReaderPool, name: str
) -> None:
    content, pool = _FILES[name](), readers

    async with watching(pool) as seen:
        code = await code_of(pool, content)
        after = await code_of(pool, _INVOICE)

    assert code.startswith("DEP-FILE-") or code in {Syntax.PDF, Syntax.UBL}
    assert after == Syntax.FACTUR_X
    assert seen.gap_s < scale_timeout(_LONGEST_GAP_S, most=15)
    assert seen.peak_mb < _BOUNDS.memory_mb + 50


async def test_files_are_read_beside_one_that_takes_too_much() -> None:
    bomb = hostile_pdfs.write_with_objects(f"/Nombres [{'1 ' * 9_000_000}]")

    async with run_pool(replace(_BOUNDS, readers=2)) as pool:
        codes = await asyncio.gather(
            code_of(pool, bomb), *(code_of(pool, _INVOICE) for _ in range(5))
        )

    # The library may take the want of memory for a broken file: refused, either way.
    assert codes[0] in {"DEP-FILE-08", "DEP-FILE-13"}
    assert codes[1:] == [Syntax.FACTUR_X] * 5


def _heavy_ubl() -> bytes:
    return einvoices.write_ubl(an_einvoice()) + b"<!-- -->" * (LIGHT_BYTES // 8)


@pytest.mark.parametrize(
    "content",
    [
        _INVOICE,
        einvoices.write_plain_pdf(an_einvoice()),
        einvoices.write_cii(an_einvoice()),
        _heavy_ubl(),
    ],
    ids=["factur_x", "plain_pdf", "light_cii", "heavy_ubl"],
)
async def test_a_file_is_read_apart_as_it_would_be_here(
    readers: ReaderPool, content: bytes
) -> None:
    read = await readers.read(content, "facture")

    assert read == read_einvoice(content, "facture")


@pytest.mark.parametrize("name", ["facture", "\udcff.pdf", "é" * 500])
async def test_what_cannot_be_read_is_said_by_its_own_rule(readers: ReaderPool, name: str) -> None:
    broken, unknown = b"%PDF-1.7\n" + b"x" * 3_000_000, bytes(3_000_000)

    for content, code in ((broken, "DEP-FILE-08"), (unknown, "DEP-FILE-01")):
        with pytest.raises(Unreadable) as refusal:
            await readers.read(content, name)
        assert refusal.value.violation.code == code


def test_the_service_itself_never_loads_the_pdf_library() -> None:
    program = "import sys, services.deposit.bootstrap; sys.exit('pikepdf' in sys.modules)"

    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=scale_timeout(60))


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "not_known_yet"])
async def test_a_reader_that_died_idle_costs_no_file(*, is_known: bool) -> None:
    async with run_pool(_BOUNDS) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGKILL)
        if is_known:
            await wait_until(lambda: not _is_listed(pid), "the loop has waited for the reader")
        else:
            _wait_without_the_loop(lambda: not _is_running(pid))

        assert await code_of(pool, _INVOICE) == Syntax.FACTUR_X
        assert pool.pids.isdisjoint({pid})


async def test_a_file_that_no_reader_takes_is_refused_the_second_time() -> None:
    pool = ReaderPool(_BOUNDS, program="tests.kit.lying_reader")

    async with run_pool(_BOUNDS, pool):
        before = pool.pids
        with pytest.raises(Unreadable) as refusal:
            await pool.read(_INVOICE, lying_reader.NOT_TAKEN.decode())
        await wait_until(lambda: pool.pids and pool.pids.isdisjoint(before), "another reader")

    assert refusal.value.violation.code == "DEP-FILE-13"


async def test_a_file_that_ends_its_reader_is_given_to_no_other() -> None:
    bomb = hostile_pdfs.write_with_false_lengths(20_000)

    async with run_pool(replace(_BOUNDS, readers=2)) as pool:
        before = pool.pids
        assert await code_of(pool, bomb) == "DEP-FILE-13"

        assert len(before & pool.pids) == 1


async def test_a_file_that_takes_too_long_on_the_clock_is_refused() -> None:
    async with run_pool(replace(_BOUNDS, wall_s=0.5)) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)

        assert await code_of(pool, _INVOICE) == "DEP-FILE-13"
        assert not _is_running(pid)


async def test_a_file_waits_for_a_reader_only_so_long() -> None:
    async with run_pool(replace(_BOUNDS, wait_s=0.2)) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        first = asyncio.create_task(code_of(pool, _INVOICE))
        await asyncio.sleep(0)

        with pytest.raises(SaturatedError):
            await pool.read(_INVOICE, "seconde.pdf")
        light = await pool.read(einvoices.write_cii(an_einvoice()), "legere.xml")

        os.kill(pid, signal.SIGCONT)
        assert await first == Syntax.FACTUR_X
        assert light.syntax is Syntax.CII


async def test_a_sender_of_many_slow_files_leaves_a_reader_to_everybody_else() -> None:
    bomb = hostile_pdfs.write_with_false_lengths(20_000)

    async with run_pool(replace(_BOUNDS, readers=2, wait_s=60.0)) as pool:
        slow = [asyncio.create_task(pool.read(bomb, "a.pdf", "many")) for _ in range(10)]
        await asyncio.sleep(0)
        other = await pool.read(_INVOICE, "b.pdf", "one")

        assert other.syntax is Syntax.FACTUR_X
        # By order of arrival it would have come last.
        assert sum(each.done() for each in slow) <= 1
        for each in slow:
            each.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_a_reading_that_is_given_up_does_not_answer_for_the_next_file() -> None:
    async with run_pool(_BOUNDS) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        given_up = asyncio.create_task(pool.read(einvoices.write_plain_pdf(an_einvoice()), "a.pdf"))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up

        assert await code_of(pool, _INVOICE) == Syntax.FACTUR_X
        assert pool.pids.isdisjoint({pid})


@pytest.mark.parametrize("limits", [{"files": 2}, {"kept_mb": 1}], ids=str)
async def test_a_reader_is_replaced_after_so_many_files_or_when_it_holds_much(
    limits: dict[str, int],
) -> None:
    async with run_pool(replace(_BOUNDS, **limits)) as pool:
        before = pool.pids
        read = [await code_of(pool, _INVOICE) for _ in range(3)]

        assert read == [Syntax.FACTUR_X] * 3
        assert pool.pids.isdisjoint(before)


@pytest.mark.parametrize("said", lying_reader.ANSWERS)
async def test_a_reader_that_was_taken_over_runs_nothing_in_the_service(said: str) -> None:
    pool = ReaderPool(_BOUNDS, program="tests.kit.lying_reader")

    async with run_pool(_BOUNDS, pool):
        with pytest.raises((Unreadable, RuntimeError)) as refusal:
            await pool.read(_INVOICE, said)

    assert isinstance(refusal.value, RuntimeError) is (said == "fault")
    assert not hasattr(sys, "planted")


@needs_proc
async def test_a_reader_holds_its_limits_and_no_file() -> None:
    async with run_pool(_BOUNDS) as pool:
        (pid,) = pool.pids
        told, files, variables = _held_by(pid)

    limits = {line[:26].strip(): line[26:].split()[1] for line in told.splitlines()[1:]}
    assert limits["Max data size"] == str(_BOUNDS.memory_mb * MEGABYTE)
    assert (limits["Max file size"], limits["Max core file size"]) == ("0", "0")
    assert int(limits["Max open files"]) <= 16
    kinds = [str(each).partition(":")[0] for each in files]
    assert kinds[0] == "/dev/null"
    # With uvloop pipes are pairs of sockets without a name.
    assert len(kinds) == 3
    assert set(kinds[1:]) <= {"pipe", "socket"}
    assert b"AIGUILLAGE" not in variables


def _held_by(pid: int) -> tuple[str, list[Path], bytes]:
    at = Path(f"/proc/{pid}")
    files = sorted(each.readlink() for each in (at / "fd").iterdir())
    return (at / "limits").read_text(), files, (at / "environ").read_bytes()


_SERVICE = """
import asyncio
from services.deposit.adapters.reader_pool import ReaderLimits, ReaderPool

async def main():
    pool = ReaderPool(ReaderLimits(readers=2, memory_mb=300, cpu_s=3, wall_s=10, wait_s=10))
    await pool.prepare()
    print(*pool.pids, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_readers_end_with_a_service_that_is_killed() -> None:
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _SERVICE), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert service.stdout is not None
    pids = [int(each) for each in (await service.stdout.readline()).split()]
    service.kill()
    await service.wait()

    assert len(pids) == 2
    await wait_until(lambda: not any(map(_is_running, pids)), "the readers are gone")


async def test_readers_end_with_a_service_that_stops() -> None:
    async with run_pool(_BOUNDS) as pool:
        pids = pool.pids

    assert not any(map(_is_running, pids))


def _wait_without_the_loop(look: Callable[[], bool]) -> None:
    """Wait while the event loop stands still: it cannot learn that a process has ended."""
    deadline = time.monotonic() + scale_timeout(15)
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_listed(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_running(pid: int) -> bool:
    if not _is_listed(pid):
        return False
    with suppress(OSError):
        # Where nobody waits for it, one that has ended is still listed.
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return True
