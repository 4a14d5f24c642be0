"""Facts about the services for the tests of deployment: settings, topics, routes, metrics."""

import importlib
import json
import os
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_origin

import yaml
from cryptography.fernet import Fernet
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase
from pydantic import ValidationError
from starlette.routing import Match

import services
import shared
from deploy.local import SERVICES
from deploy.local.issuer.keys import generate_key
from docs.generators.openapi import build_services
from shared.runtime.settings import RuntimeSettings

ROOT = Path(__file__).parents[2]
NAMES = tuple(module.rpartition(".")[2] for module in SERVICES)
_PREFIX = "AIGUILLAGE_"
_SUFFIXES: Mapping[type[MetricWrapperBase], Sequence[str]] = {
    Counter: ("_total", "_created"),
    Gauge: ("",),
    Histogram: ("_bucket", "_count", "_sum", "_created"),
}

Yaml = Any
EXAMPLES: Mapping[str, str] = {
    "AIGUILLAGE_ISSUERS": json.dumps(
        [{"url": "https://entreprises.example.fr", "audience": "aiguillage"}]
    ),
    "AIGUILLAGE_PUBLIC_ORIGIN": "https://travaux.example.fr",
    "AIGUILLAGE_SIGNING_KEYS": json.dumps([generate_key().as_dict(private=True)]),
    "AIGUILLAGE_PUSH_KEYS": Fernet.generate_key().decode(),
    "AIGUILLAGE_MAIL_FROM": "Aiguillage <ne-pas-repondre@travaux.example.fr>",
    "AIGUILLAGE_SMTP_HOST": "smtp.example.fr",
    "AIGUILLAGE_SMTP_USER": "aiguillage",
    "AIGUILLAGE_SMTP_PASSWORD": "essai",
}
"""Values that an operator may give to the variables that have none in the files."""


def load(path: Path) -> Yaml:
    """Read a YAML file with one document."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def load_all(path: Path) -> list[Yaml]:
    """Read a YAML file with several documents."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def find_setting_faults(service: str, variables: Mapping[str, str]) -> list[str]:
    """List the faults of a service's environment variables: unknown, missing or invalid."""
    settings = find_settings(service)
    ours = {name for name in variables if name.startswith(_PREFIX)}
    known = {f"{_PREFIX}{name.upper()}" for name in settings.model_fields}
    faults = [f"{service}: it reads no {name}" for name in sorted(ours - known)]
    values = {
        name: _read(settings, name, variables[f"{_PREFIX}{name.upper()}"])
        for name in settings.model_fields
        if f"{_PREFIX}{name.upper()}" in ours
    }
    try:
        # Validate these alone: the environment of the test must not supply missing variables.
        settings.model_validate(values)
    except ValidationError as error:
        faults += [f"{service}: {each['loc']}: {each['msg']}" for each in error.errors()]
    if not values.get("issuers"):
        faults.append(f"{service}: nobody can sign in, as AIGUILLAGE_ISSUERS names no issuer")
    return faults


def _read(settings: type[RuntimeSettings], name: str, value: str) -> object:
    """Read a variable as a setting is read: a list is JSON."""
    is_list = get_origin(settings.model_fields[name].annotation) is tuple
    return json.loads(value) if is_list else value


@cache
def find_settings(service: str) -> type[RuntimeSettings]:
    """Find the settings class of a service."""
    found: type[RuntimeSettings] = importlib.import_module(f"services.{service}.settings").Settings
    return found


@cache
def list_subscriptions() -> Mapping[str, Mapping[str, int]]:
    """List the topics that each service consumes, with their number of partitions."""
    return {
        name: {topic.name: topic.partitions for topic in runtime.subscriptions}
        for name, (runtime, _) in build_services().items()
    }


@cache
def has_route(service: str, path: str) -> bool:
    """Whether a service has a route for `GET path`."""
    request = {"type": "http", "method": "GET", "path": path, "headers": []}
    routes = build_services()[service][1].routes
    return any(route.matches(request)[0] is Match.FULL for route in routes)


@cache
def list_exported_metrics() -> Mapping[str, frozenset[str]]:
    """List every metric that a service may export, with its labels."""
    found: dict[str, frozenset[str]] = {}
    for module in [*_walk_modules(shared), *_walk_modules(services)]:
        for each in vars(module).values():
            if isinstance(each, MetricWrapperBase):
                # A metric without a sample has no public attribute for its labels.
                labels = frozenset(each._labelnames)  # noqa: SLF001
                family = next(iter(each.describe())).name
                for suffix in _SUFFIXES[type(each)]:
                    le = {"le"} if suffix == "_bucket" else set()
                    found[family + suffix] = labels | le
    return found


def _walk_modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # To import these programs would run them.
        if not found.name.endswith(("__main__", ".verify")):
            yield importlib.import_module(found.name)


def find_program(name: str) -> str | None:
    """Find a program on the PATH, or among those installed for tests; None when it is missing."""
    places = [*os.get_exec_path(), str(ROOT / ".run" / "tools")]
    found = (Path(place) / name for place in places)
    return next((str(each) for each in found if each.is_file() and os.access(each, os.X_OK)), None)
