"""The HTTP interface of each service, as its application describes it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from fastapi import FastAPI

from deploy.local import SERVICES
from shared.runtime.service import Runtime

# Nothing is connected by building a service: these are addresses of nobody.
_NOWHERE = {
    "AIGUILLAGE_KAFKA": "127.0.0.1:1",
    "AIGUILLAGE_MONGO": "mongodb://127.0.0.1:1/?directConnection=true",
}


def openapi() -> Mapping[str, dict[str, Any]]:
    """Describe every service, by its name."""
    return {name: app.openapi() for name, (_, app) in built().items()}


def built() -> Mapping[str, tuple[Runtime, FastAPI]]:
    """Build every service, by its name, without starting any."""
    with _environment(_NOWHERE):
        return {
            module.rpartition(".")[2]: import_module(f"{module}.bootstrap").build()
            for module in SERVICES
        }


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)  # noqa: TID251 - services read their settings from there
    os.environ.update(variables)  # noqa: TID251
    try:
        yield
    finally:
        os.environ.clear()  # noqa: TID251
        os.environ.update(before)  # noqa: TID251
