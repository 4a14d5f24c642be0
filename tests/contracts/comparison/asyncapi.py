"""Comparison of two AsyncAPI documents: each change that breaks who reads the topics."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.contracts.comparison.breaks import Break, compare_values, gather, has_successor
from tests.contracts.comparison.schemas import Json, Schema, Side, compare_schemas, strip_words

READERS = "breaks readers of the released contract"
WRITTEN = "breaks the reading of events already written"
_WHOM = {
    Side.READER: READERS,
    Side.WRITER: WRITTEN,
    Side.BOTH: f"{READERS}, and the reading of events already written",
}


def compare(released: Json, current: Json) -> tuple[Break, ...]:
    """Name each change from the released document to the current one that breaks somebody."""
    return (*_topics(released, current), *gather(_events(released, current)))


def keep_promises(document: Json) -> Json:
    """Keep what readers rely on: no words for people, and not who else reads."""
    return {part: strip_words(document[part]) for part in ("channels", "components")}


def list_event_schemas(document: Json) -> Mapping[str, Schema]:
    """Give the schema of each event, envelope included, by its type."""
    return {name: Schema(each["payload"], document) for name, each in _messages(document).items()}


def _events(released: Json, current: Json) -> Iterator[Break]:
    before, after = list_event_schemas(released), list_event_schemas(current)
    old_messages, new_messages = _messages(released), _messages(current)
    for name, old in before.items():
        if name not in after:
            if not has_successor(name, before.keys() & after.keys()):
                yield Break(name, "the event type was removed", READERS)
            continue
        for change in compare_schemas(old, after[name]):
            yield Break(name, change.what, _WHOM[change.side], change.path)
        for what, path in (
            ("content type", ("contentType",)),
            ("type of key", ("bindings", "kafka", "key", "type")),
        ):
            yield from compare_values(
                name, what, _at(old_messages[name], path), _at(new_messages[name], path), READERS
            )


def _topics(released: Json, current: Json) -> Iterator[Break]:
    before, after = released["channels"], current["channels"]
    for name, old in before.items():
        if name in after:
            yield from _topic(name, old, after[name], (released, current))
        elif not has_successor(name, before.keys() & after.keys()):
            heirs = [
                other
                for other in after.keys() - before.keys()
                if _types(after[other], current) == _types(old, released)
            ]
            what = f"renamed to {min(heirs)}" if heirs else "removed"
            yield Break(name, f"the topic was {what}", READERS)


def _topic(name: str, old: Json, new: Json, documents: tuple[Json, Json]) -> Iterator[Break]:
    for what, path in (
        ("address", ("address",)),
        ("topic on the broker", ("bindings", "kafka", "topic")),
        ("key", ("x-key",)),
        ("dead-letter topic", ("x-dead-letters",)),
        ("number of partitions", ("bindings", "kafka", "partitions")),
    ):
        yield from compare_values(name, what, _at(old, path), _at(new, path), READERS)
    yield from _kept(name, old, new)
    for gone in sorted(_types(old, documents[0]) - _types(new, documents[1])):
        yield Break(name, f"{gone} no longer travels on the topic", READERS)


def _kept(name: str, old: Json, new: Json) -> Iterator[Break]:
    path = ("bindings", "kafka", "topicConfiguration")
    was, now = _at(old, path) or {}, _at(new, path) or {}
    for setting in sorted(was.keys() | now.keys()):
        before, after = was.get(setting), now.get(setting)
        if setting != "retention.ms":
            yield from compare_values(name, setting, before, after, READERS)
        # Compacted or not is said by the policy: here both sides keep records for a time.
        elif before is not None and after is not None and after < before:
            what = f"its retention was shortened from {_days(before)} to {_days(after)}"
            yield Break(name, what, f"{READERS} who come back after that")


def _messages(document: Json) -> Mapping[str, Json]:
    return {each["name"]: each for each in document["components"]["messages"].values()}


def _types(channel: Json, document: Json) -> frozenset[str]:
    return frozenset(
        Schema(each, document).resolved()["name"] for each in channel["messages"].values()
    )


def _at(node: Any, path: Iterable[str]) -> Any:  # noqa: ANN401 - any JSON
    for part in path:
        node = node.get(part, {})
    return None if node == {} else node


def _days(milliseconds: int) -> str:
    return f"{milliseconds / 86_400_000:g} days"
