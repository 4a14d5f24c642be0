"""`make fuzz`: reads mutated files, sends generated requests and malformed records.

Exit 1 on any fault, and on a planted one that is not detected. `replay FILE` reads a saved file.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.errors import LaunchError
from deploy.local import Platform, choose
from deploy.local.backends import Backend
from tests.fuzz.calls import fuzz_calls
from tests.fuzz.corpus import File
from tests.fuzz.faults import Tally, save, sum_tallies
from tests.fuzz.files import fuzz_files, judge_files
from tests.fuzz.fixtures import furnish
from tests.fuzz.planted import check_planted
from tests.fuzz.records import fuzz_records

app = typer.Typer(add_completion=False)
_SHOWN = 20
_OF_FILES, _OF_CALLS = 0.9, 0.07
"""Shares of files and requests among the inputs; the rest are records."""


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    seed: Annotated[
        int, typer.Option(envvar="SEED", help="The same seed gives the same inputs.")
    ] = 1,
    inputs: Annotated[
        int, typer.Option(envvar="INPUTS", min=30, help="Number of inputs.")
    ] = 10_000,
) -> None:
    """Fuzz the reader of files, all services and all consumed topics."""
    if context.invoked_subcommand is not None:
        return
    interrupt_on_signals()
    files, calls = int(inputs * _OF_FILES), int(inputs * _OF_CALLS)
    tallies = [fuzz_files(seed, files)]
    _show(tallies[0], seed)
    backend = choose().backend
    with Platform(backend, services=()) as backbone:
        unseen = check_planted(backbone)
    with Platform(backend) as platform:
        known = asyncio.run(furnish(platform))
        tallies.append(fuzz_calls(platform, seed, calls, known))
        _show(tallies[-1], seed)
        records = inputs - files - calls
        tallies.append(asyncio.run(fuzz_records(platform, seed, records)))
        _show(tallies[-1], seed)
    if backend is Backend.EMBEDDED:
        print("without a real Kafka it is not seen whether a group stands still")
    whole = sum_tallies(tallies)
    print(whole.describe())
    sys.exit(bool(whole.faults or unseen))


def interrupt_on_signals() -> None:
    """Make SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt, which ends the run with status 130.

    Not SystemExit: hypothesis takes it for a fault of the tested function, and the run would go on.
    """
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.default_int_handler)


@app.command()
def replay(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Read a saved file as the run did; print its faults, and exit 1 when there are any."""
    tally = judge_files([File(file.name, file.read_bytes())])
    print(tally.describe())
    for fault in tally.faults:
        print(f"{fault.sort}: {fault.detail}")
    sys.exit(bool(tally.faults))


def _show(tally: Tally, seed: int) -> None:
    """Print the figures of a part of the run, and save the inputs of its faults."""
    counts = (
        f"{count} {what} ({count / max(1, tally.inputs):.0%})"
        for what, count in tally.outcomes.items()
    )
    print(tally.describe(), *counts, sep=", ")
    for rank, fault in enumerate(tally.faults):
        path = save(fault, tally.part, seed)
        if rank < _SHOWN:
            print(f"FAULT  {fault.sort}: {fault.name}\n    {fault.detail}\n    saved: {path}")


if __name__ == "__main__":
    try:
        app()
    except LaunchError as error:
        sys.exit(f"error: {error}")
