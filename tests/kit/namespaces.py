"""A broker and a store, and room on them for each test."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count

from deploy.local import Platform
from deploy.topics import provision
from shared.contracts.topics import TOPICS, Topic
from shared.runtime.clock import Clock, build_clock
from shared.runtime.settings import RuntimeSettings
from shared.runtime.store.database import Store

_rooms = count(1)


@dataclass(frozen=True)
class Room:
    """A namespace of its own on a running platform: nobody else's topics, groups, documents."""

    platform: Platform
    namespace: str

    def provision(self, topics: Iterable[Topic] = TOPICS) -> None:
        """Create topics here, with their dead letters."""
        here = [replace(topic, name=self.namespace + topic.name) for topic in topics]
        provision(self.platform.addresses.kafka, here)

    def settings(self, **changes: object) -> RuntimeSettings:
        """Give the settings of a service that runs here."""
        is_real = self.platform.backend.has_real_kafka
        values: dict[str, object] = {
            "kafka": self.platform.addresses.kafka,
            "mongo": self.platform.addresses.mongo,
            "idempotent_producer": is_real,
            "end_offsets_reliable": is_real,
            "trust_headers": True,
            "namespace": self.namespace,
        }
        return RuntimeSettings.model_validate(values | changes)

    def store(self, service: str = "essai", clock: Clock | None = None) -> Store:
        """Open a service's database here."""
        mongo = self.platform.addresses.mongo
        return Store(mongo, service, clock or build_clock(), self.namespace)


def a_room(platform: Platform) -> Room:
    """Make a namespace that nothing has used."""
    return Room(platform, f"essai{next(_rooms)}-")
