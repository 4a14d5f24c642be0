"""Each kind of breaking change is planted in the contracts, and named: where, what, for whom."""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from docs.generators.asyncapi import build_asyncapi
from tests.contracts.comparison.asyncapi import (
    READERS,
    WRITTEN,
    compare,
    keep_promises,
    list_event_schemas,
)
from tests.contracts.comparison.schemas import (
    WORDS,
    Change,
    Schema,
    Side,
    compare_schemas,
    list_fields,
)

Json = dict[str, Any]
BOTH = f"{READERS}, and the reading of events already written"
Plant = Callable[[Json], object]

DOCUMENT = build_asyncapi()
CLOUD_EVENT = "application/cloudevents+json; charset=UTF-8"
DEPOSEE = "fr.aiguillage.piece.deposee.v1"


def _planted(plant: Plant) -> Json:
    document = deepcopy(DOCUMENT)
    plant(document)
    return document


def _schema(document: Json, name: str) -> Json:
    schema: Json = document["components"]["schemas"][name]
    return schema


def _field(document: Json, name: str) -> Json:
    field: Json = _schema(document, "PieceDeposited")["properties"][name]
    return field


def _channel(document: Json, name: str = "travaux.statut.v1") -> Json:
    channel: Json = document["channels"][name]
    return channel


def _message(document: Json) -> Json:
    message: Json = document["components"]["messages"]["PieceDeposited"]
    return message


def _kafka(document: Json) -> Json:
    kafka: Json = _channel(document)["bindings"]["kafka"]
    return kafka


def _required(document: Json, name: str = "PieceDeposited") -> list[str]:
    required: list[str] = _schema(document, name)["required"]
    return required


def _renamed(document: Json) -> None:
    document["channels"]["travaux.etat.v1"] = document["channels"].pop("travaux.statut.v1")


def _tranche_required(document: Json) -> None:
    _schema(document, "PieceDeposited")["properties"]["tranche"] = {"type": "string"}
    _required(document).append("tranche")


def _succeeded(document: Json) -> None:
    document["channels"]["travaux.statut.v2"] = deepcopy(_channel(document))


def _closed(document: Json) -> None:
    document["channels"]["travaux.dossier.v1"]["bindings"]["kafka"]["topicConfiguration"] = {
        "cleanup.policy": ["delete"],
        "retention.ms": 86_400_000,
    }


BREAKING: list[tuple[Plant, str]] = [
    (
        lambda it: _schema(it, "PieceDeposited")["properties"].pop("comment"),
        f"{DEPOSEE} $.data.comment: the field was removed; {BOTH}.",
    ),
    (
        lambda it: _required(it).append("comment"),
        f"{DEPOSEE} $.data.comment: the field became required; {WRITTEN}.",
    ),
    (
        _tranche_required,
        f"{DEPOSEE} $.data.tranche: a field was added that is required; {WRITTEN}.",
    ),
    (
        lambda it: _required(it).remove("number"),
        f"{DEPOSEE} $.data.number: the field is no longer required; {READERS}.",
    ),
    (
        lambda it: _field(it, "number").update(type="integer"),
        f"{DEPOSEE} $.data.number: its type changed from string to integer; {BOTH}.",
    ),
    (
        lambda it: _field(it, "number").update(maxLength=20),
        f"{DEPOSEE} $.data.number: its maxLength changed from 100 to 20; {WRITTEN}.",
    ),
    (
        lambda it: _field(it, "number").update(minLength=0),
        f"{DEPOSEE} $.data.number: its minLength changed from 1 to 0; {READERS}.",
    ),
    (
        lambda it: _field(it, "number").update(pattern="^A"),
        f'{DEPOSEE} $.data.number: its pattern changed from none to "^A"; {WRITTEN}.',
    ),
    (
        lambda it: _field(it, "deposited_at").update(format="date"),
        f'{DEPOSEE} $.data.deposited_at: its format changed from "date-time" to "date"; {BOTH}.',
    ),
    (
        lambda it: _schema(it, "Syntax")["enum"].remove("PDF"),
        f'{DEPOSEE} $.data.syntax: the value "PDF" was removed; {WRITTEN}.',
    ),
    (
        lambda it: _schema(it, "Syntax")["enum"].append("EDIFACT"),
        f'{DEPOSEE} $.data.syntax: the value "EDIFACT" was added to a closed list; {READERS}.',
    ),
    (
        lambda it: _schema(it, "Syntax").pop("enum"),
        (
            f'{DEPOSEE} $.data.syntax: its value is not only "CII", "FACTUR_X", "PDF", "UBL"; '
            f"{READERS}."
        ),
    ),
    (
        lambda it: _schema(it, "PieceDepositedEvent")["properties"]["specversion"].update(
            const="1.1"
        ),
        f'{DEPOSEE} $.specversion: its constant changed from "1.0" to "1.1"; {BOTH}.',
    ),
    (
        lambda it: _field(it, "attachments").update(default=None),
        (
            f"{DEPOSEE} $.data.attachments: its default changed from [] to null, "
            f"so its absence means another thing; {BOTH}."
        ),
    ),
    (
        lambda it: _field(it, "directory").update(additionalProperties={"type": "string"}),
        f"{DEPOSEE} $.data.directory.*: its type changed from integer to string; {BOTH}.",
    ),
    (
        lambda it: _schema(it, "PieceDeposited").update(additionalProperties=False),
        f"{DEPOSEE} $.data: fields that are not named are now refused; {WRITTEN}.",
    ),
    (
        lambda it: _field(it, "attachments")["items"].update({"$ref": "#/components/schemas/Role"}),
        f"{DEPOSEE} $.data.attachments[*]: its type changed from object to string; {BOTH}.",
    ),
    (
        lambda it: _message(it).update(contentType="text/xml"),
        f'{DEPOSEE}: its content type changed from "{CLOUD_EVENT}" to "text/xml"; {READERS}.',
    ),
    (
        lambda it: it["channels"].pop("travaux.statut.v1"),
        f"travaux.statut.v1: the topic was removed; {READERS}.",
    ),
    (_renamed, f"travaux.statut.v1: the topic was renamed to travaux.etat.v1; {READERS}."),
    (
        lambda it: _channel(it).update({"x-key": "entity"}),
        f'travaux.statut.v1: its key changed from "dossier" to "entity"; {READERS}.',
    ),
    (
        lambda it: _channel(it).update(address="elsewhere"),
        (
            'travaux.statut.v1: its address changed from "travaux.statut.v1" to "elsewhere"; '
            f"{READERS}."
        ),
    ),
    (
        lambda it: _kafka(it).update(topic="elsewhere"),
        (
            'travaux.statut.v1: its topic on the broker changed from "travaux.statut.v1" to '
            f'"elsewhere"; {READERS}.'
        ),
    ),
    (
        lambda it: _message(it)["bindings"]["kafka"]["key"].update(type="integer"),
        f'{DEPOSEE}: its type of key changed from "string" to "integer"; {READERS}.',
    ),
    (
        lambda it: _kafka(it).update(partitions=6),
        f"travaux.statut.v1: its number of partitions changed from 12 to 6; {READERS}.",
    ),
    (
        lambda it: _kafka(it)["topicConfiguration"].update({"retention.ms": 86_400_000}),
        (
            "travaux.statut.v1: its retention was shortened from 30 days to 1 days; "
            f"{READERS} who come back after that."
        ),
    ),
    (
        _closed,
        (
            'travaux.dossier.v1: its cleanup.policy changed from ["compact"] to ["delete"]; '
            f"{READERS}."
        ),
    ),
    (
        lambda it: _channel(it, "travaux.piece.deposee.v1")["messages"].pop("PieceCompleted"),
        (
            "travaux.piece.deposee.v1: fr.aiguillage.piece.completee.v1 no longer travels on the "
            f"topic; {READERS}."
        ),
    ),
]


@pytest.mark.parametrize(("plant", "named"), BREAKING, ids=[each[1] for each in BREAKING])
def test_a_breaking_change_is_named(plant: Plant, named: str) -> None:
    found = [str(each) for each in compare(DOCUMENT, _planted(plant))]

    assert named in found
    assert len(found) == 1


def test_what_several_events_share_is_named_once() -> None:
    def plant(document: Json) -> None:
        del _schema(document, "PieceForwardedEvent")["properties"]["causationid"]
        del _schema(document, "StatusChangedEvent")["properties"]["causationid"]

    assert [str(each) for each in compare(DOCUMENT, _planted(plant))] == [
        (
            "fr.aiguillage.piece.acheminee.v1, fr.aiguillage.piece.statut.v1 $.causationid: "
            f"the field was removed; {BOTH}."
        )
    ]


def test_an_event_type_that_is_removed_is_named() -> None:
    def plant(document: Json) -> None:
        del document["components"]["messages"]["PieceCompleted"]
        del _channel(document, "travaux.piece.deposee.v1")["messages"]["PieceCompleted"]

    assert f"fr.aiguillage.piece.completee.v1: the event type was removed; {READERS}." in {
        str(each) for each in compare(DOCUMENT, _planted(plant))
    }


COMPATIBLE: dict[str, Plant] = {
    "an optional field": lambda it: _schema(it, "PieceDeposited")["properties"].update(
        tranche={"type": "string"}
    ),
    "a new event type on a topic": lambda it: (
        it["components"]["messages"].update(
            New={**it["components"]["messages"]["PieceDeposited"], "name": "fr.new.v1"}
        ),
        _channel(it)["messages"].update(New={"$ref": "#/components/messages/New"}),
    ),
    "a new topic": lambda it: it["channels"].update(new=deepcopy(_channel(it))),
    "a longer retention": lambda it: _kafka(it)["topicConfiguration"].update(
        {"retention.ms": 40 * 86_400_000}
    ),
}


@pytest.mark.parametrize("plant", COMPATIBLE.values(), ids=COMPATIBLE)
def test_a_compatible_change_is_no_break_but_asks_for_a_release(plant: Plant) -> None:
    grown = _planted(plant)

    assert compare(DOCUMENT, grown) == ()
    assert keep_promises(DOCUMENT) != keep_promises(grown)


def test_words_and_who_else_reads_may_change_freely() -> None:
    reworded = _planted(
        lambda it: (
            _schema(it, "PieceDeposited").update(description="Other words."),
            _field(it, "number").update(title="Numéro"),
            _channel(it).update(description="Other words."),
            it["operations"].clear(),
        )
    )

    assert compare(DOCUMENT, reworded) == ()
    assert keep_promises(DOCUMENT) == keep_promises(reworded)


def test_a_field_that_is_named_as_an_annotation_is_no_annotation() -> None:
    field = {"type": "string", "title": "Title"}
    schema = {"properties": {"title": field, "properties": field}, "title": "It"}

    assert keep_promises({"channels": {}, "components": schema}) == {
        "channels": {},
        "components": {
            "properties": {"title": {"type": "string"}, "properties": {"type": "string"}}
        },
    }


def test_a_topic_goes_once_its_next_version_was_released_beside_it() -> None:
    with_both = _planted(_succeeded)
    only_next = deepcopy(with_both)
    del only_next["channels"]["travaux.statut.v1"]

    assert compare(with_both, only_next) == ()
    assert [each.of for each in compare(DOCUMENT, only_next)] == ["travaux.statut.v1"]
    for name in ("travaux.statut.v2", "travaux.echeance.v1"):
        others = deepcopy(with_both)
        del others["channels"][name]
        assert [each.of for each in compare(with_both, others)] == [name]


def test_an_event_type_goes_once_its_next_version_was_released_beside_it() -> None:
    messages = DOCUMENT["components"]["messages"]
    following = {**messages["DelayElapsed"], "name": "fr.aiguillage.dossier.echeance.v2"}
    with_both = _planted(lambda it: it["components"]["messages"].update(Next=following))
    only_next = deepcopy(with_both)
    del only_next["components"]["messages"]["DelayElapsed"]
    channel = only_next["channels"]["travaux.echeance.v1"]
    channel["messages"] = {"Next": {"$ref": "#/components/messages/Next"}}

    named = {each.of for each in compare(with_both, only_next)}

    # Its topic is another promise.
    assert named == {"travaux.echeance.v1"}
    assert "fr.aiguillage.dossier.echeance.v1" in {each.of for each in compare(DOCUMENT, only_next)}


def test_every_part_of_every_schema_is_compared() -> None:
    """Take each keyword of each schema away: a comparison that overlooks one is caught here."""
    schemas = DOCUMENT["components"]["schemas"]
    places = [place for name in schemas for place in _keywords(schemas[name], (name,))]

    overlooked = ["/".join(place) for place in places if not _is_compared(place)]

    assert len(places) > 500
    assert overlooked == []


def _is_compared(place: tuple[str, ...]) -> bool:
    """Compare an event that holds the schema, with and without one keyword, both ways."""
    event = next(name for name, parts in HOLDS.items() if place[0] in parts)
    whole, cut = list_event_schemas(DOCUMENT)[event], list_event_schemas(_without(place))[event]
    return any(compare_schemas(whole, cut)) or any(compare_schemas(cut, whole))


def _parts(node: object) -> Iterator[str]:
    """Name the schemas that a schema refers to, and those that these refer to."""
    for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(node)):
        yield name
        yield from _parts(_schema(DOCUMENT, name))


HOLDS = {name: {*_parts(schema.node)} for name, schema in list_event_schemas(DOCUMENT).items()}


def test_every_part_of_every_channel_is_compared() -> None:
    watched = {"address", "messages", "bindings", "x-key", "x-dead-letters"}
    unwatched = {"description", "servers"}

    for name, channel in DOCUMENT["channels"].items():
        assert channel.keys() == watched | unwatched
        for part in sorted(watched):
            planted = deepcopy(DOCUMENT)
            planted["channels"][name][part] = {}
            assert compare(DOCUMENT, planted), f"{name} {part}"


def _keywords(node: Any, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:  # noqa: ANN401
    if isinstance(node, dict):
        is_named = place[-1] == "properties"
        for key, each in node.items():
            if is_named or key not in WORDS:
                yield (*place, key)
                yield from _keywords(each, (*place, key))


def _without(place: tuple[str, ...]) -> Json:
    """Copy the way to a keyword, and share the rest: there are hundreds of them."""
    document = dict(DOCUMENT)
    node = document
    for part in ("components", "schemas", *place[:-1]):
        node[part] = dict(node[part])
        node = node[part]
    del node[place[-1]]
    return document


class Tree(BaseModel):
    """A model that holds itself, and a choice."""

    model_config = ConfigDict(extra="forbid")

    value: int | str
    size: int = Field(default=0, ge=0)
    children: tuple["Tree", ...] = ()


def _changes(old: Json, new: Json) -> list[Change]:
    return [*compare_schemas(Schema(old, old), Schema(new, new))]


def test_a_schema_that_holds_itself_is_compared_once() -> None:
    document = Tree.model_json_schema()
    narrower = json.loads(json.dumps(document).replace('"minimum": 0', '"minimum": 1'))
    tree, changed = (Schema({"$ref": "#/$defs/Tree"}, each) for each in (document, narrower))

    assert [*compare_schemas(tree, tree)] == []
    assert [*compare_schemas(tree, changed)] == [
        Change("$.size", "its minimum changed from 0 to 1", Side.WRITER)
    ]
    assert [*list_fields(tree)] == ["$.value", "$.size", "$.children"]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (["string", "integer"], ["string"], [('the alternative {"type": "integer"} was removed')]),
        (["string"], ["string", "integer"], [('the alternative {"type": "integer"} was added')]),
        (
            ["string", "integer"],
            ["string", "number"],
            ["its type changed from integer to number"],
        ),
        (["string", "integer"], ["integer", "string"], []),
    ],
)
def test_the_alternatives_of_a_value_are_compared(
    old: list[str], new: list[str], named: list[str]
) -> None:
    before, after = ({"anyOf": [{"type": each} for each in kinds]} for kinds in (old, new))

    assert [change.what for change in _changes(before, after)] == named


@pytest.mark.parametrize(
    ("old", "new", "what", "side"),
    [
        ({}, {"enum": [1]}, "its value is now limited to 1", Side.WRITER),
        ({"type": ["string", "null"]}, {"type": "string"}, "null or string to string", Side.WRITER),
        ({"type": "string"}, {"type": ["string", "null"]}, "string to null or string", Side.READER),
        ({"type": "string"}, {}, "string to anything", Side.READER),
        ({"multipleOf": 2}, {}, "its multipleOf changed from 2 to none", Side.READER),
        ({"unheardOf": 1}, {"unheardOf": 2}, "its unheardOf changed from 1 to 2", Side.BOTH),
        ({}, {"maxItems": 5}, "its maxItems changed from none to 5", Side.WRITER),
        ({"items": {"type": "string"}}, {}, "string to anything", Side.READER),
        ({"items": True}, {"items": False}, "its not changed from none to {}", Side.WRITER),
        (
            {"additionalProperties": False},
            {"additionalProperties": False, "properties": {"more": {}}},
            "a field was added where no other was allowed",
            Side.READER,
        ),
    ],
)
def test_a_constraint_that_changes_is_named(old: Json, new: Json, what: str, side: Side) -> None:
    [change] = _changes(old, new)

    assert what in change.what
    assert change.side is side


def test_every_event_is_compared_with_its_envelope() -> None:
    for schema in list_event_schemas(DOCUMENT).values():
        assert {"$.id", "$.type", "$.data"} <= {*list_fields(schema)}
