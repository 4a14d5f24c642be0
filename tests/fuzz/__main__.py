"""`make fuzz`: mutated files, generated requests and malformed records, and what they break.

Exit 1 on any fault, and on a planted one that is not seen. `replay FILE` reads a saved file again.
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
from tests.fuzz.faults import Tally, save, total
from tests.fuzz.files import fuzz_files, judge_files
from tests.fuzz.fixtures import furnish
from tests.fuzz.planted import check_planted
from tests.fuzz.records import fuzz_records

app = typer.Typer(add_completion=False)
_SHOWN = 20
_OF_FILES, _OF_CALLS = 0.9, 0.07
"""Shares of the inputs; the rest are records."""


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    seed: Annotated[int, typer.Option(envvar="SEED", help="The same one gives the same run.")] = 1,
    inputs: Annotated[int, typer.Option(envvar="INPUTS", min=30, help="How many.")] = 10_000,
) -> None:
    """Try all readers, services and topics."""
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
    whole = total(tallies)
    print(whole.describe())
    sys.exit(bool(whole.faults or unseen))


def interrupt_on_signals() -> None:
    """Make a signal to end raise KeyboardInterrupt, which ends the run with status 130.

    Not SystemExit: hypothesis takes it for a fault of what it tries, and the run would go on.
    """
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.default_int_handler)


@app.command()
def replay(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Read a file that was saved, as the run did, and say what is wrong with it."""
    tally = judge_files([File(file.name, file.read_bytes())])
    print(tally.describe())
    for fault in tally.faults:
        print(f"{fault.sort}: {fault.detail}")
    sys.exit(bool(tally.faults))


def _show(tally: Tally, seed: int) -> None:
    """Print the figures of a part, and save the inputs of its faults."""
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
