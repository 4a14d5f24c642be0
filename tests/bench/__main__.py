"""`make bench`: every bench, one after the other."""

from typing import Annotated

import typer

from tests.bench import bench_delays, bench_facts, bench_routing


def run(
    rounds: Annotated[int, typer.Option(envvar="ROUNDS", min=1)] = 3,
    dossiers: Annotated[int, typer.Option(envvar="DOSSIERS", min=1)] = 1000,
    partitions: Annotated[str, typer.Option(envvar="PARTITIONS")] = "",
) -> None:
    """Measure routing beside its floor, what facts cost it, and delays in three replicas."""
    bench_routing.main(rounds, dossiers, [int(each) for each in partitions.split()])
    bench_facts.main(rounds, dossiers)
    bench_delays.main(rounds, min(dossiers, 300))


if __name__ == "__main__":
    typer.run(run)
