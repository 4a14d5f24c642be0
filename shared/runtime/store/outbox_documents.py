"""Outbox documents: messages of one transaction and topic, packed in one document for the relay.

One document for each message would cost the store ten times as much. The id of a document begins
with the logical clock of the store: a transaction that has read what another one wrote has a later
one, whatever the clocks of their replicas show.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bson import Timestamp

from shared.runtime.ids import new_id
from shared.vocabulary.sizes import MEGABYTE

_Document = dict[str, Any]

_MESSAGES_MAX = 500
_BYTES_MAX = MEGABYTE
"""Limits of one document: messages, and bytes of their values and headers."""
_TIME_DIGITS = 8
_CLOCK_DIGITS = 16
_OLD_TIME_DIGITS = 12
_FIELDS = {"key": str, "stream": str, "rank": int, "value": bytes, "headers": list, "n": int}
"""Fields that the relay reads of a message."""


def pack_messages(messages: Sequence[_Document], clock: Timestamp) -> list[_Document]:
    """Pack messages of one transaction, a document or several for each topic, in their order."""
    transaction = f"{clock.time:08x}{clock.inc:08x}.{new_id()}"
    documents: list[_Document] = []
    open_ones: dict[str, _Document] = {}
    sizes: dict[str, int] = {}
    for message in messages:
        topic, size = message["topic"], _measure(message)
        document = open_ones.get(topic)
        if (
            document is None
            or len(document["messages"]) == _MESSAGES_MAX
            or sizes[topic] + size > _BYTES_MAX
        ):
            name = f"{transaction}.{len(documents):04x}"
            document = open_ones[topic] = {"_id": name, "topic": topic, "messages": []}
            documents.append(document)
            sizes[topic] = 0
        sizes[topic] += size
        fields = {name: value for name, value in message.items() if name != "topic"}
        document["messages"].append({"n": len(document["messages"]), **fields})
    return documents


def _measure(message: _Document) -> int:
    return len(message["value"]) + sum(len(name) + len(text) for name, text in message["headers"])


def unpack_messages(document: Mapping[str, Any]) -> Iterator[_Document]:
    """Yield the messages of a document, each with its topic, the document's id and its own id."""
    for message in _list_messages(document):
        yield {
            **message,
            "topic": document["topic"],
            "document": document["_id"],
            "id": f"{document['_id']}/{message['n']}",
        }


def is_well_formed(document: Mapping[str, Any]) -> bool:
    """Tell whether the messages of a document can be read: of one written by hand, say, not all."""
    try:
        messages = _list_messages(document)
        return isinstance(document["topic"], str) and all(map(_is_message, messages))
    except (KeyError, TypeError, ValueError):
        return False


def _list_messages(document: Mapping[str, Any]) -> list[_Document]:
    # Earlier releases stored each message in a document of its own, whose id sorts before ours.
    messages: list[_Document] = document.get("messages", [{**document, "n": 0}])
    return messages


def _is_message(message: _Document) -> bool:
    headers = dict(message["headers"])
    texts = (*headers, *headers.values())
    return all(isinstance(message[name], kind) for name, kind in _FIELDS.items()) and all(
        isinstance(text, str) for text in texts
    )


def measure_age_s(document_id: object) -> float:
    """Measure the age of a document in seconds, by its id; infinite when the id tells none."""
    name = str(document_id)
    try:
        if name.find(".") == _CLOCK_DIGITS:
            written_s: float = int(name[:_TIME_DIGITS], 16)
        else:
            written_s = int(name.replace("-", "")[:_OLD_TIME_DIGITS], 16) / 1000
    except ValueError:
        return math.inf
    return max(0.0, time.time() - written_s)
