"""Table of rights: what each route of each service needs, read from `rights.csv`."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from shared.rights.needs import Need, NeedError, parse_need

_DATA = Path(__file__).parent / "rights.csv"
_COLUMNS = ["service", "methode", "chemin", "besoin"]
WEBSOCKET = "WS"
"""Method of a WebSocket in the table."""
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", WEBSOCKET})
Route = tuple[str, str]
"""Method and path of a route, the path after `/<service>/v1`, as OpenAPI writes it."""


class TableError(ValueError):
    """A table of rights that cannot be used; the message names the line."""


def load_rights(service: str) -> Mapping[Route, Need]:
    """Load what each route of a service needs."""
    return _load().get(service, {})


@cache
def _load() -> Mapping[str, Mapping[Route, Need]]:
    return parse_rights(_DATA.read_text(encoding="utf-8"))


def parse_rights(text: str) -> Mapping[str, Mapping[Route, Need]]:
    """Parse a table of rights: by service, what each of its routes needs. Raises TableError."""
    reader = csv.DictReader(text.splitlines(), delimiter=";")
    if reader.fieldnames != _COLUMNS:
        raise TableError(f"the columns are {';'.join(_COLUMNS)}")
    read: dict[str, dict[Route, Need]] = {}
    for line, row in enumerate(reader, start=2):
        if None in row or not all(row.values()):
            raise TableError(f"line {line}: a value is missing, or there are too many")
        route = row["methode"], row["chemin"]
        if row["methode"] not in METHODS or not row["chemin"].startswith("/"):
            raise TableError(f"line {line}: {' '.join(route)} is no method and path")
        routes = read.setdefault(row["service"], {})
        if route in routes:
            raise TableError(f"line {line}: {' '.join(route)} of {row['service']} is there twice")
        try:
            routes[route] = parse_need(row["besoin"])
        except NeedError as error:
            raise TableError(f"line {line}: {error}") from None
    return read
