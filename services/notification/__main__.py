"""Notification as a program: serve, export or erase a person.

python -m services.notification
python -m services.notification export-person claire.durand@exemple.fr
python -m services.notification erase-person claire.durand@exemple.fr
"""

import asyncio
from typing import Annotated

import typer

from services.notification.bootstrap import build
from services.notification.personal_data import describe_erasure, erase_person, export_person
from services.notification.settings import Settings
from shared.runtime.clock import build_clock
from shared.runtime.program import build_program
from shared.runtime.store.commands import exit_without_store
from shared.runtime.store.database import Store
from shared.vocabulary.emails import is_email
from shared.vocabulary.levels import WRITE_LEVEL

app = build_program("notification", build, Settings)
_Mongo = Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="URI of its store.")]
_Namespace = Annotated[str, typer.Option(envvar="AIGUILLAGE_NAMESPACE")]
_WriteLevel = Annotated[
    int, typer.Option(envvar="AIGUILLAGE_WRITE_LEVEL", help="As that of the service.")
]


@app.command("export-person")
def export(email: str, mongo: _Mongo, namespace: _Namespace = "") -> None:
    """Print all that notification keeps of an e-mail address, as JSON.

    Exit 2: that is no address. 3: the store could not be asked.
    """
    _check_address(email)
    clock = build_clock()
    with exit_without_store():
        store = Store(mongo, "notification", clock, namespace)
        typer.echo(asyncio.run(export_person(store, email, clock)))


@app.command("erase-person")
def erase(
    email: str, mongo: _Mongo, namespace: _Namespace = "", write_level: _WriteLevel = WRITE_LEVEL
) -> None:
    """Erase an e-mail address: subscriptions to it, contacts of others, mails that wait.

    It cannot be undone. Done again, it erases nothing more. Exit 2: that is no address. 3: the
    store could not be asked.
    """
    _check_address(email)
    clock = build_clock()
    with exit_without_store():
        store = Store(mongo, "notification", clock, namespace, level=write_level)
        typer.echo(describe_erasure(asyncio.run(erase_person(store, email, clock))))


def _check_address(email: str) -> None:
    if not is_email(email):
        raise typer.BadParameter("that is no e-mail address")


if __name__ == "__main__":
    app()
