"""What the operator's commands share: a collection of a service's store, tables of plain text."""

from collections.abc import Iterable, Sequence
from typing import Any

import typer
from pymongo import MongoClient
from pymongo.collection import Collection
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.runtime.store.database import Document, database_of

console = Console()
_WIDE = 300


def open_collection(
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
