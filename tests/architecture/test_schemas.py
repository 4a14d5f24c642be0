"""Schemas that HTTP routes take and answer are named alike in every service."""

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from docs.generators.openapi import build_openapi
from shared.answers.answer import Answer
from shared.contracts.common_v1 import Part
from shared.contracts.envelope import Payload

# A form has no model of its own: FastAPI names it by the operation.
_NAME = re.compile(r"\w+(?:Answer|Request|Message(?:Data)?|V\d+)|Body_[a-z]+(?:_[a-z]+)+")
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


def list_kinds(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for kind in model.__subclasses__():
        yield kind
        yield from list_kinds(kind)


def test_every_amount_of_an_answer_or_an_event_is_written_with_two_decimals() -> None:
    """A piece deposited with "10000" and "2000.00" showed both in one answer."""
    assert build_openapi(), "imports every answer"
    kinds = {kind for root in (Answer, Part, Payload) for kind in list_kinds(root)}

    written = {
        f"{kind.__name__}.{name}": TypeAdapter(field.rebuild_annotation()).dump_python(
            Decimal(10000), mode="json"
        )
        for kind in kinds
        for name, field in kind.model_fields.items()
        if "decimal.Decimal" in str(field.rebuild_annotation())
    }

    assert Counter(name.partition(".")[0] for name in written) == {
        "AmountsV1": 4,
        "ChangeAnswer": 3,
        "DifferenceV1": 3,
        "ReadAmountsAnswer": 4,
        "SumAnswer": 4,
    }
    assert {*written.values()} == {"10000.00"}
