"""Namespaces: a prefix of names by which tests share a broker and a store."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count

from deploy.local import Platform
from deploy.topics import provision
from shared.contracts.topics import TOPICS, Topic
from shared.runtime.clock import Clock, build_clock
from shared.runtime.settings import RuntimeSettings
from shared.runtime.store.database import Store
from shared.vocabulary.levels import WRITE_LEVEL
from tests.kit.access import get_access

_numbers = count(1)


@dataclass(frozen=True)
class Namespace:
    """Namespace on a running platform, with its own topics, groups and documents."""

    platform: Platform
    prefix: str

    def provision(self, topics: Iterable[Topic] = TOPICS) -> None:
        """Create topics in this namespace, with their dead-letter topics."""
        here = [replace(topic, name=self.prefix + topic.name) for topic in topics]
        provision(self.platform.addresses.kafka, here)

    def settings(self, **changes: object) -> RuntimeSettings:
        """Build the settings of a service in this namespace."""
        is_real = self.platform.backend.has_real_kafka
        values: dict[str, object] = {
            "kafka": self.platform.addresses.kafka,
            "mongo": self.platform.addresses.mongo,
            "idempotent_producer": is_real,
            "end_offsets_reliable": is_real,
            "issuers": json.loads(get_access().issuers),
            "namespace": self.prefix,
        }
        return RuntimeSettings.model_validate(values | changes)

    def store(
        self, service: str = "essai", clock: Clock | None = None, level: int = WRITE_LEVEL
    ) -> Store:
        """Open the database of a service in this namespace. `level` is its write level."""
        mongo = self.platform.addresses.mongo
        return Store(mongo, service, clock or build_clock(), self.prefix, level=level)


def build_namespace(platform: Platform) -> Namespace:
    """Build a new namespace."""
    return Namespace(platform, f"essai{next(_numbers)}-")
