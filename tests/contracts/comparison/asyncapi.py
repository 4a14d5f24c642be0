"""Two AsyncAPI documents compared: each change that breaks who reads the topics, in a sentence."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.contracts.comparison.schemas import ANNOTATIONS, READERS, Json, Schema, breaking

_MAJOR = re.compile(r"(?P<stem>.+)\.v(?P<major>\d+)")


@dataclass(frozen=True, slots=True)
class Break:
    """One broken promise: of which event or topic, where in it, what changed, whom it breaks."""

    of: str
    what: str
    whom: str
    path: str = ""

    def __str__(self) -> str:
        """Say it in a sentence."""
        where = f"{self.of} {self.path}".strip()
        return f"{where}: {self.what}; {self.whom}."


def breaks(released: Json, current: Json) -> tuple[Break, ...]:
    """Name each change from the released document to the current one that breaks somebody."""
    return (*_topics(released, current), *_gathered(_events(released, current)))


def promised(document: Json) -> Json:
    """Take what readers rely on: not the words, and not who else reads."""
    return {part: _bare(document[part]) for part in ("channels", "components")}


def events(document: Json) -> Mapping[str, Schema]:
    """Give the schema of each event, envelope included, by its type."""
    return {name: Schema(each["payload"], document) for name, each in _messages(document).items()}


def _bare(node: Any, *, is_named: bool = False) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(node, list):
        return [_bare(each) for each in node]
    if not isinstance(node, dict):
        return node
    # A field may be named `description`: only a keyword is left out.
    return {
        key: _bare(value, is_named=key == "properties" and not is_named)
        for key, value in node.items()
        if is_named or key not in ANNOTATIONS
    }


def _events(released: Json, current: Json) -> Iterator[Break]:
    before, after = events(released), events(current)
    told, tells = _messages(released), _messages(current)
    for name, old in before.items():
        if name not in after:
            if not _is_succeeded(name, before.keys() & after.keys()):
                yield Break(name, "the event type was removed", READERS)
            continue
        for change in breaking(old, after[name]):
            yield Break(name, change.what, change.whom, change.path)
        for what, path in (
            ("content type", ("contentType",)),
            ("type of key", ("bindings", "kafka", "key", "type")),
        ):
            yield from _changed(name, what, _at(told[name], path), _at(tells[name], path))


def _gathered(found: Iterable[Break]) -> Iterator[Break]:
    """Say once what several events share: a field of the envelope is in all of them."""
    alike: dict[Break, list[str]] = {}
    for each in found:
        alike.setdefault(replace(each, of=""), []).append(each.of)
    for each, names in alike.items():
        yield replace(each, of=", ".join(names))


def _topics(released: Json, current: Json) -> Iterator[Break]:
    before, after = released["channels"], current["channels"]
    for name, old in before.items():
        if name in after:
            yield from _topic(name, old, after[name], (released, current))
        elif not _is_succeeded(name, before.keys() & after.keys()):
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
        yield from _changed(name, what, _at(old, path), _at(new, path))
    yield from _kept(name, old, new)
    for gone in sorted(_types(old, documents[0]) - _types(new, documents[1])):
        yield Break(name, f"{gone} no longer travels on the topic", READERS)


def _kept(name: str, old: Json, new: Json) -> Iterator[Break]:
    path = ("bindings", "kafka", "topicConfiguration")
    was, now = _at(old, path) or {}, _at(new, path) or {}
    for setting in sorted(was.keys() | now.keys()):
        before, after = was.get(setting), now.get(setting)
        if setting != "retention.ms":
            yield from _changed(name, setting, before, after)
        # Compacted or not is said by the policy: here both sides keep records for a time.
        elif before is not None and after is not None and after < before:
            what = f"its retention was shortened from {_days(before)} to {_days(after)}"
            yield Break(name, what, f"{READERS} who come back after that")


def _changed(of: str, what: str, was: object, now: object) -> Iterator[Break]:
    if was != now:
        shown = f"from {json.dumps(was)} to {json.dumps(now)}"
        yield Break(of, f"its {what} changed {shown}", READERS)


def _is_succeeded(name: str, kept: Iterable[str]) -> bool:
    """Tell whether a later major version was released beside it, which readers could move to."""
    old = _MAJOR.fullmatch(name)
    found = [match for each in kept if (match := _MAJOR.fullmatch(each))]
    return old is not None and any(
        each["stem"] == old["stem"] and int(each["major"]) > int(old["major"]) for each in found
    )


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
