"""The platform whole: dossiers are carried by its actors, and exported by its portal."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from pymongo import MongoClient

from deploy.local import Backend, Platform
from deploy.local.demo.actor import Answer, File, Services
from deploy.local.demo.context import DemoContext, build_opening, register_structures
from deploy.local.demo.pieces import write_ubl
from deploy.local.demo.structures import (
    AMENAGEUR,
    MAIRIE,
    ONE_SIRET,
    STRUCTURES,
    Marche,
    Structure,
)
from deploy.local.sign_in import SignIn
from shared.circuit.statuses import Act
from shared.contracts.topics import DOSSIER
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import StructureKind
from tests.kit.waiting import scale_timeout, wait_until

SILENT = Structure("90000099900012", "Trésorerie discrète", StructureKind.PUBLIQUE)
"""A service financier that does not report its payments."""
PARTS = (
    *("services.organisation", "services.deposit", "services.routing"),
    *("services.notification", "services.portal"),
)


@dataclass(frozen=True, slots=True)
class World:
    """A platform, the actors in front of it, and the databases behind it."""

    platform: Platform
    scene: DemoContext
    portal: httpx.AsyncClient
    mongo: MongoClient[dict[str, Any]]

    async def export(
        self, dossier_id: str, structure: Structure = MAIRIE, role: Role = Role.MOA
    ) -> httpx.Response:
        """Ask for an export."""
        headers = self.headers(structure, role)
        return await self.portal.get(f"/dossiers/{dossier_id}/export", headers=headers)

    def headers(self, structure: Structure = MAIRIE, role: Role = Role.MOA) -> dict[str, str]:
        """Give the headers of who signs in for a structure."""
        return self.scene.build_member(structure, role).headers

    def list_tokens(self) -> list[str]:
        """List the tokens of who signs in for each structure."""
        return [self.scene.sign_in.get_token(each.user) for each in (*STRUCTURES, SILENT)]

    async def known_at_portal(self, structure: Structure) -> None:
        """Wait until the portal knows who signs in for a structure."""

        async def is_known() -> bool:
            return (await self.portal.get("/pieces", headers=self.headers(structure))).is_success

        await wait_until(is_known, f"{structure.name} at the portal")

    async def unpacked(self, dossier_id: str, folder: Path, *who: Any) -> Path:  # noqa: ANN401
        """Take an export that must be given, and unpack it."""
        answer = await self.export(dossier_id, *who)
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            archive.extractall(folder)
        return folder

    async def known(self, dossier_id: str, attachments: int = 0) -> None:
        """Wait until routing has a dossier, and as many attachments of its opener."""

        async def has_come() -> bool:
            answer = await self.scene.services.routing.get(
                f"/dossiers/{dossier_id}", headers=self.headers()
            )
            return len(answer.json()["pieces"][0]["attachments"]) == attachments

        await wait_until(has_come, "the dossier in routing")

    async def told(self, dossier_id: str) -> dict[str, Any]:
        """Give the last state of a dossier that is closed, as the compacted topic tells it."""
        found: dict[str, Any] = {}
        async with AIOKafkaConsumer(
            bootstrap_servers=self.platform.addresses.kafka, auto_offset_reset="earliest"
        ) as consumer:
            consumer.assign([TopicPartition(DOSSIER.name, n) for n in range(DOSSIER.partitions)])

            async def has_come() -> bool:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        said = json.loads(record.value)["data"]
                        if said["dossier_id"] == dossier_id and said["closed"]:
                            found.update(said)
                return bool(found)

            await wait_until(has_come, "the dossier on its topic")
        return found

    async def declare_silent_marche(self) -> Marche:
        """Declare a service financier that does not report its payments."""
        parameters = {"moa": SILENT.moa, "mise_en_paiement_non_remontee": True}
        marche = Marche(AMENAGEUR, SILENT)
        actor = self.scene.build_member(SILENT, Role.SERVICE_FINANCIER)
        await actor.declare(SILENT.build_declaration() | {"parameters": parameters})
        draft = self.scene.build_draft("A4", marche)
        titulaire = self.scene.build_actor(Role.TITULAIRE, marche)
        await titulaire.wait_until_accepted(
            write_ubl(draft), build_opening(draft, marche, write_ubl)
        )
        return marche

    async def paid(self, opener: Answer) -> str:
        """Carry a dossier to its payment, a suspension and a completion on the way."""
        moe, titulaire = (
            self.scene.build_actor(role, ONE_SIRET) for role in (Role.MOE, Role.TITULAIRE)
        )
        await moe.treat(opener["piece_id"], Act.SUSPENDRE, comment="=Il manque\nle bon ; merci.")
        bon = File("bon de livraison n° 7.pdf", "application/pdf", b"%PDF-1.4 bon")
        await titulaire.complete(opener["piece_id"], "Bon joint.", bon)
        await self.scene.carry_to_payment(opener, ONE_SIRET)
        return str(opener["dossier_id"])


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    """Run every service that holds a copy of a dossier."""
    async with AsyncExitStack() as stack:
        platform = stack.enter_context(Platform(Backend.EMBEDDED, services=PARTS))
        clients = {
            name: await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=scale_timeout(60))
            )
            for name, url in platform.addresses.services.items()
        }
        portal = clients.pop("portal")
        services = Services(**clients)
        scene = DemoContext(services, SignIn(platform), datetime.now(UTC).date())  # noqa: TID251 - beside its clock
        await register_structures(scene)
        mongo: MongoClient[dict[str, Any]] = stack.enter_context(
            MongoClient(platform.addresses.mongo)
        )
        world = World(platform, scene, portal, mongo)
        for each in STRUCTURES:
            await world.known_at_portal(each)
        yield world
