"""Each kind of breaking change of an OpenAPI document is planted, and named: where, what, whom."""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from enum import StrEnum
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Header, Query
from pydantic import BaseModel, ConfigDict, Field

from docs.generators.openapi import build_openapi
from tests.contracts.comparison.openapi import (
    CLIENTS,
    READERS,
    SENDERS,
    compare,
    keep_promises,
)
from tests.contracts.comparison.schemas import Schema, compare_schemas

Json = dict[str, Any]
Plant = Callable[[Json], object]


class State(StrEnum):
    """The states of a lot."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class LotAnswer(BaseModel):
    """A lot, in an answer."""

    number: str = Field(max_length=20)
    state: State
    note: str | None


class LotBody(BaseModel):
    """A lot, in a request."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, Field(max_length=20)]
    kind: State | None = None
    size: int = Field(default=1, ge=0)


def _lots() -> Json:
    app = FastAPI()

    @app.get("/lots/v1/lots/{lot_id}")
    async def show(
        lot_id: str,
        limit: Annotated[int, Query(le=200)] = 50,
        x_role: Annotated[str | None, Header()] = None,
    ) -> LotAnswer:
        raise NotImplementedError

    @app.post("/lots/v1/lots", status_code=201)
    async def add(body: LotBody) -> LotAnswer:
        raise NotImplementedError

    @app.delete("/lots/v1/lots/{lot_id}", status_code=204)
    async def remove(lot_id: str) -> None: ...

    return app.openapi()


LOTS = _lots()
LOT, ALL = "/lots/v1/lots/{lot_id}", "/lots/v1/lots"
READ, ADD = f"lots GET {LOT}", f"lots POST {ALL}"


def _planted(plant: Plant) -> Json:
    document = deepcopy(LOTS)
    plant(document)
    return document


def _named(before: Json, after: Json) -> list[str]:
    return [str(each) for each in compare({"lots": before}, {"lots": after})]


def _schema(document: Json, name: str) -> Json:
    schema: Json = document["components"]["schemas"][name]
    return schema


def _field(document: Json, schema: str, name: str) -> Json:
    field: Json = _schema(document, schema)["properties"][name]
    return field


def _get(document: Json) -> Json:
    operation: Json = document["paths"][LOT]["get"]
    return operation


def _post(document: Json) -> Json:
    operation: Json = document["paths"][ALL]["post"]
    return operation


def _parameter(document: Json, name: str) -> Json:
    return next(each for each in _get(document)["parameters"] if each["name"] == name)


def _only_in_answer(document: Json) -> None:
    """Give the request a list of its own: the answers' one may then change alone."""
    _schema(document, "LotAnswer")["properties"]["state"] = {
        "enum": ["OPEN", "CLOSED", "SOLD"],
        "type": "string",
    }


def _only_in_request(document: Json) -> None:
    _field(document, "LotBody", "kind")["anyOf"][0] = {"enum": ["OPEN"], "type": "string"}


def _rename(mapping: Json, old: str, new: str) -> None:
    mapping[new] = mapping.pop(old)


def _add_required(document: Json) -> None:
    _schema(document, "LotBody")["properties"]["place"] = {"type": "string"}
    _schema(document, "LotBody")["required"].append("place")


def _rename_in_path(document: Json) -> None:
    _rename(document["paths"], LOT, "/lots/v1/lots/{id}")
    for operation in document["paths"]["/lots/v1/lots/{id}"].values():
        next(each for each in operation["parameters"] if each["in"] == "path")["name"] = "id"


BREAKING: list[tuple[Plant, list[str]]] = [
    (
        lambda it: it["paths"].pop(ALL),
        [f"{ADD}: the path was removed; {CLIENTS}."],
    ),
    (
        lambda it: it["paths"][LOT].pop("delete"),
        [f"lots DELETE {LOT}: the method was removed; {CLIENTS}."],
    ),
    (
        lambda it: _rename(it["paths"], ALL, "/lots/v1/batches"),
        [f"{ADD}: the path was removed; {CLIENTS}."],
    ),
    (
        lambda it: _schema(it, "LotAnswer")["properties"].pop("note"),
        [
            f"{READ} answer 200 $.note: the field was removed; {READERS}.",
            f"{ADD} answer 201 $.note: the field was removed; {READERS}.",
        ],
    ),
    (
        lambda it: _rename(_schema(it, "LotAnswer")["properties"], "note", "comment"),
        [
            f"{READ} answer 200 $.note: the field was removed; {READERS}.",
            f"{ADD} answer 201 $.note: the field was removed; {READERS}.",
        ],
    ),
    (
        lambda it: _schema(it, "LotAnswer")["required"].remove("note"),
        [
            f"{READ} answer 200 $.note: the field is no longer required; {READERS}.",
            f"{ADD} answer 201 $.note: the field is no longer required; {READERS}.",
        ],
    ),
    (
        lambda it: _field(it, "LotAnswer", "number").update(type="integer"),
        [
            f"{READ} answer 200 $.number: its type changed from string to integer; {READERS}.",
            f"{ADD} answer 201 $.number: its type changed from string to integer; {READERS}.",
        ],
    ),
    (
        lambda it: _field(it, "LotAnswer", "number").update(maxLength=30),
        [
            f"{READ} answer 200 $.number: its maxLength changed from 20 to 30; {READERS}.",
            f"{ADD} answer 201 $.number: its maxLength changed from 20 to 30; {READERS}.",
        ],
    ),
    (
        lambda it: _schema(it, "State")["enum"].append("LOST"),
        [
            f'{READ} answer 200 $.state: the value "LOST" was added to a closed list; {READERS}.',
            f'{ADD} answer 201 $.state: the value "LOST" was added to a closed list; {READERS}.',
        ],
    ),
    (
        _only_in_answer,
        [
            f'{READ} answer 200 $.state: the value "SOLD" was added to a closed list; {READERS}.',
            f'{ADD} answer 201 $.state: the value "SOLD" was added to a closed list; {READERS}.',
        ],
    ),
    (
        _add_required,
        [f"{ADD} request $.place: a field was added that is required; {SENDERS}."],
    ),
    (
        lambda it: _schema(it, "LotBody")["required"].append("size"),
        [f"{ADD} request $.size: the field became required; {SENDERS}."],
    ),
    (
        lambda it: _schema(it, "LotBody")["properties"].pop("size"),
        [f"{ADD} request $.size: the field was removed; {SENDERS}."],
    ),
    (
        lambda it: _field(it, "LotBody", "number").update(maxLength=10),
        [f"{ADD} request $.number: its maxLength changed from 20 to 10; {SENDERS}."],
    ),
    (
        lambda it: _field(it, "LotBody", "size").update(minimum=1),
        [f"{ADD} request $.size: its minimum changed from 0.0 to 1; {SENDERS}."],
    ),
    (
        lambda it: _field(it, "LotBody", "size").update(default=2),
        [
            (
                f"{ADD} request $.size: its default changed from 1 to 2, "
                f"so its absence means another thing; {SENDERS}."
            )
        ],
    ),
    (
        lambda it: _field(it, "LotBody", "size").update(type="string"),
        [f"{ADD} request $.size: its type changed from integer to string; {SENDERS}."],
    ),
    (
        _only_in_request,
        [f'{ADD} request $.kind: the value "CLOSED" was removed; {SENDERS}.'],
    ),
    (
        lambda it: _parameter(it, "x-role").update(required=True),
        [f"{READ} header x-role: the parameter became required; {SENDERS}."],
    ),
    (
        lambda it: _get(it)["parameters"].append(
            {"in": "query", "name": "place", "required": True, "schema": {}}
        ),
        [f"{READ} query place: a parameter was added that is required; {SENDERS}."],
    ),
    (
        lambda it: _get(it)["parameters"].remove(_parameter(it, "limit")),
        [f"{READ} query limit: the parameter was removed; {SENDERS}."],
    ),
    (
        lambda it: _parameter(it, "limit")["schema"].update(maximum=100),
        [f"{READ} query limit $: its maximum changed from 200 to 100; {SENDERS}."],
    ),
    (
        lambda it: _parameter(it, "limit")["schema"].update(default=20),
        [
            (
                f"{READ} query limit $: its default changed from 50 to 20, "
                f"so its absence means another thing; {SENDERS}."
            )
        ],
    ),
    (
        lambda it: _get(it).update(
            requestBody={"required": True, "content": {"application/json": {}}}
        ),
        [f"{READ} request: a body became required; {SENDERS}."],
    ),
    (
        lambda it: _post(it).pop("requestBody"),
        [f"{ADD} request: the body was removed; {SENDERS}."],
    ),
    (
        lambda it: _rename(_post(it)["requestBody"]["content"], "application/json", "text/xml"),
        [f"{ADD} request: the content type application/json was removed; {SENDERS}."],
    ),
    (
        lambda it: _rename(_get(it)["responses"]["200"]["content"], "application/json", "text/xml"),
        [f"{READ} answer 200: the content type application/json was removed; {READERS}."],
    ),
    (
        lambda it: _rename(_post(it)["responses"], "201", "202"),
        [
            f"{ADD}: the status 202 was added; {READERS}.",
            f"{ADD}: the status 201 was removed; {READERS}.",
        ],
    ),
    (
        lambda it: _get(it)["responses"].pop("422"),
        [f"{READ}: the status 422 was removed; {READERS}."],
    ),
    (
        lambda it: _get(it).update(security=[{"token": []}]),
        [f'{READ}: its security changed from null to [{{"token": []}}]; {CLIENTS}.'],
    ),
    (
        lambda it: it.update(servers=[{"url": "/v2"}]),
        [f'lots: its servers changed from null to [{{"url": "/v2"}}]; {CLIENTS}.'],
    ),
]


@pytest.mark.parametrize(("plant", "named"), BREAKING, ids=[each[1][0] for each in BREAKING])
def test_a_breaking_change_is_named(plant: Plant, named: list[str]) -> None:
    assert _named(LOTS, _planted(plant)) == named


def test_a_service_that_is_no_longer_described_is_named() -> None:
    assert [str(each) for each in compare({"lots": LOTS}, {})] == [
        f"lots: the document of the service was removed; {CLIENTS}."
    ]


COMPATIBLE: dict[str, Plant] = {
    "a path": lambda it: it["paths"].update({"/lots/v1/places": deepcopy(it["paths"][ALL])}),
    "a method": lambda it: it["paths"][ALL].update(get=deepcopy(_get(it))),
    "an optional parameter": lambda it: _get(it)["parameters"].append(
        {"in": "query", "name": "place", "required": False, "schema": {}}
    ),
    "an optional field of a request": lambda it: _schema(it, "LotBody")["properties"].update(
        place={"type": "string"}
    ),
    "a field of an answer": lambda it: _schema(it, "LotAnswer")["properties"].update(
        place={"type": "string"}
    ),
    "an error with an entry of its own": lambda it: _get(it)["responses"].update(
        {"409": {"description": ""}}
    ),
    "a content type of a request": lambda it: _post(it)["requestBody"]["content"].update(
        {"text/xml": {}}
    ),
    "a wider bound of a request": lambda it: _field(it, "LotBody", "number").update(maxLength=40),
    "a wider bound of a parameter": lambda it: _parameter(it, "limit")["schema"].pop("maximum"),
    "a narrower bound of an answer": lambda it: _field(it, "LotAnswer", "number").update(
        maxLength=10
    ),
    "a field of a request that is no longer required": lambda it: _schema(it, "LotBody").pop(
        "required"
    ),
    "a parameter that is renamed in the path": _rename_in_path,
}


@pytest.mark.parametrize("plant", COMPATIBLE.values(), ids=COMPATIBLE)
def test_a_compatible_change_is_no_break_but_asks_for_a_release(plant: Plant) -> None:
    grown = _planted(plant)

    assert _named(LOTS, grown) == []
    assert keep_promises({"lots": LOTS}) != keep_promises({"lots": grown})


def test_words_for_people_may_change_freely() -> None:
    reworded = _planted(
        lambda it: (
            it.update(info={"title": "Other words", "version": "2"}),
            _get(it).update(summary="Other words.", operationId="other", tags=["other"]),
            _parameter(it, "limit").update(description="Other words."),
            _get(it)["responses"]["200"].update(description="Other words."),
            _schema(it, "LotAnswer").update(description="Other words."),
        )
    )

    assert _named(LOTS, reworded) == []
    assert keep_promises({"lots": LOTS}) == keep_promises({"lots": reworded})


def test_a_version_goes_once_its_next_one_was_released_beside_it() -> None:
    def add_next(document: Json) -> None:
        for path, item in [*document["paths"].items()]:
            document["paths"][path.replace("/v1/", "/v2/")] = item

    def leave_next(document: Json) -> None:
        add_next(document)
        del document["paths"][LOT], document["paths"][ALL]

    assert _named(_planted(add_next), _planted(leave_next)) == []
    [named] = _named(LOTS, _planted(leave_next))
    assert named.endswith(f": the path was removed; {CLIENTS}.")


def test_what_many_operations_share_is_named_once() -> None:
    def copy(document: Json) -> None:
        for number in range(9):
            document["paths"][f"/lots/v1/copies{number}"] = deepcopy(document["paths"][ALL])

    def plant(document: Json) -> None:
        copy(document)
        _schema(document, "LotBody")["properties"].pop("size")

    assert _named(_planted(copy), _planted(plant)) == [
        (
            f"{ADD}, lots POST /lots/v1/copies0, lots POST /lots/v1/copies1 and 7 more "
            f"request $.size: the field was removed; {SENDERS}."
        )
    ]


def test_alternatives_that_grow_alike_are_compared_by_their_names() -> None:
    def offer(document: Json) -> None:
        choices = [{"$ref": f"#/components/schemas/{name}"} for name in ("LotAnswer", "LotBody")]
        _get(document)["responses"]["200"]["content"]["application/json"]["schema"] = {
            "anyOf": choices
        }
        _schema(document, "LotBody").pop("additionalProperties")

    def grow(document: Json) -> None:
        offer(document)
        for name in ("LotAnswer", "LotBody"):
            _schema(document, name)["properties"]["place"] = {"type": "string"}

    assert _named(_planted(offer), _planted(grow)) == []


def _send(document: Json) -> None:
    """Let a webhook send what is answered of a lot."""
    schemas = document["components"]["schemas"]
    schemas["LotMessage"] = deepcopy(schemas["LotAnswer"])
    identity = {"name": "webhook-id", "in": "header", "schema": {"type": "string"}}
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/LotMessage"}}}
    document["webhooks"] = {
        "lot": {
            "post": {
                "parameters": [identity],
                "requestBody": {"content": body},
                "responses": {"204": {}},
            }
        }
    }


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (lambda each: each.pop("webhooks"), ["lots webhook lot", "the webhook was removed"]),
        (
            lambda each: each["webhooks"]["lot"]["post"]["parameters"].clear(),
            ["lots webhook lot", "header webhook-id", "the header is sent no more"],
        ),
        (
            lambda each: _schema(each, "LotMessage")["properties"].pop("note"),
            ["lots webhook lot", "$.note", READERS],
        ),
        (
            lambda each: _schema(each, "LotMessage")["required"].remove("number"),
            ["lots webhook lot", "$.number", READERS],
        ),
    ],
)
def test_what_receivers_of_a_webhook_rely_on_is_named(plant: Plant, expected: list[str]) -> None:
    before, after = _planted(_send), _planted(_send)
    plant(after)

    [named] = _named(before, after)

    assert [each for each in expected if each not in named] == []


def test_a_webhook_and_what_it_sends_more_break_nobody() -> None:
    def send_more(document: Json) -> None:
        _send(document)
        _schema(document, "LotMessage")["properties"]["place"] = {"type": "string"}
        document["webhooks"]["parcel"] = document["webhooks"]["lot"]

    assert _named(LOTS, _planted(_send)) == []
    assert _named(_planted(_send), _planted(send_more)) == []


DOCUMENTS = build_openapi()


@pytest.mark.parametrize("service", DOCUMENTS)
def test_every_part_of_every_operation_is_compared(service: str) -> None:
    """Take each part of each operation away: a comparison that overlooks one is caught here."""
    document = DOCUMENTS[service]
    # Operations share most of their parameters and errors: each is taken apart once.
    parts = {
        json.dumps(part): (path, part)
        for path, item in document["paths"].items()
        for operation in item.values()
        for part in _parts(operation)
    }

    overlooked = [
        f"{path} {'/'.join(map(str, place))}"
        for path, part in parts.values()
        for place in _places(part)
        if not _is_compared(document, path, part, _without(part, place))
    ]

    assert overlooked == []


@pytest.mark.parametrize("service", DOCUMENTS)
def test_every_keyword_of_every_schema_is_compared(service: str) -> None:
    document = DOCUMENTS[service]
    overlooked = [
        f"{name}/{'/'.join(map(str, place))}"
        for name, schema in document["components"]["schemas"].items()
        for place in _places(schema)
        if not _is_noticed(document, schema, _without(schema, place))
    ]

    assert overlooked == []


def test_no_answer_promises_that_it_will_never_gain_a_field() -> None:
    closed = [
        f"{service} {name}"
        for service, document in DOCUMENTS.items()
        for name in _answered(document)
        if document["components"]["schemas"][name].get("additionalProperties") is False
    ]

    assert closed == []


def _answered(document: Json) -> set[str]:
    """List the schemas that answers are made of."""
    found: set[str] = set()
    waiting = [item["responses"] for each in document["paths"].values() for item in each.values()]
    while waiting:
        names = set(re.findall(r"#/components/schemas/([^'\"]+)", str(waiting.pop()))) - found
        found |= names
        waiting += [document["components"]["schemas"][name] for name in names]
    return found


_WORDS = {"title", "description", "summary", "tags", "operationId", "examples", "$id", "$defs"}
_NEEDED = {"in", "name", "responses"}
"""Parts without which there is no operation."""
_DEFAULTS = (("required", False), ("additionalProperties", True))


def _places(node: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401
    """List where each part of a document is, but for words to people."""
    if isinstance(node, list):
        for index, each in enumerate(node):
            yield from _places(each, (*place, index))
    if isinstance(node, dict):
        is_named = place[-1:] == ("properties",)
        for key, each in node.items():
            if is_named or key not in _WORDS:
                if is_named or (key not in _NEEDED and (key, each) not in _DEFAULTS):
                    yield (*place, key)
                yield from _places(each, (*place, key))


def _parts(operation: Json) -> Iterator[Json]:
    """Cut an operation into operations of one part: its body, a parameter, an answer."""
    if "requestBody" in operation:
        yield {"requestBody": operation["requestBody"]}
    for parameter in operation.get("parameters", ()):
        yield {"parameters": [parameter]}
    for status, answer in operation["responses"].items():
        yield {"responses": {status: answer}}


def _is_compared(document: Json, path: str, whole: Json, cut: Json) -> bool:
    before, after = (
        {"s": {**document, "paths": {path: {"post": {"responses": {}, **each}}}}}
        for each in (whole, cut)
    )
    return bool(compare(before, after) or compare(after, before))


def _is_noticed(document: Json, whole: Json, cut: Json) -> bool:
    before, after = Schema(whole, document), Schema(cut, document)
    return any(compare_schemas(before, after)) or any(compare_schemas(after, before))


def _without(node: Any, place: tuple[str | int, ...]) -> Any:  # noqa: ANN401
    """Copy the way to a part, and share the rest: there are thousands of them."""
    copy = node.copy()
    if len(place) == 1:
        del copy[place[0]]
    else:
        copy[place[0]] = _without(node[place[0]], place[1:])
    return copy
