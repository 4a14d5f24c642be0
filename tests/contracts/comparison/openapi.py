"""Comparison of the OpenAPI documents of two versions: each change that breaks a client.

A request may accept more than before, and an answer may hold fewer values: that breaks nobody. The
other way round is a break, as is a difference in a part that this module does not know.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.contracts.comparison.breaks import Break, compare_values, gather, has_successor
from tests.contracts.comparison.schemas import (
    WORDS,
    Json,
    Schema,
    Side,
    compare_defaults,
    compare_schemas,
    strip_words,
)

SENDERS = "breaks clients that send the request"
READERS = "breaks clients that read the answer"
CLIENTS = "breaks clients of the service"
RECEIVERS = "breaks receivers of the webhook"

_WORDS = WORDS | {"operationId", "tags", "externalDocs", "example"}
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_VERSION = re.compile(r"/.+?/v\d+(?=/)")
_FIRST_ERROR = "400"


@dataclass(frozen=True, slots=True)
class _Operation:
    """Operation: a method of a path, in one document."""

    name: str
    path: str
    node: Json
    document: Json

    @property
    def prefix(self) -> str:
        """Path up to its major version; a version is removed as a whole."""
        found = _VERSION.match(self.path)
        return found[0] if found else self.path


def compare(released: Mapping[str, Json], current: Mapping[str, Json]) -> tuple[Break, ...]:
    """Find each change that breaks a client, from the released documents to the current ones."""
    return tuple(gather(_compare_services(released, current)))


def keep_promises(documents: Mapping[str, Json]) -> Json:
    """Keep what clients rely on: no words for people."""
    return {
        service: strip_words({**document, "info": None}, _WORDS)
        for service, document in documents.items()
    }


def _compare_services(released: Mapping[str, Json], current: Mapping[str, Json]) -> Iterator[Break]:
    for service, old in released.items():
        if service not in current:
            yield Break(service, "the document of the service was removed", CLIENTS)
            continue
        new = current[service]
        yield from _compare_others(
            service, old, new, {"openapi", "info", "paths", "webhooks", "components"}, CLIENTS
        )
        had, has = (each.get("components", {}) for each in (old, new))
        yield from _compare_others(service, had, has, {"schemas"}, CLIENTS)
        yield from _compare_operations(
            _list_operations(service, old), _list_operations(service, new)
        )
        yield from _compare_webhooks(service, old, new)


def _list_operations(service: str, document: Json) -> dict[tuple[str, str], _Operation]:
    """List the operations by method and path; a path parameter counts by its place alone."""
    return {
        (re.sub(r"\{[^}]*\}", "{}", path), method): _Operation(
            f"{service} {method.upper()} {path}", path, _add_shared(item, item[method]), document
        )
        for path, item in document["paths"].items()
        for method in item
        if method in _METHODS
    }


def _add_shared(item: Json, operation: Json) -> Json:
    """Add to an operation what its path states for all its methods."""
    shared = {key: each for key, each in item.items() if key not in _METHODS | _WORDS}
    parameters = [*shared.get("parameters", ()), *operation.get("parameters", ())]
    return {**shared, **operation, "parameters": parameters}


def _compare_operations(
    before: Mapping[tuple[str, str], _Operation], after: Mapping[tuple[str, str], _Operation]
) -> Iterator[Break]:
    kept = {before[key].prefix for key in before.keys() & after.keys()}
    paths = {path for path, _ in after}
    for key, old in before.items():
        if key in after:
            new = after[key]
            yield from _compare_parameters(old, new)
            yield from _compare_bodies(old, new)
            yield from _compare_answers(old, new)
            known = {"parameters", "requestBody", "responses"}
            yield from _compare_others(old.name, old.node, new.node, known, CLIENTS)
        elif not has_successor(old.prefix, kept):
            yield Break(
                old.name, f"the {'method' if key[0] in paths else 'path'} was removed", CLIENTS
            )


def _compare_webhooks(service: str, old: Json, new: Json) -> Iterator[Break]:
    """Compare what webhooks send: receivers read it, as clients read an answer."""
    before, after = _list_webhooks(service, old), _list_webhooks(service, new)
    for name, webhook in before.items():
        if name not in after:
            yield Break(webhook.name, "the webhook was removed", RECEIVERS)
            continue
        now = after[name]
        kept = _list_parameters(now)
        for key, parameter in _list_parameters(webhook).items():
            if key not in kept:
                what = "the header is sent no more"
                yield Break(webhook.name, what, RECEIVERS, _format_label(parameter))
        bodies = (webhook.node["requestBody"], now.node["requestBody"])
        yield from _compare_contents(webhook, now, bodies, Side.READER, "body")


def _list_webhooks(service: str, document: Json) -> dict[str, _Operation]:
    return {
        name: _Operation(f"{service} webhook {name}", "", item["post"], document)
        for name, item in document.get("webhooks", {}).items()
    }


def _compare_parameters(old: _Operation, new: _Operation) -> Iterator[Break]:
    before, after = _list_parameters(old), _list_parameters(new)
    for key, parameter in after.items():
        if key not in before and parameter.get("required"):
            what = "a parameter was added that is required"
            yield Break(old.name, what, SENDERS, _format_label(parameter))
    for key, parameter in before.items():
        where = _format_label(parameter)
        if key not in after:
            yield Break(old.name, "the parameter was removed", SENDERS, where)
            continue
        now = after[key]
        if now.get("required") and not parameter.get("required"):
            yield Break(old.name, "the parameter became required", SENDERS, where)
        yield from _compare_data(old, new, (parameter, now), Side.WRITER, where)
        known = {"name", "in", "required", "schema"}
        yield from _compare_others(old.name, parameter, now, known, SENDERS, where)


def _list_parameters(operation: _Operation) -> dict[tuple[str, str], Json]:
    places = re.findall(r"\{([^}]*)\}", operation.path)
    found = {}
    for node in operation.node["parameters"]:
        parameter = Schema(node, operation.document).resolve()
        name, place = parameter["name"], parameter["in"]
        if place == "path":
            name = str(places.index(name))
        # Names of headers are not case-sensitive.
        found[place, name.lower() if place == "header" else name] = parameter
    return found


def _format_label(parameter: Json) -> str:
    return f"{parameter['in']} {parameter['name']}"


def _compare_bodies(old: _Operation, new: _Operation) -> Iterator[Break]:
    before, after = (
        Schema(each.node.get("requestBody", {}), each.document).resolve() for each in (old, new)
    )
    if after.get("required") and not before.get("required"):
        yield Break(old.name, "a body became required", SENDERS, "request")
    elif before and not after:
        yield Break(old.name, "the body was removed", SENDERS, "request")
        return
    yield from _compare_contents(old, new, (before, after), Side.WRITER, "request")
    yield from _compare_others(old.name, before, after, {"required", "content"}, SENDERS, "request")


def _compare_answers(old: _Operation, new: _Operation) -> Iterator[Break]:
    before, after = old.node["responses"], new.node["responses"]
    for status in after.keys() - before.keys():
        # A new error is no break: clients handle those that have no entry.
        if status < _FIRST_ERROR:
            yield Break(old.name, f"the status {status} was added", READERS)
    for status, node in before.items():
        where = f"answer {status}"
        if status not in after:
            yield Break(old.name, f"the status {status} was removed", READERS)
            continue
        answer = Schema(node, old.document).resolve()
        now = Schema(after[status], new.document).resolve()
        yield from _compare_contents(old, new, (answer, now), Side.READER, where)
        for name, header in answer.get("headers", {}).items():
            kept = now.get("headers", {}).get(name)
            was, is_now = (strip_words(each, _WORDS) for each in (header, kept))
            yield from compare_values(old.name, f"header {name}", was, is_now, READERS, where)
        yield from _compare_others(old.name, answer, now, {"content", "headers"}, READERS, where)


def _compare_contents(
    old: _Operation, new: _Operation, bodies: tuple[Json, Json], side: Side, where: str
) -> Iterator[Break]:
    before, after = (each.get("content", {}) for each in bodies)
    for kind, content in before.items():
        if kind not in after:
            yield Break(old.name, f"the content type {kind} was removed", _name_broken(side), where)
            continue
        shown = where if len(before) == 1 else f"{where} {kind}"
        yield from _compare_data(old, new, (content, after[kind]), side, shown)
        yield from _compare_others(
            old.name, content, after[kind], {"schema"}, _name_broken(side), shown
        )


def _compare_data(
    old: _Operation, new: _Operation, holders: tuple[Json, Json], side: Side, where: str
) -> Iterator[Break]:
    """Compare the schemas of a request or of an answer, by what breaks its own side."""
    before = Schema(holders[0].get("schema", True), old.document)
    after = Schema(holders[1].get("schema", True), new.document)
    defaults = compare_defaults(before, after, "$") if side is Side.WRITER else ()
    for change in (*defaults, *compare_schemas(before, after)):
        if side in change.side:
            yield Break(old.name, change.what, _name_broken(side), f"{where} {change.path}")


def _compare_others(
    of: str, before: Json, after: Json, known: set[str], whom: str, where: str = ""
) -> Iterator[Break]:
    """Compare the parts that no other function compares."""
    for key in sorted({*before, *after} - known - _WORDS):
        was, now = (strip_words(each.get(key), _WORDS) for each in (before, after))
        yield from compare_values(of, key, was, now, whom, where)


def _name_broken(side: Side) -> str:
    return SENDERS if side is Side.WRITER else READERS
