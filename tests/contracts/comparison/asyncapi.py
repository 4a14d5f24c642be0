"""Comparison of two AsyncAPI documents: each change that breaks a reader of the topics."""

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
    """Find each change from the released document to the current one that breaks a reader."""
    return (*_compare_topics(released, current), *gather(_compare_events(released, current)))


def keep_promises(document: Json) -> Json:
    """Keep what readers rely on: neither words for people nor the list of readers."""
    return {part: strip_words(document[part]) for part in ("channels", "components")}


def list_event_schemas(document: Json) -> Mapping[str, Schema]:
    """List the schema of each event, envelope included, by its type."""
    return {
        name: Schema(each["payload"], document) for name, each in _list_messages(document).items()
    }


def _compare_events(released: Json, current: Json) -> Iterator[Break]:
    before, after = list_event_schemas(released), list_event_schemas(current)
    old_messages, new_messages = _list_messages(released), _list_messages(current)
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
                name, what, _get(old_messages[name], path), _get(new_messages[name], path), READERS
            )


def _compare_topics(released: Json, current: Json) -> Iterator[Break]:
    before, after = released["channels"], current["channels"]
    for name, old in before.items():
        if name in after:
            yield from _compare_topic(name, old, after[name], (released, current))
        elif not has_successor(name, before.keys() & after.keys()):
            heirs = [
                other
                for other in after.keys() - before.keys()
                if _list_types(after[other], current) == _list_types(old, released)
            ]
            what = f"renamed to {min(heirs)}" if heirs else "removed"
            yield Break(name, f"the topic was {what}", READERS)


def _compare_topic(
    name: str, old: Json, new: Json, documents: tuple[Json, Json]
) -> Iterator[Break]:
    for what, path in (
        ("address", ("address",)),
        ("topic on the broker", ("bindings", "kafka", "topic")),
        ("key", ("x-key",)),
        ("dead-letter topic", ("x-dead-letters",)),
        ("number of partitions", ("bindings", "kafka", "partitions")),
    ):
        yield from compare_values(name, what, _get(old, path), _get(new, path), READERS)
    yield from _compare_configuration(name, old, new)
    for gone in sorted(_list_types(old, documents[0]) - _list_types(new, documents[1])):
        yield Break(name, f"{gone} no longer travels on the topic", READERS)


def _compare_configuration(name: str, old: Json, new: Json) -> Iterator[Break]:
    path = ("bindings", "kafka", "topicConfiguration")
    was, now = _get(old, path) or {}, _get(new, path) or {}
    for setting in sorted(was.keys() | now.keys()):
        before, after = was.get(setting), now.get(setting)
        if setting != "retention.ms":
            yield from compare_values(name, setting, before, after, READERS)
        # A change between compaction and retention is one of the cleanup policy, compared above.
        elif before is not None and after is not None and after < before:
            what = (
                f"its retention was shortened from {_format_days(before)} to {_format_days(after)}"
            )
            yield Break(name, what, f"{READERS} who come back after that")


def _list_messages(document: Json) -> Mapping[str, Json]:
    return {each["name"]: each for each in document["components"]["messages"].values()}


def _list_types(channel: Json, document: Json) -> frozenset[str]:
    return frozenset(
        Schema(each, document).resolve()["name"] for each in channel["messages"].values()
    )


def _get(node: Any, path: Iterable[str]) -> Any:  # noqa: ANN401 - any JSON
    for part in path:
        node = node.get(part, {})
    return None if node == {} else node


def _format_days(milliseconds: int) -> str:
    return f"{milliseconds / 86_400_000:g} days"
