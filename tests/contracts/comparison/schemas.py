"""Comparison of two versions of a JSON Schema: each breaking change, its path and whom it breaks.

Within a major version only optional fields are added. Any other difference is a break, also one of
a keyword that this module does not know.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any

Json = Mapping[str, Any]


class Side(Flag):
    """Side of the exchange that a change of schema breaks."""

    READER = auto()
    """Who reads data by the released schema, and may now meet what that schema excludes."""
    WRITER = auto()
    """Who wrote data by the released schema, which the current one no longer takes."""
    BOTH = READER | WRITER


WORDS = frozenset({"title", "description", "summary", "examples", "deprecated", "$comment"})
"""Keywords that inform a person and mean nothing to a program."""

_CEILINGS = frozenset({"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"})
_FLOORS = frozenset({"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"})
_NESTED = {"propertyNames": "a key of", "contentSchema": "the content of"}
_WALKED = frozenset(
    {"$ref", "type", "enum", "const", "default", "properties", "required", "items"}
    | {"additionalProperties", "anyOf", "oneOf", "$defs", "$id", *_NESTED}
)
_NOTHING: Json = {"not": {}}


@dataclass(frozen=True, slots=True)
class Change:
    """Breaking change at a path of the data, and the side that it breaks."""

    path: str
    what: str
    side: Side


@dataclass(frozen=True, slots=True)
class Schema:
    """Schema, with the document that its references point into."""

    node: Any
    document: Json

    @property
    def name(self) -> str:
        """The reference, when the schema is one; else empty."""
        return str(_as_object(self.node).get("$ref", ""))

    def resolve(self) -> Json:
        """Follow the reference, if there is one; keywords beside it override its target's."""
        node = _as_object(self.node)
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            beside = {key: value for key, value in node.items() if key != "$ref"}
            node = {**_as_object(target), **beside}
        return node

    def at(self, node: Any) -> "Schema":  # noqa: ANN401 - any JSON
        """Build the schema of a part. The references of one with an `$id` point into it."""
        has_id = isinstance(node, dict) and "$id" in node
        return Schema(node, node if has_id else self.document)


def compare_schemas(
    old: Schema, new: Schema, path: str = "$", within: tuple[tuple[str, str], ...] = ()
) -> Iterator[Change]:
    """Find each breaking change from one schema to another."""
    # A recursive schema is compared once on the way down.
    if old.name and new.name:
        if (old.name, new.name) in within:
            return
        within = (*within, (old.name, new.name))
    before, after = old.resolve(), new.resolve()
    if _list_choices(before) or _list_choices(after):
        yield from _compare_alternatives(old, new, path, within)
        return
    if changed := [*_compare_types(before, after, path)]:
        # Other differences follow from that of the type.
        yield from changed
        return
    yield from _compare_values(before, after, path)
    yield from _compare_properties(old, new, path, within)
    yield from _compare_parts(old, new, path, within)
    yield from _compare_nested(old, new, path, within)
    yield from _compare_keywords(before, after, path)


def strip_words(node: Any, words: frozenset[str] = WORDS, *, is_named: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Leave out the keywords that mean nothing to a program."""
    if isinstance(node, list):
        return [strip_words(each, words) for each in node]
    if not isinstance(node, dict):
        return node
    # A field may be named `description`: only a keyword is left out.
    return {
        key: strip_words(value, words, is_named=key == "properties" and not is_named)
        for key, value in node.items()
        if is_named or key not in words
    }


def list_fields(schema: Schema, path: str = "$", within: tuple[str, ...] = ()) -> Iterator[str]:
    """List the path of every field that data of a schema may hold."""
    if schema.name:
        if schema.name in within:
            return
        within = (*within, schema.name)
    node = schema.resolve()
    for choice in _list_choices(node):
        yield from list_fields(schema.at(choice), path, within)
    for field, each in node.get("properties", {}).items():
        yield f"{path}.{field}"
        yield from list_fields(schema.at(each), f"{path}.{field}", within)
    if isinstance(items := node.get("items"), dict):
        yield from list_fields(schema.at(items), f"{path}[*]", within)
    if isinstance(others := node.get("additionalProperties"), dict):
        yield f"{path}.*"
        yield from list_fields(schema.at(others), f"{path}.*", within)


def _compare_alternatives(
    old: Schema, new: Schema, path: str, within: tuple[tuple[str, str], ...]
) -> Iterator[Change]:
    before = _list_choices(old.resolve()) or [old.node]
    after = _list_choices(new.resolve()) or [new.node]

    def is_same(one: object, other: object) -> bool:
        ways = ((old.at(one), new.at(other)), (new.at(other), old.at(one)))
        return not any([*compare_schemas(*way, path, within)] for way in ways)

    # An alternative of one name on both sides is one alternative, however it has grown.
    named = {_format_name(one) for one in before} & {_format_name(other) for other in after}
    for name in sorted(named):
        one, other = (next(x for x in xs if _format_name(x) == name) for xs in (before, after))
        yield from compare_schemas(old.at(one), new.at(other), path, within)
    before = [one for one in before if _format_name(one) not in named]
    after = [other for other in after if _format_name(other) not in named]
    gone = [one for one in before if not any(is_same(one, other) for other in after)]
    come = [other for other in after if not any(is_same(one, other) for one in before)]
    if len(gone) == len(come) == 1:
        yield from compare_schemas(old.at(gone[0]), new.at(come[0]), path, within)
        return
    for one in gone:
        yield Change(path, f"the alternative {_format_name(one)} was removed", Side.WRITER)
    for other in come:
        yield Change(path, f"the alternative {_format_name(other)} was added", Side.READER)


def _compare_types(before: Json, after: Json, path: str) -> Iterator[Change]:
    old, new = _list_types(before), _list_types(after)
    if old == new:
        return
    # A schema without a type accepts every type.
    is_narrower, is_wider = not old or (new and new < old), not new or (old and old < new)
    side = Side.WRITER if is_narrower else Side.READER if is_wider else Side.BOTH
    was, now = (" or ".join(sorted(each)) or "anything" for each in (old, new))
    yield Change(path, f"its type changed from {was} to {now}", side)


def _compare_values(before: Json, after: Json, path: str) -> Iterator[Change]:
    old, new = _list_allowed(before), _list_allowed(after)
    if old == new:
        return
    if old is None or new is None:
        listed = ", ".join(sorted(old or new or ()))
        if old is None:
            yield Change(path, f"its value is now limited to {listed}", Side.WRITER)
        else:
            yield Change(path, f"its value is not only {listed}", Side.READER)
    elif "const" in before and "const" in after:
        yield Change(path, f"its constant changed from {min(old)} to {min(new)}", Side.BOTH)
    else:
        for value in sorted(old - new):
            yield Change(path, f"the value {value} was removed", Side.WRITER)
        for value in sorted(new - old):
            yield Change(path, f"the value {value} was added to a closed list", Side.READER)


def _compare_properties(
    old: Schema, new: Schema, path: str, within: tuple[tuple[str, str], ...]
) -> Iterator[Change]:
    before, after = old.resolve(), new.resolve()
    had, has = before.get("properties", {}), after.get("properties", {})
    needed, needs = {*before.get("required", ())}, {*after.get("required", ())}
    for name in sorted({*had, *has, *needed, *needs}):
        field = f"{path}.{name}"
        if name in had and name not in has:
            yield Change(field, "the field was removed", Side.BOTH)
            continue
        if name in needs - needed:
            is_new = name not in had
            what = "a field was added that is required" if is_new else "the field became required"
            yield Change(field, what, Side.WRITER)
        elif name in needed - needs:
            yield Change(field, "the field is no longer required", Side.READER)
        elif name not in had and before.get("additionalProperties") is False:
            yield Change(field, "a field was added where no other was allowed", Side.READER)
        if name in had and name in has:
            yield from compare_defaults(old.at(had[name]), new.at(has[name]), field)
            yield from compare_schemas(old.at(had[name]), new.at(has[name]), field, within)


def compare_defaults(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Compare the defaults: what the absence of a field or of a parameter means."""
    was, now = (each.resolve().get("default") for each in (old, new))
    if was != now:
        what = f"its default changed from {json.dumps(was)} to {json.dumps(now)}"
        yield Change(path, f"{what}, so its absence means another thing", Side.BOTH)


def _compare_parts(
    old: Schema, new: Schema, path: str, within: tuple[tuple[str, str], ...]
) -> Iterator[Change]:
    """Compare the items of an array, and what an object may hold beside its named fields."""
    before, after = old.resolve(), new.resolve()
    if "items" in before or "items" in after:
        items = (old.at(before.get("items", True)), new.at(after.get("items", True)))
        yield from compare_schemas(*items, f"{path}[*]", within)
    had = before.get("additionalProperties", True)
    has = after.get("additionalProperties", True)
    if had == has is True:
        return
    if had is not False and has is False:
        yield Change(path, "fields that are not named are now refused", Side.WRITER)
    elif had is not False:
        yield from compare_schemas(old.at(had), new.at(has), f"{path}.*", within)


def _compare_nested(
    old: Schema, new: Schema, path: str, within: tuple[tuple[str, str], ...]
) -> Iterator[Change]:
    """Compare the schemas of keys, and of what a text holds."""
    before, after = old.resolve(), new.resolve()
    for keyword, of in _NESTED.items():
        if keyword in before or keyword in after:
            parts = (old.at(before.get(keyword, True)), new.at(after.get(keyword, True)))
            yield from compare_schemas(*parts, f"{of} {path}", within)


def _compare_keywords(before: Json, after: Json, path: str) -> Iterator[Change]:
    for keyword in sorted({*before, *after} - _WALKED - WORDS):
        was, now = before.get(keyword), after.get(keyword)
        if was == now:
            continue
        if keyword in _CEILINGS | _FLOORS:
            is_narrower = was is None or (
                now is not None and (now < was if keyword in _CEILINGS else now > was)
            )
            side = Side.WRITER if is_narrower else Side.READER
        else:
            side = Side.WRITER if was is None else Side.READER if now is None else Side.BOTH
        yield Change(
            path, f"its {keyword} changed from {_format_value(was)} to {_format_value(now)}", side
        )


def _as_object(node: Any) -> Json:  # noqa: ANN401 - any JSON
    if isinstance(node, bool):
        return {} if node else _NOTHING
    return dict(node)


def _list_choices(node: Json) -> list[Any]:
    return [*node.get("anyOf", ()), *node.get("oneOf", ())]


def _list_types(node: Json) -> frozenset[str]:
    stated = node.get("type", ())
    return frozenset({stated} if isinstance(stated, str) else stated)


def _list_allowed(node: Json) -> frozenset[str] | None:
    if "const" in node:
        return frozenset({json.dumps(node["const"])})
    return frozenset(map(json.dumps, node["enum"])) if "enum" in node else None


def _format_name(node: Any) -> str:  # noqa: ANN401 - any JSON
    reference = _as_object(node).get("$ref")
    return str(reference).rpartition("/")[2] if reference else json.dumps(node)


def _format_value(value: object) -> str:
    return "none" if value is None else json.dumps(value)
