"""Generator of the OpenAPI document of each service."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

from fastapi import FastAPI

from deploy.local import SERVICES
from shared.runtime.service import Runtime

# Any address will do: a service does not connect while it is built.
_REQUIRED_SETTINGS = {
    "AIGUILLAGE_KAFKA": "127.0.0.1:1",
    "AIGUILLAGE_MONGO": "mongodb://127.0.0.1:1/?directConnection=true",
}


def build_openapi() -> Mapping[str, dict[str, Any]]:
    """Build the OpenAPI document of every service, by its name."""
    return {name: app.openapi() for name, (_, app) in build_services().items()}


@cache
def build_services() -> Mapping[str, tuple[Runtime, FastAPI]]:
    """Build every service, by its name, without starting it; cached, as it takes seconds."""
    with _set_environment(_REQUIRED_SETTINGS):
        return {
            module.rpartition(".")[2]: import_module(f"{module}.bootstrap").build()
            for module in SERVICES
        }


@contextmanager
def _set_environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)  # noqa: TID251 - services read their settings from there
    os.environ.update(variables)  # noqa: TID251
    try:
        yield
    finally:
        os.environ.clear()  # noqa: TID251
        os.environ.update(before)  # noqa: TID251
