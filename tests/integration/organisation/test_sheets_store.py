"""Sheets on a real store: two replicas at once, and what the version before does not know."""

import asyncio
from datetime import date

import pytest

from services.organisation.audit.adapters.mongo import AuditTrail
from services.organisation.audit.application.acts import Act
from services.organisation.sheets.adapters.mongo import MongoSheets
from services.organisation.sheets.application.sheets import (
    Done,
    Outcome,
    Refused,
    SheetRegistry,
)
from services.organisation.sheets.domain.sheets import Content, Lot
from services.organisation.structures.adapters.mongo import STRUCTURES
from services.organisation.structures.domain.structure import Declaration, Parameters, Structure
from shared.circuit.sheets import SheetActor, SheetField, SheetRole
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import SheetChanged
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.runtime.store.database import Store
from shared.vocabulary.structures import IdentifierType, MoaParameter, StructureKind
from tests.kit.namespaces import Namespace

MOA, MOE = "90000000300013", "90000000200015"
MINE = Act("compte-maud", MOA)
SHEET = Content(
    number="2026-T-017",
    title="Rénovation du groupe scolaire Jean-Macé",
    actors=(
        SheetActor(
            role=SheetRole.MOE,
            structure=MOE,
            lot="1",
            valid_from=date(2026, 1, 1),
            valid_until=date(2027, 12, 31),
        ),
    ),
    lots=(Lot("1", "Gros œuvre"),),
    delays={"etat_acompte": 10},
    required=(SheetField.ENGAGEMENT,),
)


async def declare(store: Store, structure: str, kind: StructureKind, moa: MoaParameter) -> None:
    declared = Declaration(
        IdentifierType.SIRET, structure, "Structure", kind, parameters=Parameters(moa)
    )
    document = STRUCTURES.write(Structure(1, declared), store.level)
    await store.collection("structures").replace_one({"_id": structure}, document, upsert=True)


@pytest.fixture
async def sheets(store: Store) -> MongoSheets:
    await declare(store, MOA, StructureKind.PUBLIQUE, MoaParameter.AVEC)
    await declare(store, MOE, StructureKind.PRIVEE, MoaParameter.SANS)
    sheets = MongoSheets(store)
    await sheets.prepare()
    return sheets


def build_registry(store: Store) -> SheetRegistry:
    return SheetRegistry(MongoSheets(store), build_clock(), new_id)


async def list_events(store: Store) -> list[SheetChanged]:
    rows = [row async for row in store.collection("outbox").find().sort("_id", 1)]
    values = [message["value"] for row in rows for message in row["messages"]]
    return [Event[SheetChanged].model_validate_json(each).data for each in values]


def get_codes(outcomes: list[Outcome]) -> list[str]:
    refused = [each for each in outcomes if isinstance(each, Refused)]
    return [each.violations[0].code for each in refused]


async def test_two_replicas_give_one_number_to_one_sheet(
    store: Store, sheets: MongoSheets, namespace: Namespace
) -> None:
    async with namespace.store() as other:
        replicas = [build_registry(store), build_registry(other)] * 4
        outcomes = await asyncio.gather(*(each.create(MINE, SHEET) for each in replicas))

    (done,) = [each for each in outcomes if isinstance(each, Done)]
    assert get_codes(outcomes) == ["ORG-FICHE-03"] * 7
    assert [each.id for each in await sheets.list_of(MOA, None, "", 10)] == [done.sheet.id]
    assert [each.version for each in await list_events(store)] == [1]
    assert await AuditTrail(store).verify(MOA) is None


async def test_two_replacements_of_one_version_are_not_both_done(
    store: Store, sheets: MongoSheets, namespace: Namespace
) -> None:
    created = await build_registry(store).create(MINE, SHEET)
    assert isinstance(created, Done)
    async with namespace.store() as other:
        outcomes = await asyncio.gather(
            *(
                build_registry(each).replace(
                    MINE,
                    created.sheet.id,
                    Content(SHEET.number, title),
                    lambda version: version == 1,
                )
                for each, title in ((store, "Un"), (other, "Deux"))
            )
        )

    (done,) = [each for each in outcomes if isinstance(each, Done)]
    assert get_codes(outcomes) == ["ORG-FICHE-05"]
    versions = await sheets.list_versions(created.sheet.id, 0, 10)
    assert [(each.version, each.title) for each in versions] == [
        (1, SHEET.title),
        (2, done.sheet.content.title),
    ]


async def test_a_field_that_a_newer_version_added_is_kept(
    store: Store, sheets: MongoSheets
) -> None:
    created = await build_registry(store).create(MINE, SHEET)
    assert isinstance(created, Done)
    rows = store.collection("sheets")
    await rows.update_one({"_id": created.sheet.id}, {"$set": {"content.later": 7}})
    await build_registry(store).replace(
        MINE, created.sheet.id, Content(SHEET.number, "Autre"), lambda _: True
    )

    row = await rows.find_one({"_id": created.sheet.id})
    assert row is not None
    assert (row["title"], row["content"]["later"]) == ("Autre", 7)
    assert await sheets.find_version(created.sheet.id, 1) == created.sheet
