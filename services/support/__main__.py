"""Support as a program: serve, answer a question, train the model, export or erase a person.

python -m services.support
python -m services.support ask où en est mon paiement
python -m services.support train model.npz
python -m services.support export-person EMAIL
python -m services.support erase-person EMAIL
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from services.support.access.domain.personal_data import Person
from services.support.access.domain.texts import judge_email
from services.support.bootstrap import build
from services.support.commands import answer_question, train_to_file
from services.support.personal_data import erase_person, export_person
from services.support.settings import DATA, Settings
from shared.runtime.clock import build_clock
from shared.runtime.program import build_program
from shared.runtime.store.commands import exit_without_store
from shared.runtime.store.database import Store
from shared.vocabulary.levels import WRITE_LEVEL

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


def _read_person(email: str) -> Person:
    if any(judge_email("email", email)):
        # Less than an address would be found in the texts of everybody.
        raise typer.BadParameter("that is no e-mail address")
    return Person(email)


Mongo = Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="URI of its store.")]
Namespace = Annotated[str, typer.Option(envvar="AIGUILLAGE_NAMESPACE")]


@app.command("export-person")
def export(email: str, mongo: Mongo, namespace: Namespace = "") -> None:
    """Print all that support keeps of an e-mail address, as JSON. Exit 3: no store answers."""
    with exit_without_store():
        store = Store(mongo, "support", build_clock(), namespace)
        typer.echo(asyncio.run(export_person(store, _read_person(email))))


@app.command("erase-person")
def erase(
    email: str,
    mongo: Mongo,
    namespace: Namespace = "",
    write_level: Annotated[
        int, typer.Option(envvar="AIGUILLAGE_WRITE_LEVEL", help="As that of the service.")
    ] = WRITE_LEVEL,
    dry_run: Annotated[bool, typer.Option(help="Only count what would be erased.")] = False,
) -> None:
    """Erase an e-mail address: the tickets sent from it, and wherever a text mentions it.

    It cannot be undone. Done again, it erases nothing more. Exit 3: no store answers.
    """
    with exit_without_store():
        store = Store(mongo, "support", build_clock(), namespace, level=write_level)
        typer.echo(asyncio.run(erase_person(store, _read_person(email), is_dry=dry_run)))


if __name__ == "__main__":
    app()
