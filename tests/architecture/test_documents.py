"""The generated documents: up to date, whole, and true to what is sent."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from docs.generators.__main__ import find_stale_documents, generate_documents
from docs.generators.asyncapi import build_asyncapi
from shared.contracts.envelope import Event, encode
from shared.contracts.organisation_v1 import ParametersV1, StructureChanged
from shared.contracts.topics import TOPICS
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus

ROOT = Path(__file__).parents[2]


def test_no_document_is_stale() -> None:
    assert sorted(find_stale_documents(ROOT)) == []


def test_a_document_that_differs_or_should_not_be_there_is_stale(tmp_path: Path) -> None:
    for name, text in generate_documents().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert find_stale_documents(tmp_path) == {}

    (tmp_path / "docs/topics.md").write_text("by hand", encoding="utf-8")
    (tmp_path / "docs/asyncapi.json").unlink()
    (tmp_path / "docs/openapi/gone.json").write_text("{}", encoding="utf-8")

    assert sorted(find_stale_documents(tmp_path)) == [
        "docs/asyncapi.json",
        "docs/openapi/gone.json",
        "docs/topics.md",
    ]


@pytest.mark.parametrize("name", [name for name in generate_documents() if name.endswith(".json")])
def test_every_reference_leads_somewhere(name: str) -> None:
    document = json.loads(generate_documents()[name])

    references = list(_references(document, document))

    assert references
    for reference, root in references:
        assert _at(root, reference), reference


def test_every_topic_has_its_channel_its_sender_and_its_receivers() -> None:
    document = build_asyncapi()

    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        to_topic = {"$ref": f"#/channels/{topic.name}"}
        operations = [
            each for each in document["operations"].values() if each["channel"] == to_topic
        ]
        actions = sorted(each["action"] for each in operations)
        assert actions == [*["receive"] * len(topic.consumers), "send"]
        assert all(len(each["messages"]) == len(topic.payloads) for each in operations)


def test_what_is_sent_has_the_fields_that_the_document_promises() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    told = StructureChanged(
        structure="s",
        version=1,
        identifier_type=IdentifierType.SIRET,
        identifier="s",
        name="Ville",
        kind=StructureKind.PUBLIQUE,
        status=StructureStatus.ACTIF,
        parameters=ParametersV1(),
        at=at,
    )
    event = Event[StructureChanged](
        id="e",
        source="/s",
        type=told.event_type,
        time=at,
        subject="s",
        correlationid="c",
        data=told,
    )
    schemas = build_asyncapi()["components"]["schemas"]

    sent = json.loads(encode(event))

    for schema, part in (("StructureChangedEvent", sent), ("StructureChanged", sent["data"])):
        assert (
            set(schemas[schema]["required"]) <= part.keys() <= schemas[schema]["properties"].keys()
        )
    assert schemas["StructureChangedEvent"]["properties"]["type"]["const"] == sent["type"]
    assert "null" not in json.dumps(schemas)


def _references(node: Any, root: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    """Give every reference with what it is relative to: the document, or a schema with an id."""
    if isinstance(node, dict):
        root = node if "$id" in node else root
        if isinstance(node.get("$ref"), str):
            yield node["$ref"], root
        for child in node.values():
            yield from _references(child, root)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child, root)


def _at(document: Any, reference: str) -> Any:  # noqa: ANN401 - any JSON
    assert reference.startswith("#/")
    for part in reference[2:].split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document
