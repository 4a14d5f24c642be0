"""Support as a program: serve, answer a question as the virtual agent would, train the model.

python -m services.support
python -m services.support ask où en est mon paiement
python -m services.support train model.npz
"""

from pathlib import Path
from typing import Annotated

import typer

from services.support.bootstrap import build
from services.support.commands import answer_question, train_to_file
from services.support.settings import DATA, Settings
from shared.runtime.program import build_program

app = build_program("support", build, Settings)
_MODEL = Path(".run/support/model.npz")


@app.command("ask")
def ask(question: list[str]) -> None:
    """Show the answer to a question, its source and its score, without broker or store."""
    typer.echo(answer_question(" ".join(question)), nl=False)


@app.command("train")
def train(
    file: Annotated[Path, typer.Argument(help="Where the model goes.")] = _MODEL,
    examples: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of CSV, or one; may be repeated. [default: those of support]"),
    ] = None,
    catalogue: Annotated[
        Path, typer.Option(envvar="AIGUILLAGE_CATALOGUE", help="The catalogue to train for.")
    ] = DATA / "catalogue.csv",
) -> None:
    """Train the model of tickets and write it to a file, for the setting AIGUILLAGE_MODEL."""
    try:
        typer.echo(train_to_file(file, examples or [DATA / "exemples"], catalogue), nl=False)
    except (ValueError, OSError) as error:
        typer.echo(f"support: {error}", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
