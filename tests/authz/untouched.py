"""Digests of the databases of all services, by which a refused request is seen to do nothing."""

import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from bson import json_util
from pymongo import MongoClient

VOLATILE = ("jobs", "leases", "instances", "sessions", "caller_requests")
"""Collections that change by themselves, while nobody asks for anything; the counts of requests,
which are those of refused ones too."""
_QUIET_S, _LOOK_S = 15.0, 0.2


class Databases:
    """Databases of the services on one store."""

    def __init__(self, client: MongoClient[dict[str, Any]]) -> None:
        """Read by this client."""
        self._client = client

    def digest(self) -> Mapping[str, str]:
        """Compute a digest of each collection, by the names of its database and itself."""
        found = {}
        for database in self._client.list_database_names():
            if database in {"admin", "config", "local"}:
                continue
            for name in self._client[database].list_collection_names():
                if not name.startswith(VOLATILE):
                    found[f"{database}.{name}"] = self._digest(database, name)
        return found

    def wait_until_quiet(self) -> Mapping[str, str]:
        """Wait until what was prepared has reached all services; return the digests."""
        deadline = time.monotonic() + _QUIET_S
        before = self.digest()
        while True:
            time.sleep(_LOOK_S)
            after = self.digest()
            if after == before or time.monotonic() > deadline:
                return after
            before = after

    def _digest(self, database: str, collection: str) -> str:
        documents = self._client[database][collection].find()
        lines = sorted(json_util.dumps(each, sort_keys=True) for each in documents)
        return sha256("\n".join(lines).encode()).hexdigest()


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Name the collections that differ."""
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name) != after.get(name))
