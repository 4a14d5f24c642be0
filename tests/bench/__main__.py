"""`make bench`: every bench, one after the other."""

from typing import Annotated

import typer

from tests.bench import bench_facts, bench_routing


def run(
    rounds: Annotated[int, typer.Option(envvar="ROUNDS", min=1)] = 3,
    dossiers: Annotated[int, typer.Option(envvar="DOSSIERS", min=1)] = 1000,
) -> None:
    """Measure routing beside its floor, then what facts cost it."""
    bench_routing.main(rounds, dossiers)
    bench_facts.main(rounds, dossiers)


if __name__ == "__main__":
    typer.run(run)
