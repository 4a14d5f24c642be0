"""Needs of the routes of a service: finds the route of a request before the framework does.

The framework parses the body before a route can refuse its caller.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.types import Scope

from shared.rights.needs import Need, parse_need
from shared.rights.table import WEBSOCKET, Route
from shared.runtime.web.request_validation import JUDGED_ROUTE, DescribedRoute
from shared.vocabulary.texts import normalise_nfc

_FOUND = "aiguillage.need"
_STRUCTURE = "structure_id"
"""Parameter of a path: the structure that a route is about."""


class RightsMismatchError(ValueError):
    """Routes and the table of rights do not match."""


@dataclass(frozen=True, slots=True)
class RouteNeed:
    """Route of a request, and what it needs."""

    need: Need
    path: str | None = None
    """Path of the route as OpenAPI writes it, without the prefix; None without a route."""
    structure: str | None = None
    """Structure that the path names."""


_UNKNOWN = RouteNeed(parse_need("signed-in"))
"""A path that no route serves: whoever is signed in is told so."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    method: str
    path: str
    regex: re.Pattern[str]
    need: Need


class RouteNeeds:
    """Routes of a service with their needs, in the order in which the framework tries them."""

    def __init__(
        self, prefix: str, routers: Sequence[APIRouter], rights: Mapping[Route, Need]
    ) -> None:
        """Join the routes with the table. Raises RightsMismatchError unless each has its row."""
        self._prefix = prefix
        routes = [*_list_routes(routers)]
        keys = {(method, path) for method, path, _ in routes}
        faults = [
            *(f"{' '.join(each)} has no row in rights.csv" for each in sorted(keys - {*rights})),
            *(f"rights.csv: no route {' '.join(each)}" for each in sorted({*rights} - keys)),
        ]
        if faults:
            raise RightsMismatchError("; ".join(faults))
        self._patterns = [
            _Pattern(method, path, regex, rights[method, path]) for method, path, regex in routes
        ]

    def find(self, scope: Scope) -> RouteNeed:
        """Find the route of a request, and note it in the scope."""
        found: RouteNeed | None = scope.get(_FOUND)
        if found is None:
            found = scope[_FOUND] = self._match(scope)
            scope[JUDGED_ROUTE] = found.path
        return found

    def is_public(self, scope: Scope) -> bool:
        """Tell whether a request may come without a token."""
        return self.find(scope).need.is_public

    def _match(self, scope: Scope) -> RouteNeed:
        path = scope["path"]
        if not path.startswith(self._prefix):
            return _UNKNOWN
        rest = path[len(self._prefix) :]
        method = WEBSOCKET if scope["type"] == "websocket" else scope["method"]
        if method == "HEAD":
            method = "GET"
        for each in self._patterns:
            if each.method == method and (match := each.regex.match(rest)):
                structure = match.groupdict().get(_STRUCTURE)
                named = normalise_nfc(structure) if structure is not None else None
                return RouteNeed(each.need, each.path, named)
        return _UNKNOWN


def _list_routes(routers: Sequence[APIRouter]) -> Iterator[tuple[str, str, re.Pattern[str]]]:
    """List the routes of a service. Raises TypeError for one that nobody could judge."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIWebSocketRoute):
                yield WEBSOCKET, route.path_format, route.path_regex
            elif isinstance(route, APIRoute) and isinstance(route, DescribedRoute):
                for method in sorted(route.methods or ()):
                    yield method, route.path_format, route.path_regex
            else:
                raise TypeError("a router of a service has DescribedRoute as its route_class")
