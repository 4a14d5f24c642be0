"""Mutated files through the reader of deposit, in bounded processes."""

import asyncio
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Lock

from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.adapters.reader_pool import ReaderPool
from services.deposit.bootstrap import build_reader_limits
from services.deposit.domain.fields import merge, truncate
from services.deposit.domain.invoice import Invoice, judge_invoice
from services.deposit.domain.unreadable import TOO_HEAVY, Unreadable
from services.deposit.settings import Settings
from shared.vocabulary.codes import Syntax
from tests.fuzz.corpus import File, build_corpus
from tests.fuzz.faults import Fault, Sort, Tally
from tests.fuzz.mutating import mutate
from tests.fuzz.stopwatch import Stopwatch
from tests.fuzz.workers import Outcome, Reader, Reading, Worker

_SETTINGS = Settings(kafka="", mongo="")
_SAMPLED = 100
_NAME = "facture"
"""Name of every file: refusals quote it, and the same bytes must give the same reading."""
_PROGRESS = 5000
"""Number of files between two lines of progress: 100,000 files take most of an hour."""
_TURNED_AWAY = frozenset({Sort.SLOW, Sort.MEMORY})
_TODAY = date(2026, 11, 24)
_FIELDS_OF_PERSON = Invoice(
    syntax=Syntax.PDF, number="SIT-2026-11", ht=Decimal("10000.00"), cadre="A4"
)


def read_and_judge(content: bytes, name: str) -> Reading:
    """Read a file as deposit does, judge it, and merge it with fields that a person typed."""
    try:
        return _judge(read_einvoice(content, name))
    except Unreadable as refusal:
        return _read_refusal(refusal)


def _judge(invoice: Invoice) -> Reading:
    violations = judge_invoice(invoice, today=_TODAY, max_number_length=_SETTINGS.max_number_length)
    merged, contradictions = merge(invoice, _FIELDS_OF_PERSON)
    shown = repr((invoice, violations, merged, contradictions, truncate(merged)))
    return Reading(shown, is_parsed=True)


def _read_refusal(refusal: Unreadable) -> Reading:
    return Reading(repr(refusal.violation), is_parsed=False)


MEMORY_MB = _SETTINGS.reader_memory_mb


def fuzz_files(seed: int, inputs: int) -> Tally:
    """Read `inputs` mutated files in one process per core.

    The reader pool of deposit reads a few of them as well, and each one that was slow or heavy:
    that is a fault only when the pool is slow as well, or fails.
    """
    files = build_corpus()
    return judge_files((mutate(files, seed, rank) for rank in range(inputs)), sampled=_SAMPLED)


def judge_files(inputs: Iterable[File], sampled: int = 1) -> Tally:
    """Read files; the reader pool of deposit reads one in `sampled`, and each slow or heavy one."""
    run = _Run(inputs, sampled, shows_progress=True)
    run.work_all(read_and_judge, MEMORY_MB)
    asyncio.run(_ask_service(run))
    return run.tally


def read_all(inputs: Iterable[File], reader: Reader, memory_mb: int = MEMORY_MB) -> Tally:
    """Read inputs in one process per core, and record the faults."""
    run = _Run(inputs)
    run.work_all(reader, memory_mb)
    return run.tally


class _Run:
    """Inputs that several workers share, and the figures of their reading."""

    def __init__(
        self, inputs: Iterable[File], sampled: int = 0, *, shows_progress: bool = False
    ) -> None:
        self.tally = Tally("files")
        self.asked: list[tuple[File, Reading | None]] = []
        """Sampled inputs, with the reading of each, that the reader pool is to read as well."""
        self._sampled = sampled
        self._shows_progress = shows_progress
        self._inputs = iter(inputs)
        self._lock = Lock()
        self._is_ended = False
        self._known: dict[bytes, Reading] = {}

    def work_all(self, reader: Reader, memory_mb: int) -> None:
        """Let one worker per core read all inputs."""
        cores = os.cpu_count() or 1
        with ThreadPoolExecutor(cores) as threads:
            working = [threads.submit(self.work, Worker(reader, memory_mb)) for _ in range(cores)]
            try:
                for each in working:
                    each.result()
            except BaseException:
                # On Ctrl-C the threads are waited for: without this, they would read all the rest.
                self._is_ended = True
                raise

    def work(self, worker: Worker) -> None:
        """Let a worker read one input after the other."""
        with worker:
            while (file := self._next()) is not None:
                self._note(file, worker.read(file.content, _NAME))

    def _next(self) -> File | None:
        with self._lock:
            return None if self._is_ended else next(self._inputs, None)

    def _note(self, file: File, outcome: Outcome) -> None:
        with self._lock:
            tally, reading = self.tally, outcome.reading
            tally.inputs += 1
            if self._shows_progress and tally.inputs % _PROGRESS == 0:
                print(f"files: {tally.inputs} read, {len(tally.faults)} to look at", flush=True)
            tally.peak_mb = max(tally.peak_mb, outcome.peak_mb)
            if outcome.sort not in _TURNED_AWAY:
                tally.record_time(file.name, outcome.taken_ms)
            tally.outcomes["parsed"] += bool(reading and reading.is_parsed)
            if outcome.sort is not None:
                tally.faults.append(Fault(outcome.sort, file.name, outcome.detail, file.content))
            elif reading is not None:
                self._compare(file, reading)
                if self._sampled and tally.inputs % self._sampled == 0:
                    self.asked.append((file, reading))

    def _compare(self, file: File, reading: Reading) -> None:
        """Compare the reading of a file with an earlier one of the same bytes, in any process."""
        known = self._known.setdefault(hashlib.sha256(file.content).digest(), reading)
        if known != reading:
            detail = f"before {known.said[:300]}, now {reading.said[:300]}"
            self.tally.faults.append(Fault(Sort.UNLIKE, file.name, detail, file.content))


async def _ask_service(run: _Run) -> None:
    """Let the reader pool of deposit read the sampled files, and those that were slow or heavy."""
    tally, pool = run.tally, ReaderPool(build_reader_limits(_SETTINGS))
    await pool.prepare()
    replacing = asyncio.create_task(pool.run())
    doubtful = [fault for fault in tally.faults if fault.sort in _TURNED_AWAY]
    tally.faults = [fault for fault in tally.faults if fault.sort not in _TURNED_AWAY]
    tally.outcomes["turned away"] = len(doubtful)
    files = [*run.asked, *((File(fault.name, fault.content), None) for fault in doubtful)]
    for file, expected in files:
        watch = Stopwatch([os.getpid()])
        reading, trouble = None, None
        try:
            reading = _judge(await pool.read(file.content, _NAME))
        except Unreadable as refusal:
            is_heavy = refusal.violation.code == TOO_HEAVY.code
            reading = expected if is_heavy else _read_refusal(refusal)
        except Exception as error:  # noqa: BLE001 - whatever comes is the fault that is looked for
            trouble = Fault(Sort.EXCEPTION, file.name, f"by the service: {error!r}", file.content)
        taken_s, is_slow = watch.taken_s, watch.is_over()
        tally.record_time(f"{file.name}, by the service", 1000 * taken_s)
        if is_slow:
            trouble = Fault(Sort.SLOW, file.name, f"{taken_s:.1f} s by the service", file.content)
        elif expected is not None and reading is not None and reading != expected:
            shown = f"here {expected.said[:300]}, by the service {reading.said[:300]}"
            trouble = Fault(Sort.UNLIKE, file.name, shown, file.content)
        if trouble is not None:
            tally.faults.append(trouble)
    replacing.cancel()
    await asyncio.wait({replacing})
