"""OpenAPI says which operation needs a token, and names each header by which a caller chooses."""

from collections.abc import Iterator

import pytest

from docs.generators.openapi import build_openapi
from shared.rights.table import load_rights

DOCUMENTS = build_openapi()
_OF_PIECES = {"x-structure", "x-role", "x-service"}
_OF_DESK = {"x-desk", "x-structure"}
CASES = {
    ("portal", "get", "/pieces"): (True, _OF_PIECES),
    ("deposit", "post", "/pieces"): (True, _OF_PIECES),
    ("notification", "get", "/pieces/{piece_id}/statuses/stream"): (True, _OF_PIECES),
    ("support", "get", "/desk/tickets"): (True, _OF_DESK),
    ("support", "post", "/tickets"): (True, {"x-structure", "x-role"}),
    ("support", "get", "/articles"): (False, set()),
    ("support", "post", "/agent/conversations"): (False, {"x-structure", "x-role"}),
    ("routing", "get", "/motives"): (False, set()),
    ("organisation", "put", "/structures/{structure_id}"): (True, set()),
}
"""Whether a token is needed, and the headers: by hand."""
_ALL = {"x-structure", "x-role", "x-service", "x-desk"}


@pytest.mark.parametrize("route", CASES, ids=" ".join)
def test_what_an_operation_needs_is_described(route: tuple[str, str, str]) -> None:
    service, method, path = route
    operation = DOCUMENTS[service]["paths"][f"/{service}/v1{path}"][method]
    needs_token, headers = CASES[route]

    described = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
    assert described & _ALL == headers
    is_open = not operation["security"] or {} in operation["security"]
    assert is_open is not needs_token


def list_operations() -> Iterator[tuple[str, str, str]]:
    for service, document in DOCUMENTS.items():
        for path, operations in document["paths"].items():
            for method in operations:
                yield service, method, path


@pytest.mark.parametrize(("service", "method", "path"), [*list_operations()])
def test_every_operation_that_is_not_public_asks_for_a_bearer_token(
    service: str, method: str, path: str
) -> None:
    operation = DOCUMENTS[service]["paths"][path][method]
    need = load_rights(service)[method.upper(), path.removeprefix(f"/{service}/v1")]

    schemes = DOCUMENTS[service]["components"]["securitySchemes"]
    assert schemes["bearer"]["scheme"] == "bearer"
    assert ({"bearer": []} in operation["security"]) is (str(need) != "public")
