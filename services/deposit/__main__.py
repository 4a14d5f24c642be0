"""Deposit as a program: serves, or lists the rows of the circuit that a setting would switch off.

python -m services.deposit
python -m services.deposit switch-off A15 A22.sans
"""

from typing import Annotated

import typer

from services.deposit.bootstrap import build
from services.deposit.settings import Settings
from shared.circuit.loader import CircuitError, load_current, switch_rows_off
from shared.runtime.program import build_program
from shared.vocabulary.levels import WRITE_LEVEL

app = build_program("deposit", build, Settings)


@app.command("switch-off")
def switch_off(
    rows: list[str],
    level: Annotated[
        int,
        typer.Option(envvar="AIGUILLAGE_WRITE_LEVEL", help="Level that is written."),
    ] = WRITE_LEVEL,
) -> None:
    """List the rows that these would switch off, and the version that is left. Changes nothing.

    `A15` names both rows of a cadre, `A22.avec` and `A22.sans` the one with and without a MOA.
    """
    try:
        switched = switch_rows_off(load_current(level), rows)
    except CircuitError as fault:
        raise typer.BadParameter(str(fault)) from fault
    for each in switched.switched_off:
        row = each.row
        typer.echo(f"{row.cadre} {'with' if row.moa_present else 'without'} MOA: {each.reason}")
    typer.echo(f"left: {switched.circuit.version}, {len(switched.circuit.rows)} rows")


if __name__ == "__main__":
    app()
