"""Operator commands for dead letters: list, show, replay, discard, one by one or many at a time.

python -m shared.runtime.messaging.dead_letters --mongo URI --service routing list
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

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
from shared.runtime.messaging.inbox_store import REPLAYED_AT
from shared.runtime.store.database import Document

_DECISIONS: Mapping[str, Mapping[str, Document]] = {
    "replay": {"dead": {"state": "replay"}},
    "discard": {
        "dead": {"state": "discard"},
        "newer": {"state": "discard"},
        # It stays until its rank is reached, which is then passed over.
        "parked": {"is_given_up": True},
    },
}
"""What a decision changes in an entry, by its state."""
_WAITING: Document = {"held": True, "is_given_up": {"$ne": True}}
_NO_BYTES = {"value": 0, "key": 0, "headers": 0}
"""The bytes are left out: there may be thousands of entries, of a megabyte each."""
_CHANGED_AT_ONCE = 50
_DECIDED = ["replay", "discard"]
"""States of entries whose decision the service has not carried out yet."""
_CARRIED_OUT_PER_S = 25
"""Rate at which one replica was seen to carry out decisions, each in a transaction of its own."""
app = build_commands("inbox", "Dead letters of a service.")


def _parse_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no moment such as 2026-11-24T09:30+01:00") from None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise typer.BadParameter(f"{text} is outside the years 1 to 9999 in UTC") from None


def _parse_text(text: str) -> str:
    """Refuse an empty filter: a shell variable that is not set would choose every entry."""
    if not text:
        raise typer.BadParameter("it is empty")
    return text


def _parse_state(text: str) -> str:
    states = _DECISIONS["discard"]
    if text not in states:
        raise typer.BadParameter(f"{text} is none of {', '.join(states)}")
    return text


_Entries: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ENTRY]...", help="Without any: those of the filters."),
]
_Topic: TypeAlias = Annotated[
    str | None, typer.Option(parser=_parse_text, metavar="TEXT", help="Those of this topic.")
]
_Dossier: TypeAlias = Annotated[
    str | None,
    typer.Option(
        parser=_parse_text,
        metavar="TEXT",
        help="Those of this dossier, or of another key such as a structure.",
    ),
]
_Reason: TypeAlias = Annotated[
    str | None,
    typer.Option(
        parser=_parse_text,
        metavar="TEXT",
        help="Those whose reason has this text: an error, a rule's code.",
    ),
]
_Since: TypeAlias = Annotated[
    datetime | None,
    typer.Option(
        parser=_parse_moment, metavar="MOMENT", help="Those held since then: ISO 8601, or UTC."
    ),
]
_Until: TypeAlias = Annotated[
    datetime | None,
    typer.Option(parser=_parse_moment, metavar="MOMENT", help="Those held before then."),
]
_State: TypeAlias = Annotated[
    str | None, typer.Option(parser=_parse_state, metavar="TEXT", help="dead, newer or parked.")
]
_DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="List them, change nothing.")]


@app.command("list")
def list_entries(
    context: typer.Context,
    *,
    topic: _Topic = None,
    dossier: _Dossier = None,
    reason: _Reason = None,
    since: _Since = None,
    until: _Until = None,
    state: _State = None,
) -> None:
    """List the dead letters, the messages of newer levels, and those parked behind either.

    With several filters: those that all of them match.
    """
    chosen = _build_filter(topic, dossier, reason, since, until)
    if state is not None:
        chosen["state"] = state
    _print_entries(_find_entries(context, chosen))


def _build_filter(
    topic: str | None,
    dossier: str | None,
    reason: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Document:
    """Build the filter of entries; it is empty when no option is given."""
    if since and until and until <= since:
        raise typer.BadParameter("--until is not after --since")
    bounds = {name: moment for name, moment in (("$gte", since), ("$lt", until)) if moment}
    wanted = {
        "topic": topic,
        "stream": dossier,
        "reason": reason and {"$regex": re.escape(reason)},
        "at": bounds,
    }
    return {field: value for field, value in wanted.items() if value}


def _find_entries(context: typer.Context, chosen: Document) -> Iterator[Document]:
    found = get_collection(context).find(_WAITING | chosen, _NO_BYTES)
    yield from found.sort("at", 1)


def _print_entries(entries: Iterable[Document]) -> None:
    print_table(
        ("entry", "state", "topic", "dossier", "rank", "since", "replayed", "reason"),
        (
            (
                entry["_id"],
                _describe_state(entry),
                entry["topic"],
                entry["stream"],
                str(entry["sequence"] or "-"),
                entry["at"].isoformat(timespec="seconds"),
                _format_replay(entry),
                entry.get("reason") or "",
            )
            for entry in entries
        ),
        empty="no dead letter, and nothing that waits behind one",
    )


def _format_replay(entry: Document) -> str:
    """Format when an operator asked for the last replay, which failed again."""
    replayed: datetime | None = entry.get(REPLAYED_AT)
    return replayed.isoformat(timespec="seconds") if replayed else "-"


def _describe_state(entry: dict[str, Any]) -> str:
    state: str = "given up" if entry.get("is_given_up") else entry["state"]
    return f"{state}: level {entry['level']}" if state == "newer" else state


@app.command()
def show(
    context: typer.Context,
    entry: str,
    *,
    save: Annotated[
        Path | None, typer.Option(dir_okay=False, help="New file for the bytes of the event.")
    ] = None,
) -> None:
    """Show one dead letter or parked message whole: what is known of it, then its event.

    `--save` writes the event to a file, byte by byte, for a copy that is corrected.
    """
    found = _find(context, entry)
    value: bytes = found.pop("value", b"")
    if save is not None:
        if save.exists():
            raise typer.BadParameter(f"{save} is there already")
        save.write_bytes(value)
    console.print_json(json.dumps(found, default=str))
    # Lines are not wrapped: an event cut in two could not be copied.
    console.print(escape_text(value.decode(errors="backslashreplace")), soft_wrap=True)


@app.command()
def replay(
    context: typer.Context,
    entries: _Entries = None,
    *,
    body: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Corrected event, a JSON file: the whole CloudEvent, as `show` prints it last. It "
            "replaces the stored one for good, so save that first: `show ENTRY --save FILE`.",
        ),
    ] = None,
    topic: _Topic = None,
    dossier: _Dossier = None,
    reason: _Reason = None,
    since: _Since = None,
    until: _Until = None,
    dry_run: _DryRun = False,
) -> None:
    """Replay dead letters in their service; messages parked behind them then follow in order."""
    change: Document = {}
    if body is not None:
        corrected = body.read_bytes()
        if len(corrected) > RECORD_MAX_BYTES:
            raise typer.BadParameter(f"{body} weighs over {RECORD_MAX_BYTES} bytes")
        change["value"] = corrected
    chosen = _build_filter(topic, dossier, reason, since, until)
    found = _choose(context, "replay", entries, chosen, None, is_of_one=body is not None)
    _decide(context, "replay", found, change, dry_run=dry_run)
    if body is not None and not dry_run:
        console.print(f"its stored event is replaced by {body}")


@app.command()
def discard(
    context: typer.Context,
    entries: _Entries = None,
    *,
    rank: Annotated[
        int | None,
        typer.Option(min=1, max=SEQUENCE_MAX, help="Its rank, when its bytes do not hold it."),
    ] = None,
    topic: _Topic = None,
    dossier: _Dossier = None,
    reason: _Reason = None,
    since: _Since = None,
    until: _Until = None,
    state: _State = None,
    dry_run: _DryRun = False,
) -> None:
    """Discard dead letters; messages parked behind them then follow in order.

    A message that waits for a newer version of its reader may be discarded too, and so may one that
    is parked: its rank is passed over in its turn. Filters choose dead letters alone, unless
    `--state` says otherwise. When the rank of a dead letter is not known, the
    messages after it keep waiting for that rank.
    """
    change = {} if rank is None else {"sequence": rank}
    chosen = _build_filter(topic, dossier, reason, since, until)
    found = _choose(context, "discard", entries, chosen, state, is_of_one=rank is not None)
    _decide(context, "discard", found, change, dry_run=dry_run)


def _find(context: typer.Context, entry: str) -> dict[str, Any]:
    found = get_collection(context).find_one({"_id": entry})
    if found is None:
        raise typer.BadParameter(f"no entry {entry}")
    return found


def _choose(
    context: typer.Context,
    decision: str,
    entries: Sequence[str] | None,
    chosen: Document,
    state: str | None,
    *,
    is_of_one: bool,
) -> list[Document]:
    """Choose the entries of a decision: those named, or those that the filters match.

    Filters match dead letters alone unless `state` is given; named entries must be in `state`.
    """
    if bool(entries) == bool(chosen):
        raise typer.BadParameter("name entries, or give a filter such as --topic: not both")
    if is_of_one and len(entries or ()) != 1:
        raise typer.BadParameter("a body or a rank is that of one entry")
    if not entries:
        return list(_find_entries(context, chosen | {"state": state or "dead"}))
    states = [state] if state else list(_DECISIONS[decision])
    found = [_find(context, entry) for entry in entries]
    for entry in found:
        if entry["state"] not in states or entry.get("is_given_up"):
            raise typer.BadParameter(
                f"entry {entry['_id']} is {_describe_state(entry)}, not {' or '.join(states)}"
            )
    return found


def _decide(
    context: typer.Context,
    decision: str,
    entries: Sequence[Document],
    change: Document,
    *,
    dry_run: bool,
) -> None:
    if dry_run:
        _print_entries(entries)
        console.print(f"{decision} of {len(entries)}; nothing is changed")
        return
    changed = 0
    for state, decided in _DECISIONS[decision].items():
        ids = [entry["_id"] for entry in entries if entry["state"] == state]
        for start in range(0, len(ids), _CHANGED_AT_ONCE):
            page = {"_id": {"$in": ids[start : start + _CHANGED_AT_ONCE]}, "state": state}
            update: Document = {"$set": decided | change}
            if decision == "replay":
                update["$currentDate"] = {REPLAYED_AT: True}
            result = get_collection(context).update_many(page, update)
            changed += result.modified_count
    waiting = get_collection(context).count_documents({"held": True, "state": {"$in": _DECIDED}})
    console.print(
        f"{decision} of {changed} asked for; {waiting} decisions to carry out, "
        f"some {_CARRIED_OUT_PER_S} a second"
    )
    if changed < len(entries):
        raise typer.BadParameter("the others were decided meanwhile")


if __name__ == "__main__":
    app()
