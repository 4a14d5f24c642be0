"""The gateway: a reverse proxy (Caddy) that puts one origin before all services."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from shared.contracts.public_paths import public_prefix

_CADDYFILE = Path(__file__).parent / "Caddyfile"
COMPOSE = Path(__file__).parents[1] / "compose" / "Caddyfile"
_GUIDE = "docs/integrate.md"
"""The walk for integrators, by its path in the repository: the platform does not serve it."""
_PORT = 8000
"""Port of the gateway and of each service in compose."""
_PAGES = {"docs": "docs", "openapi": "openapi.json"}
"""Where each service describes itself, below its prefix."""


def caddyfile(host: str, port: int, services: Mapping[str, str]) -> str:
    """Configure Caddy to listen on `host` and `port`, and route to the address of each service."""
    routes = (f"\timport service {name} {address}" for name, address in services.items())
    return Template(_CADDYFILE.read_text(encoding="utf-8")).safe_substitute(
        HOST=host, PORT=port, SERVICES="\n".join(routes), INDEX=json.dumps(_index(services))
    )


def write_for_compose(services: Iterable[str]) -> str:
    """Configure Caddy for compose, where a service answers under its name."""
    addresses = {name: f"{name}:{_PORT}" for name in services}
    text = caddyfile("0.0.0.0", _PORT, addresses)  # noqa: S104 - inside its container
    return f"# Written by `python -m deploy.gateway`.\n{text}"


def _index(services: Mapping[str, str]) -> object:
    """Name the guide, and the pages that describe each service: the answer to `GET /`."""
    return {
        "guide": _GUIDE,
        "services": {
            name: {page: f"{public_prefix(name)}/{path}" for page, path in _PAGES.items()}
            for name in services
        },
    }
