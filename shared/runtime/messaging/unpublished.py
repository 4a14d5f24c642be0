"""Operator commands for the outbox: list the messages that are not published, abandon one.

python -m shared.runtime.messaging.unpublished --mongo URI --service organisation list
"""

import json
from typing import Any

import typer

from shared.contracts.topics import TOPICS
from shared.runtime.commands import build_commands, console, get_collection, print_table
from shared.runtime.ids import measure_age_s
from shared.runtime.store.database import Document

app = build_commands("outbox", "Messages that a service has not published.")
_SHOWN = 200
_STATES = {topic.name for topic in TOPICS if topic.compacted}
ABANDONED = "fr.aiguillage.abandon.v1"
"""Event type that replaces an abandoned message: readers ignore it, but count its rank."""


@app.command("list")
def list_rows(context: typer.Context) -> None:
    """List the oldest unpublished messages. Log lines `outbox.refused` say why."""
    rows = get_collection(context).find().sort("_id", 1).limit(_SHOWN)
    print_table(
        ("row", "topic", "key", "rank", "bytes", "seconds"),
        (
            (
                row["_id"],
                row["topic"],
                row["key"],
                str(row["rank"] or "-"),
                str(len(row["value"])),
                f"{measure_age_s(row['_id']):.0f}",
            )
            for row in rows
        ),
        empty="all is published",
    )


@app.command()
def abandon(context: typer.Context, row: str) -> None:
    """Abandon a message that the broker will never take, so that later ones of its key can leave.

    A message with a rank is replaced by an empty one: readers would wait for that rank for ever.
    Any other is deleted: the next state of its key replaces it.
    """
    outbox = get_collection(context)
    found = outbox.find_one({"_id": row})
    if found is None:
        raise typer.BadParameter(f"no row {row}: it may be published by now")
    event = _decode_sequenced(found)
    if event is None:
        outbox.delete_one({"_id": row})
        console.print(f"{row}: taken away")
        return
    value = json.dumps({**event, "type": ABANDONED, "data": {}}).encode()
    outbox.update_one({"_id": row}, {"$set": {"value": value}})
    console.print(f"{row}: an empty message leaves in its place within 30 seconds")


def _decode_sequenced(row: Document) -> dict[str, Any] | None:
    """Decode an event that has a rank; None for a state and for a dead letter."""
    if not row["rank"] or row["topic"] in _STATES:
        return None
    event: dict[str, Any] = json.loads(row["value"])
    return event


if __name__ == "__main__":
    app()
