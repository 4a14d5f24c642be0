"""The fuzz harness sees what it looks for: one planted fault of each sort."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from random import Random

import hypothesis
import pytest

from deploy.local import Platform
from tests.fuzz.__main__ import interrupt_on_signals
from tests.fuzz.corpus import File, build_corpus
from tests.fuzz.faults import Sort
from tests.fuzz.files import MEMORY_MB, read_all, read_and_judge
from tests.fuzz.malform import malform
from tests.fuzz.memory import ROOT, read_container_limits_mb
from tests.fuzz.mutating import mutate
from tests.fuzz.planted import (
    READERS,
    ROUTES,
    detect_in_calls,
    detect_in_files,
    detect_in_groups,
    detect_in_memory,
    pass_by,
)
from tests.fuzz.stopwatch import Stopwatch, measure_cpu_s
from tests.kit.malformed import RawRecord
from tests.kit.namespaces import build_namespace
from tests.kit.waiting import scale_timeout


@pytest.mark.parametrize("sort", READERS)
def test_a_fault_of_a_reader_is_named(sort: Sort) -> None:
    assert detect_in_files(READERS[sort]) == [sort]


def test_a_reader_without_fault_is_left_in_peace() -> None:
    assert detect_in_files(pass_by) == []


def test_the_memory_of_who_starts_a_reader_is_not_the_reader_s() -> None:
    grown = b"x" * ((MEMORY_MB + 100) * 1024 * 1024)

    assert detect_in_files(pass_by) == []
    assert grown


def test_the_same_bytes_under_two_names_are_read_alike() -> None:
    twice = [File("1 a.xml", b"neither"), File("2 b.xml", b"neither")]

    assert read_all(twice, read_and_judge).faults == []


def test_an_input_that_computes_too_long_is_slow_on_any_machine() -> None:
    idle, busy = Stopwatch(limit_s=0.3), Stopwatch([os.getpid()], limit_s=0.3)
    begun = time.process_time()

    assert not busy.is_over()
    while time.process_time() - begun < 0.4:
        pass

    assert busy.is_over()
    assert idle.is_over() is (idle.taken_s > scale_timeout(0.3))


def test_what_its_children_compute_is_counted_to_a_process() -> None:
    before = measure_cpu_s(os.getpid())

    subprocess.run([sys.executable, "-c", "sum(range(20_000_000))"], check=True)

    assert measure_cpu_s(os.getpid()) > before + 0.05


@pytest.fixture
def _signals() -> Iterator[None]:
    """Have signals interrupt, also where pytest runs in the background of a shell."""
    ended_by = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.getsignal(each) for each in ended_by}
    interrupt_on_signals()
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("_signals")
def test_a_signal_to_end_is_no_fault_of_a_request() -> None:
    @hypothesis.given(hypothesis.strategies.integers())
    def call(_: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        call()


@pytest.mark.usefixtures("_signals")
def test_ctrl_c_ends_a_run_before_its_last_file() -> None:
    def endless() -> Iterator[File]:
        for rank in itertools.count():
            if rank == 9:
                os.kill(os.getpid(), signal.SIGINT)
            assert rank < 100_000, "it went on"
            yield File("any", b"")

    with pytest.raises(KeyboardInterrupt):
        read_all(endless(), pass_by)


def test_a_rebuilt_pdf_is_done_with_however_its_names_are_knotted() -> None:
    # This seed shares the kids of the tree of names, 500 deep, and embeds a file. The library
    # holds the interpreter meanwhile: only another process can end it.
    code = (
        "from random import Random; from tests.fuzz.mutate_pdf import rebuild;"
        "from tests.kit.hostile_pdfs import write_with_attachments;"
        "rebuild(Random(5068), write_with_attachments({'factur-x.xml': b'<a/>'}))"
    )

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=scale_timeout(60))


@pytest.mark.parametrize("sort", ROUTES)
def test_a_fault_of_a_route_is_named(sort: Sort) -> None:
    assert detect_in_calls(ROUTES[sort]) == [sort]


def test_a_service_over_its_memory_is_named() -> None:
    assert detect_in_memory() == [Sort.MEMORY]


async def test_a_group_that_stands_still_is_seen(native_backbone: Platform) -> None:
    assert await detect_in_groups(build_namespace(native_backbone)) == [Sort.STILL]


def test_one_seed_gives_the_same_files_and_records_and_another_gives_others() -> None:
    files = build_corpus()

    def made(seed: int) -> list[object]:
        rng = Random(seed)
        raw = RawRecord("sound", b'{"type": "t", "data": {"a": [1, 2]}}', b"k")
        records = [malform(rng, raw) for _ in range(500)]
        return [*(mutate(files, seed, rank) for rank in range(50)), *records]

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_every_service_has_a_bound_of_memory() -> None:
    assert read_container_limits_mb().keys() == {
        "deposit", "notification", "organisation", "portal", "routing", "support",
    }  # fmt: skip
