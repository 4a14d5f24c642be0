"""Gateway: a reverse proxy (Caddy) with one origin for all services."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from shared.contracts.public_paths import build_public_prefix

_CADDYFILE = Path(__file__).parent / "Caddyfile"
COMPOSE = Path(__file__).parents[1] / "compose" / "Caddyfile"
_GUIDE = "docs/integrate.md"
"""Path of the integrators' guide in the repository: the platform does not serve it."""
_PORT = 8000
"""Port of the gateway and of each service in compose."""
_PAGES = {"docs": "docs", "openapi": "openapi.json"}
"""Paths of the documentation pages of each service, below its prefix."""


def build_caddyfile(host: str, port: int, services: Mapping[str, str]) -> str:
    """Build the configuration of Caddy: it listens on `host` and `port`, routes to each service."""
    routes = (f"\timport service {name} {address}" for name, address in services.items())
    return Template(_CADDYFILE.read_text(encoding="utf-8")).safe_substitute(
        HOST=host, PORT=port, SERVICES="\n".join(routes), INDEX=json.dumps(_build_index(services))
    )


def build_for_compose(services: Iterable[str]) -> str:
    """Build the configuration of Caddy for compose, in which a service's name is its host."""
    addresses = {name: f"{name}:{_PORT}" for name in services}
    text = build_caddyfile("0.0.0.0", _PORT, addresses)  # noqa: S104 - inside its container
    return f"# Written by `python -m deploy.gateway`.\n{text}"


def _build_index(services: Mapping[str, str]) -> object:
    """Build the answer to `GET /`: links to the guide and to the pages of each service."""
    return {
        "guide": _GUIDE,
        "services": {
            name: {page: f"{build_public_prefix(name)}/{path}" for page, path in _PAGES.items()}
            for name in services
        },
    }
