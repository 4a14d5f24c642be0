"""Generator of the page of the topics and of their event types."""

from collections.abc import Iterator

from shared.contracts.topics import TOPICS, Key, Topic

_HEAD = """# Topics

Written by `make docs` from `shared/contracts/topics.py`. Payloads: [asyncapi.json](asyncapi.json). How to consume them, with a record as it is on the wire: [partners.md](partners.md).

What a consumer cannot handle goes, as it came, to `<topic>.dlq`, kept 30 days. A record's key is that of the table; it names one entity, whose records keep their order.

| topic | what it tells | owner | key | events | consumers | partitions | kept |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""  # noqa: E501 - a paragraph of Markdown is a line
_TYPES = """
## Types
`type` of a record says which event it is; its `data` is described under the event's name in [asyncapi.json](asyncapi.json).

| event | `type` |
| --- | --- |
"""  # noqa: E501 - a paragraph of Markdown is a line
_FIELDS = {Key.DOSSIER: "`data.dossier_id`", Key.RECIPIENT: "`data.recipient.structure`"}
"""Field of a payload that repeats the record's key; other payloads name it in `entity`."""


def render_topics() -> str:
    """Render the table of the topics and the table of the event types."""
    return _HEAD + "".join(_format_rows()) + _TYPES + "".join(_format_types())


def _format_rows() -> Iterator[str]:
    for topic in TOPICS:
        cells = (
            f"`{topic.name}`",
            topic.about,
            topic.owner,
            _format_key(topic),
            ", ".join(payload.__name__ for payload in topic.payloads),
            ", ".join(topic.consumers),
            str(topic.partitions),
            _format_retention(topic),
        )
        yield f"| {' | '.join(cells)} |\n"


def _format_key(topic: Topic) -> str:
    entity = topic.payloads[0].entity
    return _FIELDS.get(topic.key) or (f"`data.{entity}`" if entity else "`subject`")


def _format_types() -> Iterator[str]:
    # An event that is on several topics is one type.
    payloads = dict.fromkeys(payload for topic in TOPICS for payload in topic.payloads)
    for payload in payloads:
        yield f"| {payload.__name__} | `{payload.event_type}` |\n"


def _format_retention(topic: Topic) -> str:
    return "latest of each key, for ever" if topic.is_compacted else f"{topic.retention_days} days"
