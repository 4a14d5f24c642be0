"""Schemas that HTTP routes take and answer are named alike in every service."""

import re
from collections import Counter
from typing import Any

import pytest

from docs.generators.openapi import build_openapi

# A form has no model of its own: FastAPI names it by the operation.
_NAME = re.compile(r"\w+(?:Answer|Request|V\d+)|Body_[a-z]+(?:_[a-z]+)+")
_OPERATION = re.compile(r"[a-z]+(?:_[a-z]+)+")


def find_misnamed(document: dict[str, Any]) -> list[str]:
    """Return the schemas of objects, the fields and the operations that break the convention."""
    objects = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if "properties" in schema
    }
    operations = Counter(
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    )
    return [
        *(name for name in objects if not _NAME.fullmatch(name)),
        *(f"{name}.id" for name, schema in objects.items() if "id" in schema["properties"]),
        *(
            operation
            for operation, times in operations.items()
            if times > 1 or not _OPERATION.fullmatch(operation)
        ),
    ]


@pytest.mark.parametrize("service", sorted(build_openapi()))
def test_schemas_ids_and_operations_follow_the_convention(service: str) -> None:
    document = build_openapi()[service]

    assert len(document["components"]["schemas"]) > 3
    assert find_misnamed(document) == []


def test_a_misnamed_schema_an_id_and_two_operations_of_one_name_are_found() -> None:
    document = {
        "components": {
            "schemas": {
                "TicketOut": {"properties": {"ticket_id": {}}},
                "TicketAnswer": {"properties": {"id": {}}},
                "Status": {"enum": ["ouvert"]},
                "Body_add_file_tickets__ticket_id__files_post": {"properties": {}},
            }
        },
        "paths": {
            "/tickets": {"get": {"operationId": "read"}},
            "/a": {"get": {"operationId": "read_ticket"}, "put": {"operationId": "read_ticket"}},
        },
    }

    assert find_misnamed(document) == [
        "TicketOut",
        "Body_add_file_tickets__ticket_id__files_post",
        "TicketAnswer.id",
        "read",
        "read_ticket",
    ]
