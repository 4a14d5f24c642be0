"""Access in OpenAPI: which operation needs a token, and the headers by which a caller chooses."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from shared.rights.needs import Need, NeedKind
from shared.rights.table import Route
from shared.runtime.web.choices import DESCRIPTIONS

_BEARER = "bearer"
_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Jeton d'accès d'un émetteur reconnu, d'une personne ou d'un programme.",
}
_ABOUT_STRUCTURE = "{structure_id}"
_OF_PIECES = ("X-Structure", "X-Role", "X-Service")
_OF_MEMBER = ("X-Structure", "X-Role")
_OF_DESK = ("X-Desk", "X-Structure")


def describe_access(app: FastAPI, prefix: str, rights: Mapping[Route, Need]) -> None:
    """Add to the OpenAPI document of an application what each of its operations needs."""
    build = app.openapi

    def build_described() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = build()
            _describe(described, prefix, rights)
            app.openapi_schema = described
        return app.openapi_schema

    app.openapi = build_described  # type: ignore[method-assign]


def _describe(described: dict[str, Any], prefix: str, rights: Mapping[Route, Need]) -> None:
    schemes = described.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes[_BEARER] = _SCHEME
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            route = path.removeprefix(prefix)
            need = rights[method.upper(), route]
            if need.is_public:
                operation["security"] = [{}, {_BEARER: []}] if len(need.rights) > 1 else []
            else:
                operation["security"] = [{_BEARER: []}]
            if headers := [_describe_header(name) for name in _list_headers(route, need)]:
                operation["parameters"] = [*operation.get("parameters", ()), *headers]


def _list_headers(path: str, need: Need) -> Iterator[str]:
    """List the headers by which the caller of a route may choose."""
    kinds = {each.kind for each in need.rights}
    if NeedKind.DESK in kinds:
        yield from _OF_DESK
    elif NeedKind.PIECES in kinds:
        yield from _OF_PIECES
    elif _ABOUT_STRUCTURE in path:
        return
    elif kinds & {NeedKind.MEMBER, NeedKind.APPLICATION}:
        yield from _OF_MEMBER
    elif kinds & {NeedKind.MANAGER, NeedKind.MAIN_MANAGER}:
        yield _OF_MEMBER[0]


def _describe_header(name: str) -> dict[str, Any]:
    return {
        "name": name.lower(),
        "in": "header",
        "required": False,
        "description": DESCRIPTIONS[name],
        "schema": {"type": "string"},
    }
