"""Operator command for dead letters: list, show, replay, discard.

python -m shared.runtime.messaging.dead_letters --mongo URI --service routing list
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.contracts.fields import SEQUENCE_MAX
from shared.contracts.topics import RECORD_MAX_BYTES
from shared.runtime.messaging.commands import (
    build_commands,
    collection_of,
    console,
    plain,
    print_table,
)

app = build_commands("inbox", "Dead letters of a service.")


@app.command("list")
def list_entries(context: typer.Context) -> None:
    """List what waits for an operator, and what waits behind it."""
    # Without the bytes: a stranger may have sent thousands of a megabyte each.
    entries = collection_of(context).find({"held": True}, {"value": 0, "key": 0, "headers": 0})
    print_table(
        ("entry", "state", "topic", "dossier", "rank", "since", "reason"),
        (
            (
                entry["_id"],
                entry["state"],
                entry["topic"],
                entry["stream"],
                str(entry["sequence"] or "-"),
                entry["at"].isoformat(timespec="seconds"),
                entry.get("reason") or "",
            )
            for entry in entries.sort("at", 1)
        ),
        empty="no dead letter, and nothing that waits behind one",
    )


@app.command()
def show(context: typer.Context, entry: str) -> None:
    """Show one entry whole, bytes included."""
    found = _find(context, entry)
    value: bytes = found.pop("value", b"")
    console.print_json(json.dumps(found, default=str))
    console.print(plain(value.decode(errors="backslashreplace")))


@app.command()
def replay(
    context: typer.Context,
    entries: list[str],
    body: Annotated[Path | None, typer.Option(help="Corrected event, a JSON file.")] = None,
) -> None:
    """Hand dead letters to their service again; what was parked behind follows in order."""
    change: dict[str, Any] = {"state": "replay"}
    if body is not None:
        corrected = body.read_bytes()
        if len(corrected) > RECORD_MAX_BYTES:
            raise typer.BadParameter(f"{body} weighs over {RECORD_MAX_BYTES} bytes")
        change["value"] = corrected
    _change(context, entries, change, is_of_one=body is not None)


@app.command()
def discard(
    context: typer.Context,
    entries: list[str],
    rank: Annotated[
        int | None,
        typer.Option(min=1, max=SEQUENCE_MAX, help="Its rank, when its bytes do not tell."),
    ] = None,
) -> None:
    """Give dead letters up; what was parked behind them follows without them.

    One whose rank is not known leaves its place empty: what follows it waits for that rank.
    """
    change = {"state": "discard"} | ({} if rank is None else {"sequence": rank})
    _change(context, entries, change, is_of_one=rank is not None)


def _find(context: typer.Context, entry: str) -> dict[str, Any]:
    found = collection_of(context).find_one({"_id": entry})
    if found is None:
        raise typer.BadParameter(f"no entry {entry}")
    return found


def _change(
    context: typer.Context, entries: list[str], change: dict[str, Any], *, is_of_one: bool
) -> None:
    if is_of_one and len(entries) > 1:
        raise typer.BadParameter("a body or a rank is that of one entry")
    for entry in entries:
        found = _find(context, entry)
        result = collection_of(context).update_one(
            {"_id": entry, "state": "dead"}, {"$set": change}
        )
        if not result.modified_count:
            raise typer.BadParameter(f"entry {entry} is {found['state']}, not dead")
        console.print(f"{entry}: {change['state']} asked for; the service takes it within seconds")


if __name__ == "__main__":
    app()
