"""Dossiers whose statuses a test tells, as routing would."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.contracts.common_v1 import ActorV1, PartiesV1, PartyV1
from shared.contracts.envelope import Event, encode
from shared.contracts.routing_v1 import StatusChanged
from shared.contracts.topics import STATUT
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.kit.access import get_access

now = build_clock()


@dataclass
class Dossier:
    """A dossier with parties of its own."""

    producer: AIOKafkaProducer
    id: str = field(default_factory=new_id)
    piece: str = field(default_factory=new_id)
    rank: int = 0

    def seen_by(self, role: Role) -> Mapping[str, str]:
        """Give the headers of a party."""
        return get_access().headers(self.structure(role), role)

    def structure(self, role: Role) -> str:
        """Name the structure of a role."""
        return f"{role}-of-{self.id}"

    def event(self, status: Status, **more: Any) -> Event[StatusChanged]:  # noqa: ANN401
        """Make the next status event of the dossier."""
        self.rank += 1
        titulaire, moa = (
            PartyV1(structure=f"{r}-of-{self.id}") for r in (Role.TITULAIRE, Role.MOA)
        )
        told = {
            "piece_id": self.piece,
            "dossier_id": self.id,
            "cadre": "A4",
            "number": "F1",
            "status": status,
            "parties": PartiesV1(titulaire=titulaire, moa=moa, service_financier=moa),
            "depositor": ActorV1(role=Role.TITULAIRE, structure=titulaire.structure),
            "at": now(),
        }
        return Event(
            id=new_id(),
            source="/tests",
            type=StatusChanged.event_type,
            time=now(),
            subject=self.piece,
            dossierid=self.id,
            sequence=self.rank,
            correlationid=self.id,
            data=StatusChanged.model_validate(told | more),
        )

    async def tell(self, *statuses: Status, **more: Any) -> None:  # noqa: ANN401
        """Put statuses on their topic."""
        for status in statuses:
            await self.send(self.event(status, **more))

    async def send(self, event: Event[StatusChanged]) -> None:
        """Put a ready-made event on its topic."""
        await self.producer.send_and_wait(STATUT.name, encode(event), key=self.id.encode())
