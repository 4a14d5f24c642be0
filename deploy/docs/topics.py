"""The topics as a page to read."""

from collections.abc import Iterator

from shared.contracts.topics import TOPICS, Topic

_HEAD = """# Topics

Written by `make docs` from `shared/contracts/topics.py`. Payloads: [asyncapi.json](asyncapi.json). How to consume them: [partners.md](partners.md).

What a consumer cannot handle goes, as it came, to `<topic>.dlq`, kept 30 days.

| topic | what it tells | owner | key | events | consumers | partitions | kept |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""  # noqa: E501 - a paragraph of Markdown is a line


def topics_page() -> str:
    """Write the table of the topics."""
    return _HEAD + "".join(_rows())


def _rows() -> Iterator[str]:
    for topic in TOPICS:
        cells = (
            f"`{topic.name}`",
            topic.about,
            topic.owner,
            topic.key.value,
            ", ".join(payload.__name__ for payload in topic.payloads),
            ", ".join(topic.consumers),
            str(topic.partitions),
            _kept(topic),
        )
        yield f"| {' | '.join(cells)} |\n"


def _kept(topic: Topic) -> str:
    return "latest of each key, for ever" if topic.compacted else f"{topic.retention_days} days"
