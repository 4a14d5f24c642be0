"""Operator commands for dead letters: list, show, replay, discard.

python -m shared.runtime.messaging.dead_letters --mongo URI --service routing list
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.contracts.fields import SEQUENCE_MAX
from shared.contracts.topics import RECORD_MAX_BYTES
from shared.runtime.commands import (
    build_commands,
    console,
    escape_text,
    get_collection,
    print_table,
)

_DECIDABLE = {"replay": ["dead"], "discard": ["dead", "newer"]}
app = build_commands("inbox", "Dead letters of a service.")


@app.command("list")
def list_entries(context: typer.Context) -> None:
    """List the dead letters, the messages of newer levels, and those parked behind either."""
    # The bytes are left out: there may be thousands of entries, of a megabyte each.
    entries = get_collection(context).find({"held": True}, {"value": 0, "key": 0, "headers": 0})
    print_table(
        ("entry", "state", "topic", "dossier", "rank", "since", "reason"),
        (
            (
                entry["_id"],
                _describe_state(entry),
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


def _describe_state(entry: dict[str, Any]) -> str:
    state: str = entry["state"]
    return f"{state}: level {entry['level']}" if state == "newer" else state


@app.command()
def show(context: typer.Context, entry: str) -> None:
    """Show one dead letter or parked message whole, bytes included."""
    found = _find(context, entry)
    value: bytes = found.pop("value", b"")
    console.print_json(json.dumps(found, default=str))
    console.print(escape_text(value.decode(errors="backslashreplace")))


@app.command()
def replay(
    context: typer.Context,
    entries: list[str],
    body: Annotated[Path | None, typer.Option(help="Corrected event, a JSON file.")] = None,
) -> None:
    """Replay dead letters in their service; messages parked behind them then follow in order."""
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
        typer.Option(min=1, max=SEQUENCE_MAX, help="Its rank, when its bytes do not hold it."),
    ] = None,
) -> None:
    """Discard dead letters; messages parked behind them then follow in order.

    A message that waits for a newer version of its reader may be discarded too. When the rank of a
    dead letter is not known, the messages after it keep waiting for that rank.
    """
    change = {"state": "discard"} | ({} if rank is None else {"sequence": rank})
    _change(context, entries, change, is_of_one=rank is not None)


def _find(context: typer.Context, entry: str) -> dict[str, Any]:
    found = get_collection(context).find_one({"_id": entry})
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
        result = get_collection(context).update_one(
            {"_id": entry, "state": {"$in": _DECIDABLE[change["state"]]}}, {"$set": change}
        )
        if not result.modified_count:
            raise typer.BadParameter(f"entry {entry} is {found['state']}, not dead")
        console.print(f"{entry}: {change['state']} asked for; the service takes it within seconds")


if __name__ == "__main__":
    app()
