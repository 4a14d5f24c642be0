"""OpenAPI names each header without which a route answers 401."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from docs.generators.openapi import build_services
from shared.runtime.web.caller import authenticate_request
from shared.runtime.web.middlewares import AuthenticationMiddleware, Authenticator
from shared.runtime.web.paths import PathPrefixes
from shared.runtime.web.problems import Problem

SERVICES = {name: app for name, (_, app) in build_services().items()}
NAMES = {
    "x-structure": "35600000000048",
    "x-role": "moe",
    "x-desk": "metier",
    "x-agent": "Claire",
}


def find_authenticator(app: FastAPI, path: str) -> Authenticator:
    """Find what authenticates the caller of a path, before its body is read."""
    used: Sequence[Any] = app.user_middleware
    (middleware,) = [each for each in used if each.cls is AuthenticationMiddleware]
    authenticators: Mapping[PathPrefixes, Authenticator] = middleware.kwargs["authenticators"]
    found = (each for prefixes, each in authenticators.items() if prefixes.match(path))
    return next(found, authenticate_request)


def is_refused(app: FastAPI, path: str, names: set[str]) -> bool:
    """Tell whether a caller with these headers gets 401."""
    headers = [(name.encode(), NAMES[name].encode()) for name in names]
    trusting = SimpleNamespace(state=SimpleNamespace(trust_headers=True))
    scope = {"type": "http", "path": path, "headers": headers, "app": trusting}
    try:
        find_authenticator(app, path)(HTTPConnection(scope))
    except Problem as problem:
        return problem.status == HTTPStatus.UNAUTHORIZED
    return False


def find_wanted(app: FastAPI, path: str) -> set[str]:
    """Find the headers that a path wants: those without which it refuses a caller who has others.

    None for a path that anybody may call.
    """
    if not is_refused(app, path, set()):
        return set()
    desk = {"x-desk", "x-agent", "x-structure"}
    (names,) = [
        each for each in (desk, {"x-structure", "x-role"}) if not is_refused(app, path, each)
    ]
    return {each for each in names if is_refused(app, path, names - {each})}


def list_operations() -> Iterator[tuple[str, str, str]]:
    for service, app in SERVICES.items():
        for path, operations in app.openapi()["paths"].items():
            for method in operations:
                yield service, method, path


@pytest.mark.parametrize(("service", "method", "path"), [*list_operations()])
def test_every_header_that_a_route_wants_is_described(service: str, method: str, path: str) -> None:
    app = SERVICES[service]
    parameters = app.openapi()["paths"][path][method].get("parameters", ())

    described = {each["name"].lower() for each in parameters if each["in"] == "header"}

    assert find_wanted(app, path) <= described


def test_what_a_route_wants_is_found() -> None:
    support = SERVICES["support"]

    assert find_wanted(SERVICES["portal"], "/portal/v1/pieces") == {"x-structure", "x-role"}
    assert find_wanted(support, "/support/v1/desk/tickets") == {"x-desk", "x-agent", "x-structure"}
    assert find_wanted(support, "/support/v1/articles") == set()
