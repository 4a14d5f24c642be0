"""Operator commands over one collection of a service: how they connect, tables of plain text."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from pymongo import MongoClient
from pymongo.collection import Collection
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.runtime.store.database import Document, database_of

console = Console()
_WIDE = 300


def commands_over(collection: str, description: str) -> typer.Typer:
    """Create a command line whose commands work on a collection of the service that it is given."""
    app = typer.Typer(no_args_is_help=True, help=description, add_completion=False)

    @app.callback()
    def connect(
        context: typer.Context,
        service: Annotated[str, typer.Option(help="Whose collection it is, such as routing.")],
        mongo: Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="Its store.")],
        namespace: Annotated[str, typer.Option(envvar="AIGUILLAGE_NAMESPACE")] = "",
    ) -> None:
        context.obj = _open_collection(mongo, service, namespace, collection)

    return app


def collection_of(context: typer.Context) -> "Collection[dict[str, Any]]":
    """Give the collection that the command line has opened."""
    collection: Collection[dict[str, Any]] = context.obj
    return collection


def _open_collection(
    mongo: str, service: str, namespace: str, collection: str
) -> "Collection[dict[str, Any]]":
    """Open a collection of a service: a store makes an empty one of any name that is mistyped."""
    client: MongoClient[Document] = MongoClient(mongo, tz_aware=True)
    name = database_of(service, namespace)
    prefix = database_of("", namespace)
    known = {
        each.removeprefix(prefix): each
        for each in client.list_database_names()
        if each.startswith(prefix) and collection in client[each].list_collection_names()
    }
    if name not in known.values():
        raise typer.BadParameter(
            f"no service {service} here; there are: {', '.join(sorted(known))}"
        )
    return client[name][collection]


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """Print a table, or `empty` when it has no row."""
    table = Table(*heads, box=None)
    for row in rows:
        table.add_row(*map(plain, row))
    if not table.row_count:
        console.print(empty)
        return
    # Piped, it keeps its lines whole: an id cut in two could not be copied.
    Console(width=None if console.is_terminal else _WIDE).print(table)


def plain(text: str) -> Text:
    """Show what a record says as it is: it may hold markup, or orders to the terminal."""
    return Text("".join(each if each.isprintable() else repr(each)[1:-1] for each in text))
