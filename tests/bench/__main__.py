"""`make bench`: every bench, one after the other."""

from typing import Annotated

import typer

from tests.bench import bench_access, bench_delays, bench_effects, bench_facts, bench_routing


def run(
    rounds: Annotated[int, typer.Option(envvar="ROUNDS", min=1)] = 3,
    dossiers: Annotated[int, typer.Option(envvar="DOSSIERS", min=1)] = 1000,
    partitions: Annotated[str, typer.Option(envvar="PARTITIONS")] = "",
) -> None:
    """Measure routing beside its floor, what facts and the check of tokens cost, and delays."""
    bench_routing.main(rounds, dossiers, [int(each) for each in partitions.split()])
    bench_facts.main(rounds, dossiers)
    bench_delays.main(rounds, min(dossiers, 300))
    bench_access.main(rounds, min(dossiers, 100))
    bench_effects.main(min(dossiers, 200))


if __name__ == "__main__":
    typer.run(run)
