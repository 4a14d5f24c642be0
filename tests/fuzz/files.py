"""Mutated files through the reader of deposit, in bounded processes."""

import hashlib
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Lock

from services.deposit.adapters.einvoice.reading import read_einvoice
from services.deposit.domain.invoice import Invoice, judge_invoice
from services.deposit.domain.merging import merge, shown
from services.deposit.domain.unreadable import Unreadable
from services.deposit.settings import Settings
from shared.vocabulary.codes import Syntax
from tests.fuzz.corpus import File, corpus
from tests.fuzz.faults import Fault, Sort, Tally
from tests.fuzz.mutating import mutate
from tests.fuzz.workers import Outcome, Reader, Reading, Worker

_TODAY = date(2026, 11, 24)
_SAID = Invoice(syntax=Syntax.PDF, number="SIT-2026-11", ht=Decimal("10000.00"), cadre="A4")


def read_and_judge(content: bytes, name: str) -> Reading:
    """Read a file as deposit does, then judge it, and compare it with what a person says."""
    try:
        invoice = read_einvoice(content, name)
    except Unreadable as refusal:
        return Reading(repr(refusal.violation), is_parsed=False)
    violations = judge_invoice(invoice, today=_TODAY)
    merged, contradictions = merge(invoice, _SAID)
    said = repr((invoice, violations, merged, contradictions, shown(merged)))
    return Reading(said, is_parsed=True)


MEMORY_MB = int(Settings.model_fields["reader_memory_mb"].default)


def fuzz_files(seed: int, inputs: int) -> Tally:
    """Read so many mutated files in one process a core, and print the share that still parsed."""
    files = corpus()
    began = time.monotonic()
    tally = read_all((mutate(files, seed, rank) for rank in range(inputs)), read_and_judge)
    taken_s = time.monotonic() - began
    parsed = tally.outcomes["parsed"]
    print(
        f"files: {parsed / max(1, inputs):.0%} still parsed, from {len(files)} files, "
        f"{inputs / taken_s:.0f} inputs/s"
    )
    return tally


def read_all(inputs: Iterable[File], reader: Reader, memory_mb: int = MEMORY_MB) -> Tally:
    """Read inputs in one process a core, and gather what is wrong."""
    run = _Run(inputs)
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as threads:
        for each in [threads.submit(run.work, Worker(reader, memory_mb)) for _ in range(cores)]:
            each.result()
    return run.tally


class _Run:
    """Inputs that several workers share, and what came of them."""

    def __init__(self, inputs: Iterable[File]) -> None:
        self.tally = Tally("files")
        self._inputs = iter(inputs)
        self._lock = Lock()
        self._known: dict[bytes, Reading] = {}

    def work(self, worker: Worker) -> None:
        """Have one input after the other read."""
        with worker:
            while (file := self._next()) is not None:
                self._note(file, worker.read(file.content, file.name))

    def _next(self) -> File | None:
        with self._lock:
            return next(self._inputs, None)

    def _note(self, file: File, outcome: Outcome) -> None:
        with self._lock:
            tally, reading = self.tally, outcome.reading
            tally.inputs += 1
            tally.peak_mb = max(tally.peak_mb, outcome.peak_mb)
            tally.time(file.name, outcome.taken_ms)
            tally.outcomes["parsed"] += bool(reading and reading.is_parsed)
            if outcome.sort is not None:
                tally.faults.append(Fault(outcome.sort, file.name, outcome.detail, file.content))
            elif reading is not None:
                self._compare(file, reading)

    def _compare(self, file: File, reading: Reading) -> None:
        """Compare what one file gave with what it gave before, in whichever process."""
        known = self._known.setdefault(hashlib.sha256(file.content).digest(), reading)
        if known != reading:
            detail = f"before {known.said[:300]}, now {reading.said[:300]}"
            self.tally.faults.append(Fault(Sort.UNLIKE, file.name, detail, file.content))
