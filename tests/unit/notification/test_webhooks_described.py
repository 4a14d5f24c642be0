"""The OpenAPI document says what receivers of webhooks are sent."""

from datetime import UTC, datetime
from typing import Any

from docs.generators.openapi import build_openapi
from services.notification.pushes.adapters.webhooks import sign

SECRET = "whsec_QWlndWlsbGFnZSwgdW4gc2VjcmV0IGQnZXNzYWkgIQ=="  # noqa: S105 - of tests
TYPES = {
    "statut": "fr.aiguillage.piece.statut.v1",
    "essai": "fr.aiguillage.abonnement.essai.v1",
}


def test_each_message_is_described_by_its_type_and_the_headers_that_sign_it() -> None:
    document = build_openapi()["notification"]

    assert document["webhooks"].keys() == TYPES.keys()
    for name, kind in TYPES.items():
        operation = document["webhooks"][name]["post"]
        content: Any = operation["requestBody"]["content"]["application/json"]
        schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        assert schema["properties"]["type"]["const"] == kind
        assert {each["name"] for each in operation["parameters"]} == sign(
            [SECRET], "d-1", datetime(2026, 12, 1, tzinfo=UTC), b"{}"
        ).keys()
        assert operation["responses"].keys() == {"204", "default"}
