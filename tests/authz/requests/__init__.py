"""Requests of `make authz`: one for each row of `expected.csv`, and how to prepare it."""

from collections.abc import Awaitable, Callable

from tests.authz.expectations import Endpoint
from tests.authz.scene import Request, Scene

Prepare = Callable[[Scene], Awaitable[Request]]
PREPARATIONS: dict[tuple[Endpoint, str], Prepare] = {}
"""Preparation of the request of each row, by endpoint and role: called again for each caller who is
let in, so that each finds what it needs as the others did."""


def prepares(service: str, method: str, path: str, *roles: str) -> Callable[[Prepare], Prepare]:
    """Register the preparation of the request of an endpoint, for the rows of some roles."""

    def register(prepare: Prepare) -> Prepare:
        for role in roles or ("",):
            PREPARATIONS[Endpoint(service, method, path), role] = prepare
        return prepare

    return register
