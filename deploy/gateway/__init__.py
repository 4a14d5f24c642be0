"""The gateway: a reverse proxy (Caddy) that puts one origin before all services."""

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template

_CADDYFILE = Path(__file__).parent / "Caddyfile"


def caddyfile(host: str, port: int, services: Mapping[str, str]) -> str:
    """Configure Caddy to listen on `host` and `port`, and route to the address of each service."""
    routes = (f"\timport service {name} {address}" for name, address in services.items())
    return Template(_CADDYFILE.read_text(encoding="utf-8")).safe_substitute(
        HOST=host, PORT=port, SERVICES="\n".join(routes), INDEX=json.dumps(_index(services))
    )


def _index(services: Mapping[str, str]) -> object:
    """List the services, with the pages that describe them: the answer to `GET /`."""
    return {
        "services": {
            name: {"docs": f"/{name}/v1/docs", "openapi": f"/{name}/v1/openapi.json"}
            for name in services
        }
    }
