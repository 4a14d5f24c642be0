"""A dossier carried by the real deposit and routing to a payment that its supplier must not see."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import Platform, choose
from deploy.local.demo.actor import Services
from deploy.local.demo.context import (
    DemoContext,
    build_following,
    build_opening,
    register_structures,
)
from deploy.local.demo.pieces import write_pdf, write_ubl
from deploy.local.demo.structures import AMENAGEUR, Marche, Structure
from deploy.local.sign_in import SignIn
from shared.circuit.statuses import Act
from shared.contracts.topics import ACTEUR
from shared.runtime.clock import build_clock
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import StructureKind
from tests.kit.waiting import scale_timeout, wait_until

SILENT = Structure("90000099900012", "Trésorerie discrète", StructureKind.PUBLIQUE)
MARCHE = Marche(AMENAGEUR, SILENT)
STEPS = (
    (Act.SERVICE_FAIT, "SERVICE_FAIT"),
    (Act.MANDATER, "MANDATEE"),
    (Act.METTRE_A_DISPOSITION_COMPTABLE, "MISE_A_DISPOSITION_COMPTABLE"),
    (Act.COMPTABILISER, "COMPTABILISEE"),
)
PARTS = ("services.organisation", "services.deposit", "services.routing", "services.portal")
now = build_clock()


class Desk:
    """The portal, as the parties of the site look at it."""

    def __init__(self, scene: DemoContext, portal: httpx.AsyncClient, kafka: str) -> None:
        self.scene = scene
        self._portal = portal
        self._kafka = kafka

    async def record(self, piece_id: str) -> dict[str, Any]:
        """Give what the tool of a service financier reads of a piece, once it is there."""
        topic = ACTEUR[Role.SERVICE_FINANCIER]
        async with AIOKafkaConsumer(bootstrap_servers=self._kafka) as consumer:
            parts = [TopicPartition(topic.name, part) for part in range(topic.partitions)]
            consumer.assign(parts)
            await consumer.seek_to_beginning(*parts)
            async with asyncio.timeout(scale_timeout(30)):
                async for each in consumer:
                    said: dict[str, Any] = json.loads(each.value)["data"]
                    if said["piece_id"] == piece_id:
                        return said
        raise AssertionError("the consumer ended")

    async def ask(self, role: Role, path: str = "/pieces", **asked: Any) -> dict[str, Any]:  # noqa: ANN401
        headers = self.scene.build_actor(role, MARCHE).headers
        answer = await self._portal.get(path, params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def everything(self, role: Role) -> list[dict[str, Any]]:
        today = now().date()
        period = {
            "deposited_from": str(today - timedelta(days=1)),
            "deposited_to": str(today + timedelta(days=1)),
        }
        questions: list[dict[str, Any]] = [
            {},
            {"status": "MISE_EN_PAIEMENT"},
            {"status": "COMPTABILISEE"},
            {"closed": True},
            {"awaits_me": True},
        ]
        pages = [await self.ask(role, **question) for question in questions]
        board = await self.ask(role, "/dashboard")
        return [*pages, board, await self.ask(role, "/fiscal-list", **period)]

    async def received(self, role: Role) -> dict[str, int]:
        """Give the number of pieces that a role has received, by status."""
        counts = (await self.ask(role, "/dashboard"))["received"]
        return {each["status"]: each["pieces"] for each in counts}

    async def statuses(self, role: Role) -> dict[str, str]:
        """Give the status of each piece, by its cadre."""
        pieces = (await self.ask(role))["pieces"]
        return {piece["cadre"]: piece["status"] for piece in pieces}

    async def until(self, role: Role, cadre: str, status: str) -> None:
        async def is_seen() -> bool:
            return (await self.statuses(role)).get(cadre) == status

        await wait_until(is_seen, f"{role} sees {cadre} {status}", 30)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk() -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        platform = stack.enter_context(Platform(choose().backend, services=PARTS))
        clients = {
            name: await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=scale_timeout(60))
            )
            for name, url in platform.addresses.services.items()
        }
        portal = clients.pop("portal")
        scene = DemoContext(
            Services(notification=portal, **clients), SignIn(platform), now().date()
        )
        await register_structures(scene)
        hiding = {"moa": SILENT.moa, "mise_en_paiement_non_remontee": True}
        payer = scene.build_member(SILENT, Role.SERVICE_FINANCIER)
        await payer.declare(SILENT.build_declaration() | {"parameters": hiding})
        draft = scene.build_draft("A4", MARCHE)
        supplier = scene.build_actor(Role.TITULAIRE, MARCHE)
        await supplier.wait_until_accepted(
            write_ubl(draft), build_opening(draft, MARCHE, write_ubl)
        )
        yield Desk(scene, portal, platform.addresses.kafka)


async def test_a_dossier_is_followed_to_a_payment_that_stays_hidden(desk: Desk) -> None:
    scene = desk.scene
    opened = await scene.open("A4", MARCHE, write_ubl)
    await desk.until(Role.MOE, "A4", "A_ASSOCIER_MOE")
    assert (await desk.ask(Role.MOE, awaits_me=True))["pieces"][0]["number"] == opened["number"]

    final = await scene.follow(await scene.follow(opened, MARCHE), MARCHE)
    payer = scene.build_actor(Role.SERVICE_FINANCIER, MARCHE)
    await desk.until(Role.SERVICE_FINANCIER, "A19", "MISE_A_DISPOSITION")
    assert await desk.received(Role.SERVICE_FINANCIER) == {"MISE_A_DISPOSITION": 1}
    assert await desk.received(Role.MOA) == await desk.received(Role.MOE) == {"ASSOCIEE": 1}
    (to_pay,) = (await desk.everything(Role.SERVICE_FINANCIER))[-1]["received"]
    assert (to_pay["kept"]["pieces"], to_pay["kept"]["due"]) == (1, "12000.00")
    for act, status in STEPS:
        await payer.treat(final["piece_id"], act)
        await desk.until(Role.TITULAIRE, "A19", status)
    before = await desk.everything(Role.TITULAIRE)
    await payer.treat(final["piece_id"], Act.METTRE_EN_PAIEMENT)
    await desk.until(Role.MOA, "A19", "MISE_EN_PAIEMENT")

    assert await desk.everything(Role.TITULAIRE) == before
    assert await desk.statuses(Role.TITULAIRE) == {
        "A4": "ASSOCIEE",
        "A15": "ASSOCIEE",
        "A19": "COMPTABILISEE",
    }
    assert (await desk.ask(Role.MOA, closed=True))["pieces"]
    assert (await desk.ask(Role.SERVICE_FINANCIER, awaits_me=True))["pieces"] == []
    (total,) = (await desk.everything(Role.TITULAIRE))[-1]["totals"]
    assert (total["every"]["pieces"], total["every"]["ht"]) == (1, "10000.00")


async def test_the_payer_of_a_decompte_general_reads_one_sum_wherever_it_looks(
    desk: Desk,
) -> None:
    scene = desk.scene
    opened = await scene.open("A7", MARCHE, write_ubl)
    project = await scene.follow(opened, MARCHE)
    general = await scene.follow(project, MARCHE, ht="10000.00")
    titulaire = scene.build_actor(Role.TITULAIRE, MARCHE)
    await titulaire.wait_for_prefill(general["piece_id"])
    other = scene.build_draft("A8", MARCHE, ht="99000.00")
    same = replace(scene.build_draft("A8", MARCHE, ht="10000.00"), prepaid=Decimal("4000.00"))

    refused = await titulaire.try_deposit(
        write_pdf(other), build_following(other, general["piece_id"])
    )
    signed = await titulaire.deposit(write_pdf(same), build_following(same, general["piece_id"]))
    record = await desk.record(signed["piece_id"])
    payer = scene.build_actor(Role.SERVICE_FINANCIER, MARCHE)
    shown = await scene.services.routing.get("/awaited-pieces", headers=payer.headers)
    await desk.until(Role.SERVICE_FINANCIER, "A8", "MISE_A_DISPOSITION")
    found = (await desk.ask(Role.SERVICE_FINANCIER, number=same.number))["pieces"][0]
    of_deposit = await scene.services.deposit.get(
        f"/pieces/{signed['piece_id']}", headers=payer.headers
    )

    assert refused.status_code == 422
    assert {each["code"] for each in refused.json()["violations"]} == {"CIR-MONTANT-01"}
    assert all("la contester" in each["remedy"] for each in refused.json()["violations"])
    assert "118800.00" in refused.text
    amounts = {"ht": "10000.00", "tva": "2000.00", "ttc": "12000.00", "due": "8000.00"}
    assert record["amounts"] == record["prevailing"]["amounts"] == amounts
    assert record["prevailing"]["is_settled"] is True
    assert record["prevailing"]["currency"] == "EUR"
    assert record.get("differences", []) == []
    assert record["changes"] == [
        {"field": "due", "other": "12000.00", "stated": "8000.00", "difference": "-4000.00"}
    ]
    line = next(
        each for each in shown.json()["pieces"] if each["piece"]["piece_id"] == signed["piece_id"]
    )
    for answer in (line, found, of_deposit.json()):
        assert answer["prevailing"] == {
            "piece_id": signed["piece_id"],
            "amounts": amounts,
            "is_settled": True,
        }
    assert found["differences"] == line["differences"] == []
