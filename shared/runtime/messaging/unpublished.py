"""Operator command for the outbox: list messages that are not published, abandon one.

python -m shared.runtime.messaging.unpublished --mongo URI --service organisation list
"""

import json
from typing import Any

import typer

from shared.contracts.topics import TOPICS
from shared.runtime.ids import measure_age_s
from shared.runtime.messaging.commands import build_commands, collection_of, console, print_table
from shared.runtime.store.database import Document

app = build_commands("outbox", "Messages that a service has not published.")
_SHOWN = 200
_STATES = {topic.name for topic in TOPICS if topic.compacted}
ABANDONED = "fr.aiguillage.abandon.v1"
"""Type of what stands for an abandoned message: readers do not know it, and count its rank."""


@app.command("list")
def list_rows(context: typer.Context) -> None:
    """List the oldest messages that are not published. The log says why: outbox.refused."""
    rows = collection_of(context).find().sort("_id", 1).limit(_SHOWN)
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
    """Give a message up that the broker will never take. What follows on its key then leaves.

    One with a rank is replaced by an empty one, as readers would wait for that rank for ever; any
    other goes without a trace: the next state of its key makes up for it.
    """
    outbox = collection_of(context)
    found = outbox.find_one({"_id": row})
    if found is None:
        raise typer.BadParameter(f"no row {row}: it may be published by now")
    event = _sequenced(found)
    if event is None:
        outbox.delete_one({"_id": row})
        console.print(f"{row}: taken away")
        return
    value = json.dumps({**event, "type": ABANDONED, "data": {}}).encode()
    outbox.update_one({"_id": row}, {"$set": {"value": value}})
    console.print(f"{row}: an empty message leaves in its place within 30 seconds")


def _sequenced(row: Document) -> dict[str, Any] | None:
    """Decode an event whose rank its readers wait for; None for a state and for a dead letter."""
    if not row["rank"] or row["topic"] in _STATES:
        return None
    event: dict[str, Any] = json.loads(row["value"])
    return event


if __name__ == "__main__":
    app()
