"""Generator of the AsyncAPI 3 document of the topics."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import models_json_schema

from shared.contracts.envelope import Event, Payload
from shared.contracts.topics import TOPICS, Topic

Json = dict[str, Any]

_BINDING = "0.5.0"
_CLOUD_EVENT = "application/cloudevents+json; charset=UTF-8"


def build_asyncapi() -> Json:
    """Build the AsyncAPI document: sender, receivers, events and retention of every topic."""
    payloads = {payload: None for topic in TOPICS for payload in topic.payloads}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Aiguillage",
            "version": "1",
            "description": (
                "Ce qui circule entre les services, et vers les partenaires EDI. Chaque message "
                "est un CloudEvent 1.0 en mode structuré, livré au moins une fois. Ce qui ne peut "
                "être traité va dans `<topic>.dlq`, tel quel."
            ),
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": _CLOUD_EVENT,
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092"}},
            }
        },
        "channels": {topic.name: _build_channel(topic) for topic in TOPICS},
        "operations": {name: each for topic in TOPICS for name, each in _build_operations(topic)},
        "components": {
            "messages": {payload.__name__: _build_message(payload) for payload in payloads},
            "schemas": _build_schemas(list(payloads)),
        },
    }


def _build_channel(topic: Topic) -> Json:
    return {
        "address": topic.name,
        "description": topic.about,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {
            payload.__name__: {"$ref": f"#/components/messages/{payload.__name__}"}
            for payload in topic.payloads
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": _build_configuration(topic),
                "bindingVersion": _BINDING,
            }
        },
        "x-key": topic.key.value,
        "x-dead-letters": topic.dead_letters,
    }


def _build_configuration(topic: Topic) -> Json:
    if topic.retention_ms is None:
        return {"cleanup.policy": ["compact"]}
    return {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms}


def _build_operations(topic: Topic) -> Iterator[tuple[str, Json]]:
    yield f"{topic.owner}.send.{topic.name}", _build_operation(topic, "send", topic.owner)
    for consumer in topic.consumers:
        name = f"{re.sub(r'[^a-z]+', '_', consumer.lower())}.receive.{topic.name}"
        yield name, _build_operation(topic, "receive", consumer)


def _build_operation(topic: Topic, action: str, who: str) -> Json:
    channel = f"#/channels/{topic.name}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{who}: {topic.about}",
        "messages": [{"$ref": f"{channel}/messages/{each.__name__}"} for each in topic.payloads],
    }


def _build_message(payload: type[Payload]) -> Json:
    topics = [topic for topic in TOPICS if payload in topic.payloads]
    return {
        "name": payload.event_type,
        "title": payload.__name__,
        "summary": (payload.__doc__ or "").partition("\n")[0],
        "contentType": _CLOUD_EVENT,
        "payload": {"$ref": f"#/components/schemas/{_build_schema_name(payload)}"},
        "bindings": {
            "kafka": {
                "key": {
                    "type": "string",
                    "description": f"id of the {topics[0].key}",
                },
                "bindingVersion": _BINDING,
            }
        },
    }


def _build_schema_name(payload: type[Payload]) -> str:
    return f"{payload.__name__}Event"


def _build_schemas(payloads: list[type[Payload]]) -> Json:
    """Build the JSON schema of each event, and of the parts that they share."""
    events = {_build_event_model(payload): payload for payload in payloads}
    refs, definitions = models_json_schema(
        [(event, "serialization") for event in events],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = {name: _drop_nulls(each) for name, each in definitions["$defs"].items()}
    for (event, _), ref in refs.items():
        payload = events[event]
        schema = schemas.pop(ref["$ref"].rpartition("/")[2])
        schema["title"] = _build_schema_name(payload)
        schema["properties"]["type"] = {"const": payload.event_type, "type": "string"}
        schemas[_build_schema_name(payload)] = schema
    return dict(sorted(schemas.items()))


def _build_event_model(payload: type[Payload]) -> Any:  # noqa: ANN401 - a class made at run time
    return Event.__class_getitem__(payload)


def _drop_nulls(schema: Json) -> Json:
    """Describe optional fields of a schema as absent instead of null: a null is never written."""
    for field in schema.get("properties", {}).values():
        choices = field.get("anyOf", [])
        if {"type": "null"} in choices:
            kept = [choice for choice in choices if choice != {"type": "null"}]
            del field["anyOf"]
            field.pop("default", None)
            field.update(kept[0] if len(kept) == 1 else {"anyOf": kept})
    return schema
