"""Support as a program: serves, or answers a question at a terminal as the virtual agent would.

python -m services.support
python -m services.support ask où en est mon paiement
"""

import typer

from services.support.bootstrap import asked, build
from services.support.settings import Settings
from shared.runtime.program import program

app = program("support", build, Settings)


@app.command("ask")
def ask(question: list[str]) -> None:
    """Show the answer to a question, its source and how close it is. Needs no broker or store."""
    typer.echo(asked(" ".join(question)), nl=False)


if __name__ == "__main__":
    app()
