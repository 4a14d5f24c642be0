"""Structures of a test's own, whose dossiers it tells as routing would, and searches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from shared.contracts.common_v1 import ActorV1, PartiesV1, PartyV1
from shared.contracts.envelope import Event, encode
from shared.contracts.organisation_v1 import ParametersV1, StructureChanged
from shared.contracts.routing_v1 import AwaitedV1, DossierChanged, PieceStateV1
from shared.contracts.topics import DOSSIER, STRUCTURE
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus
from tests.kit.access import get_access
from tests.kit.states import NOON, a_piece, a_state, build_awaited, build_event
from tests.kit.waiting import wait_until

_PLAYING = (Role.TITULAIRE, Role.MOE, Role.MOA, Role.SERVICE_FINANCIER)


@dataclass
class World:
    """Four structures that nobody else knows, each in its role."""

    producer: AIOKafkaProducer
    http: httpx.AsyncClient
    id: str = field(default_factory=new_id)

    def structure(self, role: Role) -> str:
        """Name the structure of a role."""
        return f"{role.value}-{self.id}"

    def headers(self, role: Role) -> Mapping[str, str]:
        """Ask as a party."""
        return get_access().headers(self.structure(role), role)

    @property
    def parties(self) -> PartiesV1:
        """The parties of every dossier."""
        named = {role.value: PartyV1(structure=self.structure(role)) for role in _PLAYING}
        return PartiesV1.model_validate(named)

    def piece(self, piece_id: str, role: Role = Role.TITULAIRE, **changes: Any) -> PieceStateV1:  # noqa: ANN401
        """Build a piece that one of the parties deposited."""
        depositor = ActorV1(role=role, structure=self.structure(role))
        return a_piece(f"{self.id}-{piece_id}", **({"depositor": depositor} | changes))

    def build_awaited(self, role: Role, piece_id: str, **more: Any) -> AwaitedV1:  # noqa: ANN401
        """Say who must act on a piece."""
        return build_awaited(role, self.structure(role), f"{self.id}-{piece_id}", **more)

    def state(
        self,
        dossier: str,
        version: int,
        *pieces: PieceStateV1,
        **more: Any,  # noqa: ANN401
    ) -> DossierChanged:
        """Build the state of a dossier."""
        parties = {"parties": self.parties} | more
        return a_state(f"{self.id}-{dossier}", version, pieces, **parties)

    async def tell(self, *states: DossierChanged) -> None:
        """Put states on their topic, and wait until they are projected."""
        await self.send(*states)
        await self.until_known()

    async def send(self, *states: DossierChanged) -> None:
        """Put states on their topic, in this order."""
        for state in states:
            await self.producer.send_and_wait(
                DOSSIER.name, encode(build_event(state)), key=state.dossier_id.encode()
            )

    async def until_known(self) -> None:
        """Wait until all that was sent is projected: the partition of a last state is in order."""
        marker = f"{self.id}-{new_id()}"
        partitions = await self.producer.partitions_for(DOSSIER.name)
        for partition in partitions:
            state = a_state(
                f"{marker}-{partition}",
                1,
                [a_piece(f"{marker}-{partition}")],
                parties=PartiesV1(
                    titulaire=PartyV1(structure=marker),
                    service_financier=PartyV1(structure=marker),
                ),
            )
            await self.producer.send_and_wait(
                DOSSIER.name,
                encode(build_event(state)),
                key=state.dossier_id.encode(),
                partition=partition,
            )

        async def are_all_here() -> bool:
            seen = get_access().headers(marker, Role.TITULAIRE)
            found = await self.http.get("/pieces", headers=seen)
            return len(found.json().get("pieces", ())) == len(partitions)

        await wait_until(are_all_here, "the last states are projected", 30)

    async def name(self, role: Role, version: int, name: str) -> None:
        """Tell a structure's name."""
        structure = self.structure(role)
        said = StructureChanged(
            structure=structure,
            version=version,
            identifier_type=IdentifierType.AUTRE,
            identifier=structure,
            name=name,
            kind=StructureKind.PUBLIQUE,
            status=StructureStatus.ACTIF,
            parameters=ParametersV1(),
            at=NOON,
        )
        event: Event[StructureChanged] = Event(
            id=new_id(),
            source="/services/organisation",
            type=StructureChanged.event_type,
            time=NOON,
            subject=structure,
            correlationid=self.id,
            data=said,
        )
        await self.producer.send_and_wait(STRUCTURE.name, encode(event), key=structure.encode())

    async def search(self, role: Role, **criteria: Any) -> Sequence[str]:  # noqa: ANN401
        """Give the names of the pieces that are found, the latest first."""
        return [self.short(each) for each in (await self.page(role, **criteria))["pieces"]]

    def short(self, piece: Mapping[str, Any]) -> str:
        """Give the name by which a test called a piece."""
        return str(piece["piece_id"]).removeprefix(f"{self.id}-")

    async def page(self, role: Role, **criteria: Any) -> dict[str, Any]:  # noqa: ANN401
        """Search."""
        return await self.get("/pieces", role, **criteria)

    async def get(self, path: str, role: Role, **asked: Any) -> dict[str, Any]:  # noqa: ANN401
        """Ask, and expect an answer."""
        answer = await self.http.get(path, params=asked, headers=self.headers(role))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found
