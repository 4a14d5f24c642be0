"""Endpoints of the services: those of their OpenAPI, and their WebSockets."""

from collections.abc import Iterator, Mapping

import httpx
from starlette.routing import BaseRoute, WebSocketRoute

from docs.generators.openapi import build_services
from shared.contracts.public_paths import build_public_prefix
from tests.authz.expectations import Endpoint

METHODS = frozenset({"get", "put", "post", "delete", "patch"})


async def read_endpoints(http: httpx.AsyncClient, services: Mapping[str, str]) -> set[Endpoint]:
    """Read the endpoints of running services, and the WebSockets of their applications."""
    found = set(list_sockets())
    for service, url in services.items():
        answer = await http.get(f"{url}/openapi.json")
        for path, operations in answer.raise_for_status().json()["paths"].items():
            found |= {
                Endpoint(service, method.upper(), _cut(service, path))
                for method in operations.keys() & METHODS
            }
    return found


def list_sockets() -> Iterator[Endpoint]:
    """List the WebSockets, which OpenAPI cannot describe."""
    for service, (_, app) in build_services().items():
        for path in find_socket_paths(app.routes):
            yield Endpoint(service, "WS", _cut(service, path))


def find_socket_paths(routes: list[BaseRoute]) -> Iterator[str]:
    """Find the paths of the WebSockets among the routes of an application."""
    for route in routes:
        if isinstance(route, WebSocketRoute):
            yield route.path
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from find_socket_paths(included.routes)


def _cut(service: str, path: str) -> str:
    return path.removeprefix(build_public_prefix(service))
