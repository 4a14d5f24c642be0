"""The operator's command for dead letters: list, show, replay, discard.

python -m shared.runtime.dead_letters --mongo URI --service routing list
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pymongo import MongoClient
from pymongo.collection import Collection
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.contracts.topics import RECORD_MAX_BYTES
from shared.runtime.store import database_of

app = typer.Typer(no_args_is_help=True, help="Dead letters of a service.", add_completion=False)
_console = Console()
_WIDE = 300


@app.callback()
def connect(
    context: typer.Context,
    service: Annotated[str, typer.Option(help="Service whose inbox it is, such as routing.")],
    mongo: Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="Its store.")],
    namespace: Annotated[str, typer.Option(envvar="AIGUILLAGE_NAMESPACE")] = "",
) -> None:
    """Open the service's inbox."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongo, tz_aware=True)
    context.obj = client[_database(client, service, namespace)]["inbox"]


def _database(client: "MongoClient[dict[str, Any]]", service: str, namespace: str) -> str:
    """Name the service's database: a store makes an empty one of any name that is mistyped."""
    name = database_of(service, namespace)
    prefix = database_of("", namespace)
    known = {
        each.removeprefix(prefix): each
        for each in client.list_database_names()
        if each.startswith(prefix) and "inbox" in client[each].list_collection_names()
    }
    if name not in known.values():
        raise typer.BadParameter(
            f"no service {service} here; there are: {', '.join(sorted(known))}"
        )
    return name


@app.command("list")
def list_entries(context: typer.Context) -> None:
    """List what waits for an operator, and what waits behind it."""
    table = Table("entry", "state", "topic", "dossier", "rank", "since", "reason", box=None)
    for entry in _inbox(context).find({"held": True}).sort("at", 1):
        table.add_row(
            *(
                _plain(cell)
                for cell in (
                    entry["_id"],
                    entry["state"],
                    entry["topic"],
                    entry["stream"],
                    str(entry["sequence"] or "-"),
                    entry["at"].isoformat(timespec="seconds"),
                    entry.get("reason") or "",
                )
            )
        )
    if not table.row_count:
        _console.print("no dead letter, and nothing that waits behind one")
        return
    # Piped, it keeps its lines whole: an id cut in two could not be copied.
    Console(width=None if _console.is_terminal else _WIDE).print(table)


def _plain(text: str) -> Text:
    """Show what a record says as it is: it may hold markup, or orders to the terminal."""
    return Text("".join(each if each.isprintable() else repr(each)[1:-1] for each in text))


@app.command()
def show(context: typer.Context, entry: str) -> None:
    """Show one entry whole, bytes included."""
    found = _find(context, entry)
    value: bytes = found.pop("value", b"")
    _console.print_json(json.dumps(found, default=str))
    _console.print(_plain(value.decode(errors="backslashreplace")))


@app.command()
def replay(
    context: typer.Context,
    entry: str,
    body: Annotated[Path | None, typer.Option(help="Corrected event, a JSON file.")] = None,
) -> None:
    """Hand a dead letter to its service again; what was parked behind it follows in order."""
    change: dict[str, Any] = {"state": "replay"}
    if body is not None:
        corrected = body.read_bytes()
        if len(corrected) > RECORD_MAX_BYTES:
            raise typer.BadParameter(f"{body} weighs over {RECORD_MAX_BYTES} bytes")
        change["value"] = corrected
    _change(context, entry, change)


@app.command()
def discard(
    context: typer.Context,
    entry: str,
    rank: Annotated[
        int | None, typer.Option(min=1, help="The rank it had, when its bytes do not tell.")
    ] = None,
) -> None:
    """Give a dead letter up; what was parked behind it follows without it.

    One whose rank is not known leaves its place empty: what follows it waits for that rank.
    """
    _change(context, entry, {"state": "discard"} | ({} if rank is None else {"sequence": rank}))


def _inbox(context: typer.Context) -> "Collection[dict[str, Any]]":
    inbox: Collection[dict[str, Any]] = context.obj
    return inbox


def _find(context: typer.Context, entry: str) -> dict[str, Any]:
    found = _inbox(context).find_one({"_id": entry})
    if found is None:
        raise typer.BadParameter(f"no entry {entry}")
    return found


def _change(context: typer.Context, entry: str, change: dict[str, Any]) -> None:
    found = _find(context, entry)
    result = _inbox(context).update_one({"_id": entry, "state": "dead"}, {"$set": change})
    if not result.modified_count:
        raise typer.BadParameter(f"entry {entry} is {found['state']}, not dead")
    _console.print(f"{entry}: {change['state']} asked for; the service takes it within seconds")


if __name__ == "__main__":
    app()
