"""Cost of facts in routing: of its log lines, and of the spans exported to an OTLP endpoint.

Rounds as in `bench_routing`, in rotating order. The receiver of the spans is a process on the same
machine: its CPU time lowers pieces per second, and is not in CPU per piece.
"""

import asyncio
from collections.abc import Mapping
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.bench.bench_routing import Run, measure_routing
from tests.kit.receivers import run_receiver

SILENT, LINES, SPANS = "no lines", "lines", "lines and spans"


def main(rounds: int, dossiers: int) -> None:
    """Run `rounds` of `dossiers` each, and print the ratios."""
    with run_receiver() as receiver:
        variants: Mapping[str, Mapping[str, str]] = {
            SILENT: {"AIGUILLAGE_LOG_LEVEL": "WARNING"},
            LINES: {},
            SPANS: {"AIGUILLAGE_OTLP_ENDPOINT": receiver.endpoint},
        }
        runs: dict[str, list[Run]] = {name: [] for name in variants}
        for number in range(rounds):
            turn = number % len(variants)
            for name in [*variants][turn:] + [*variants][:turn]:
                runs[name].append(asyncio.run(measure_routing(dossiers, variants[name])))
                print(
                    f"round {number + 1}, {name}: {runs[name][-1].cpu_us:.0f} µs/piece", flush=True
                )
    _print(runs)


def _print(runs: Mapping[str, list[Run]]) -> None:
    table = Table("", "pieces/s", "CPU µs/piece", "CPU, of no lines", title="facts of routing")
    for name, each in runs.items():
        ratios = [run.cpu_us / base.cpu_us for run, base in zip(each, runs[SILENT], strict=True)]
        table.add_row(
            name,
            " ".join(f"{run.pieces_s:.0f}" for run in each),
            " ".join(f"{run.cpu_us:.0f}" for run in each),
            f"{median(ratios):.2f}",
        )
    Console().print(table)
