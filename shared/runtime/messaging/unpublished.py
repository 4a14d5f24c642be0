"""Operator commands for the outbox: list the messages that are not published, abandon one.

python -m shared.runtime.messaging.unpublished --mongo URI --service organisation list
"""

import json
from itertools import islice
from typing import Any

import typer

from shared.contracts.topics import TOPICS
from shared.runtime.commands import build_commands, console, get_collection, print_table
from shared.runtime.store.commands import BlockingCollection
from shared.runtime.store.database import Document
from shared.runtime.store.outbox_documents import is_well_formed, measure_age_s, unpack_messages

app = build_commands("outbox", "Messages that a service has not published.")
_SHOWN = 200
"""Limit of the messages that are listed."""
_NO_DOCUMENT: Document = {"_id": None, "messages": [], "topic": ""}
_STATES = {topic.name for topic in TOPICS if topic.is_compacted}
ABANDONED = "fr.aiguillage.abandon.v1"
"""Event type that replaces an abandoned message: readers ignore it, but count its rank."""


@app.command("list")
def list_messages(context: typer.Context) -> None:
    """List the oldest unpublished messages. Log lines `outbox.refused` hold the reasons."""
    documents = get_collection(context).find().sort("_id", 1).limit(_SHOWN)
    readable = filter(is_well_formed, documents)
    messages = (each for document in readable for each in unpack_messages(document))
    print_table(
        ("message", "topic", "key", "rank", "bytes", "seconds"),
        (
            (
                each["id"],
                each["topic"],
                each["key"],
                str(each["rank"] or "-"),
                str(len(each["value"])),
                f"{measure_age_s(each['document']):.0f}",
            )
            for each in islice(messages, _SHOWN)
        ),
        empty="all is published",
    )


@app.command()
def abandon(context: typer.Context, message: str) -> None:
    """Abandon a message that the broker will never take, so that later ones of its key can leave.

    A message with a rank is replaced by an empty one: readers would wait for that rank for ever.
    Any other is deleted: the next state of its key replaces it.
    """
    outbox = get_collection(context)
    document = outbox.find_one({"_id": message.partition("/")[0]}) or _NO_DOCUMENT
    if document["_id"] is not None and not is_well_formed(document):
        raise typer.BadParameter(f"{message} cannot be read: delete its document from `outbox`")
    found = next((each for each in unpack_messages(document) if each["id"] == message), None)
    if found is None:
        raise typer.BadParameter(f"no message {message}: it may be published by now")
    event = _decode_sequenced(found)
    if event is None:
        _delete(outbox, found)
        console.print(f"{message}: taken away")
        return
    value = json.dumps({**event, "type": ABANDONED, "data": {}}).encode()
    _replace(outbox, found, value)
    console.print(f"{message}: an empty message leaves in its place within 30 seconds")


def _delete(outbox: BlockingCollection, message: Document) -> None:
    name = {"_id": message["document"]}
    outbox.update_one(name, {"$pull": {"messages": {"n": message["n"]}}})
    outbox.delete_one(name | {"$or": [{"messages": []}, {"messages": {"$exists": False}}]})


def _replace(outbox: BlockingCollection, message: Document, value: bytes) -> None:
    name = {"_id": message["document"]}
    outbox.update_one(name | {"messages.n": message["n"]}, {"$set": {"messages.$.value": value}})
    outbox.update_one(name | {"messages": {"$exists": False}}, {"$set": {"value": value}})


def _decode_sequenced(row: Document) -> dict[str, Any] | None:
    """Decode an event that has a rank; None for a state and for a dead letter."""
    if not row["rank"] or row["topic"] in _STATES:
        return None
    event: dict[str, Any] = json.loads(row["value"])
    return event


if __name__ == "__main__":
    app()
