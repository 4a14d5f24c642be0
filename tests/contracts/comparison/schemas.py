"""Two versions of a JSON Schema compared: each breaking change, by its path and whom it breaks.

Within a major version only optional fields are added. Whatever else differs is a break, a keyword
that is not known here included: silence would read as consent.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

READERS = "breaks readers of the released contract"
WRITTEN = "breaks the reading of events already written"
BOTH = f"{READERS}, and the reading of events already written"

ANNOTATIONS = frozenset({"title", "description", "summary", "examples", "deprecated", "$comment"})
"""Keywords that say something to a person and nothing to a program."""

_CEILINGS = frozenset({"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"})
_FLOORS = frozenset({"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"})
_WALKED = frozenset(
    {"$ref", "type", "enum", "const", "default", "properties", "required", "items"}
    | {"additionalProperties", "anyOf", "oneOf", "$defs"}
)
_NOTHING: Json = {"not": {}}


@dataclass(frozen=True, slots=True)
class Change:
    """What changed at a path of the data, and whom it breaks."""

    path: str
    what: str
    whom: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema with the document that its references point into."""

    node: Any
    document: Json

    @property
    def name(self) -> str:
        """Its name, when it is a reference."""
        return str(_as_object(self.node).get("$ref", ""))

    def resolved(self) -> Json:
        """Follow the reference, if it is one; what stands beside a reference completes it."""
        node = _as_object(self.node)
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            beside = {key: value for key, value in node.items() if key != "$ref"}
            node = {**_as_object(target), **beside}
        return node

    def at(self, node: Any) -> "Schema":  # noqa: ANN401 - any JSON
        """Take a part of it."""
        return Schema(node, self.document)


def breaking(
    old: Schema, new: Schema, path: str = "$", within: tuple[tuple[str, str], ...] = ()
) -> Iterator[Change]:
    """Name each breaking change from one schema to another."""
    # A schema that holds itself is compared once on the way down.
    if old.name and new.name:
        if (old.name, new.name) in within:
            return
        within = (*within, (old.name, new.name))
    before, after = old.resolved(), new.resolved()
    if _choices(before) or _choices(after):
        yield from _alternatives(old, new, path, within)
        return
    if changed := [*_type(before, after, path)]:
        # What else differs follows from it.
        yield from changed
        return
    yield from _values(before, after, path)
    yield from _properties(old, new, path, within)
    yield from _parts(old, new, path, within)
    yield from _keywords(before, after, path)


def fields(schema: Schema, path: str = "$", within: tuple[str, ...] = ()) -> Iterator[str]:
    """List the path of every field that data of a schema may hold."""
    if schema.name:
        if schema.name in within:
            return
        within = (*within, schema.name)
    node = schema.resolved()
    for choice in _choices(node):
        yield from fields(schema.at(choice), path, within)
    for field, each in node.get("properties", {}).items():
        yield f"{path}.{field}"
        yield from fields(schema.at(each), f"{path}.{field}", within)
    if isinstance(items := node.get("items"), dict):
        yield from fields(schema.at(items), f"{path}[*]", within)
    if isinstance(others := node.get("additionalProperties"), dict):
        yield f"{path}.*"
        yield from fields(schema.at(others), f"{path}.*", within)


def _alternatives(
    old: Schema, new: Schema, path: str, within: tuple[tuple[str, str], ...]
) -> Iterator[Change]:
    before = _choices(old.resolved()) or [old.node]
    after = _choices(new.resolved()) or [new.node]

    def is_same(one: object, other: object) -> bool:
        ways = ((old.at(one), new.at(other)), (new.at(other), old.at(one)))
        return not any([*breaking(*way, path, within)] for way in ways)

    gone = [one for one in before if not any(is_same(one, other) for other in after)]
    come = [other for other in after if not any(is_same(one, other) for one in before)]
    if len(gone) == len(come) == 1:
        yield from breaking(old.at(gone[0]), new.at(come[0]), path, within)
        return
    for one in gone:
        yield Change(path, f"the alternative {_named(one)} was removed", WRITTEN)
    for other in come:
        yield Change(path, f"the alternative {_named(other)} was added", READERS)


def _type(before: Json, after: Json, path: str) -> Iterator[Change]:
    old, new = _types(before), _types(after)
    if old == new:
        return
    # Without a type, anything goes.
    is_narrower, is_wider = not old or (new and new < old), not new or (old and old < new)
    whom = WRITTEN if is_narrower else READERS if is_wider else BOTH
    was, now = (" or ".join(sorted(each)) or "anything" for each in (old, new))
    yield Change(path, f"its type changed from {was} to {now}", whom)


def _values(before: Json, after: Json, path: str) -> Iterator[Change]:
    old, new = _allowed(before), _allowed(after)
    if old == new:
        return
    if old is None or new is None:
        listed = ", ".join(sorted(old or new or ()))
        what, whom = ("is now limited to", WRITTEN) if old is None else ("is not only", READERS)
        yield Change(path, f"its value {what} {listed}", whom)
    elif "const" in before and "const" in after:
        yield Change(path, f"its constant changed from {min(old)} to {min(new)}", BOTH)
    else:
        for value in sorted(old - new):
            yield Change(path, f"the value {value} was removed", WRITTEN)
        for value in sorted(new - old):
            yield Change(path, f"the value {value} was added", f"{READERS} who close the list")


def _properties(
    old: Schema, new: Schema, path: str, within: tuple[tuple[str, str], ...]
) -> Iterator[Change]:
    before, after = old.resolved(), new.resolved()
    had, has = before.get("properties", {}), after.get("properties", {})
    needed, needs = {*before.get("required", ())}, {*after.get("required", ())}
    for name in sorted({*had, *has, *needed, *needs}):
        field = f"{path}.{name}"
        if name in had and name not in has:
            yield Change(field, "the field was removed", READERS)
            continue
        if name in needs - needed:
            is_new = name not in had
            what = "a field was added that is required" if is_new else "the field became required"
            yield Change(field, what, WRITTEN)
        elif name in needed - needs:
            yield Change(field, "the field is no longer required", READERS)
        elif name not in had and before.get("additionalProperties") is False:
            yield Change(field, "a field was added where no other was allowed", READERS)
        if name in had and name in has:
            yield from _default(old.at(had[name]), new.at(has[name]), field)
            yield from breaking(old.at(had[name]), new.at(has[name]), field, within)


def _default(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    was, now = (each.resolved().get("default") for each in (old, new))
    if was != now:
        what = f"its default changed from {json.dumps(was)} to {json.dumps(now)}"
        yield Change(path, f"{what}, so its absence means another thing", BOTH)


def _parts(
    old: Schema, new: Schema, path: str, within: tuple[tuple[str, str], ...]
) -> Iterator[Change]:
    """Compare the items of an array, and what an object may hold beside its named fields."""
    before, after = old.resolved(), new.resolved()
    if "items" in before or "items" in after:
        items = (old.at(before.get("items", True)), new.at(after.get("items", True)))
        yield from breaking(*items, f"{path}[*]", within)
    had = before.get("additionalProperties", True)
    has = after.get("additionalProperties", True)
    if had == has is True:
        return
    if had is not False and has is False:
        yield Change(path, "fields that are not named are now refused", WRITTEN)
    elif had is not False:
        yield from breaking(old.at(had), new.at(has), f"{path}.*", within)


def _keywords(before: Json, after: Json, path: str) -> Iterator[Change]:
    for keyword in sorted({*before, *after} - _WALKED - ANNOTATIONS):
        was, now = before.get(keyword), after.get(keyword)
        if was == now:
            continue
        if keyword in _CEILINGS | _FLOORS:
            is_narrower = was is None or (
                now is not None and (now < was if keyword in _CEILINGS else now > was)
            )
            whom = WRITTEN if is_narrower else READERS
        else:
            whom = WRITTEN if was is None else READERS if now is None else BOTH
        yield Change(path, f"its {keyword} changed from {_shown(was)} to {_shown(now)}", whom)


def _as_object(node: Any) -> Json:  # noqa: ANN401 - any JSON
    if isinstance(node, bool):
        return {} if node else _NOTHING
    return dict(node)


def _choices(node: Json) -> list[Any]:
    return [*node.get("anyOf", ()), *node.get("oneOf", ())]


def _types(node: Json) -> frozenset[str]:
    stated = node.get("type", ())
    return frozenset({stated} if isinstance(stated, str) else stated)


def _allowed(node: Json) -> frozenset[str] | None:
    if "const" in node:
        return frozenset({json.dumps(node["const"])})
    return frozenset(map(json.dumps, node["enum"])) if "enum" in node else None


def _named(node: Any) -> str:  # noqa: ANN401 - any JSON
    said = node if isinstance(node, dict) else {}
    return str(said.get("$ref", json.dumps(node))).rpartition("/")[2]


def _shown(value: object) -> str:
    return "none" if value is None else json.dumps(value)
