"""Routing as a program: serves, or verifies the audit trail of a dossier.

python -m services.routing
python -m services.routing verify DOSSIER
"""

import asyncio
from typing import Annotated

import typer

from services.routing.bootstrap import build, verify
from services.routing.settings import Settings
from shared.runtime.program import program

app = program("routing", build, Settings)


@app.command("verify")
def verify_trail(
    dossier: str,
    mongo: Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="Its store.")],
) -> None:
    """Recompute the audit trail of a dossier; exit 1 when it does not hold."""
    report = asyncio.run(verify(mongo, dossier))
    if report is None:
        raise typer.BadParameter(f"no dossier {dossier}")
    if not report.is_valid:
        typer.echo(f"{dossier}: entry {report.fault_version} does not hold. {report.fault}")
        raise typer.Exit(1)
    typer.echo(f"{dossier}: {report.entries} entries, the trail holds")


if __name__ == "__main__":
    app()
