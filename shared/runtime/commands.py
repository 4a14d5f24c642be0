"""Command lines of operators: connect to one collection of a service, print its documents."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from shared.runtime.store.commands import (
    BlockingCollection,
    exit_without_store,
    open_collection,
)

console = Console()
_WIDE = 300
"""Width of a table in a pipe, in characters."""


class _StoreCommands(TyperGroup):
    """Commands that look into a store: without it they exit with one line and CANNOT_CONNECT."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own
        with exit_without_store():
            return super().invoke(ctx)


def build_commands(collection: str, description: str) -> typer.Typer:
    """Build a command line (typer) for one collection; its option `--service` names the service.

    Exit status 0: done. 2: a wrong option, or an entry that is not there. 3: the store could not
    be asked.
    """
    app = typer.Typer(
        cls=_StoreCommands, no_args_is_help=True, help=description, add_completion=False
    )

    @app.callback()
    def connect(
        context: typer.Context,
        service: Annotated[str, typer.Option(help="Whose collection it is, such as routing.")],
        mongo: Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="Its store.")],
        namespace: Annotated[str, typer.Option(envvar="AIGUILLAGE_NAMESPACE")] = "",
    ) -> None:
        try:
            context.obj = open_collection(mongo, service, namespace, collection)
        except LookupError as error:
            raise typer.BadParameter(str(error)) from error

    return app


def get_collection(context: typer.Context) -> BlockingCollection:
    """Return the collection that the command line has opened."""
    collection: BlockingCollection = context.obj
    return collection


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """Print a table, or `empty` when it has no row."""
    table = Table(*heads, box=None)
    for row in rows:
        table.add_row(*map(escape_text, row))
    if not table.row_count:
        console.print(empty)
        return
    # In a pipe, lines are not wrapped: an id cut in two could not be copied.
    Console(width=None if console.is_terminal else _WIDE).print(table)


def escape_text(text: str) -> Text:
    """Escape markup and terminal control codes, which a record may hold."""
    return Text("".join(each if each.isprintable() else repr(each)[1:-1] for each in text))
