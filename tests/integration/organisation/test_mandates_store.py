"""Mandates on a real store: the level that is written, and what a change keeps of a document."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from hashlib import sha256

import pytest

from services.organisation.audit.adapters.mongo import AuditTrail
from services.organisation.audit.application.acts import Act
from services.organisation.mandates.adapters.mongo import MANDATES, MongoMandates
from services.organisation.mandates.application.mandates import (
    Done,
    MandateRegistry,
    Outcome,
    Refused,
    Terms,
)
from services.organisation.mandates.application.ports import MandatePorts
from services.organisation.structures.adapters.mongo import STRUCTURES
from services.organisation.structures.domain.structure import Declaration, Parameters, Structure
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.runtime.store.database import Store
from shared.runtime.store.files import Files
from shared.vocabulary.structures import IdentifierType, MoaParameter, StructureKind
from tests.kit.namespaces import Namespace

VILLE, SPL = "90000000100017", "90000000300013"
ACT = Act("compte-1", VILLE)
PDF = b"%PDF-1.7 mandat"
THIS_YEAR = Terms(date(2026, 1, 1), date(2026, 12, 31))
NEXT_YEAR = Terms(date(2027, 1, 1), date(2027, 12, 31))


class Scan:
    """The file of a mandate."""

    name, size_bytes = "mandat.pdf", len(PDF)

    async def read_head(self, size: int) -> bytes:
        return PDF[:size]

    async def read(self) -> bytes:
        return PDF


async def build_registry(store: Store) -> MandateRegistry:
    """Build the use cases on a store with two public structures."""
    mandates = MongoMandates(store)
    await mandates.prepare()
    rows = store.collection(STRUCTURES.collection)
    for siret in (VILLE, SPL):
        declared = Declaration(
            IdentifierType.SIRET,
            siret,
            "Structure",
            StructureKind.PUBLIQUE,
            parameters=Parameters(moa=MoaParameter.AVEC),
        )
        await rows.insert_one(STRUCTURES.write(Structure(1, declared), store.level))
    clock = build_clock()
    return MandateRegistry(MandatePorts(mandates, Files(store, clock), clock, new_id))


@pytest.fixture
async def newest(namespace: Namespace) -> AsyncIterator[Store]:
    """Open a store that writes the level of mandates."""
    async with namespace.store(level=2) as opened:
        yield opened


def name(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return outcome.violations[0].code
    return type(outcome).__name__


async def test_below_its_level_no_mandate_is_recorded(store: Store) -> None:
    registry = await build_registry(store)

    outcome = await registry.record(ACT, SPL, None, THIS_YEAR, Scan())

    assert name(outcome) == "ORG-MANDAT-15"
    assert await store.collection(MANDATES.collection).count_documents({}) == 0


async def test_the_file_of_a_mandate_is_referred_to(newest: Store) -> None:
    registry = await build_registry(newest)
    await registry.record(ACT, SPL, None, THIS_YEAR, Scan())
    digest = sha256(PDF).hexdigest()

    found = await MongoMandates(newest).find_referenced_files([digest, "0" * 64])

    assert found == {digest}


async def test_of_changes_at_once_that_would_overlap_one_is_taken(newest: Store) -> None:
    registry = await build_registry(newest)
    one = await registry.record(ACT, SPL, None, THIS_YEAR, Scan())
    assert isinstance(one, Done)
    both = Terms(THIS_YEAR.valid_from, NEXT_YEAR.valid_until)

    outcomes = await asyncio.gather(
        registry.change(ACT, one.filed.mandate.id, lambda _: both, lambda _: True),
        registry.record(ACT, SPL, None, NEXT_YEAR, Scan()),
    )

    assert sorted(map(name, outcomes)) == ["Done", "ORG-MANDAT-09"]
    for structure in (VILLE, SPL):
        assert await AuditTrail(newest).verify(structure) is None


async def test_of_two_who_close_a_mandate_at_once_the_second_changes_nothing(
    newest: Store,
) -> None:
    registry = await build_registry(newest)
    one = await registry.record(ACT, SPL, None, THIS_YEAR, Scan())
    assert isinstance(one, Done)
    mandate = one.filed.mandate.id

    outcomes = await asyncio.gather(
        registry.close(ACT, mandate, lambda _: True),
        registry.close(Act("compte-2", SPL), mandate, lambda _: True),
    )

    assert {each.filed.mandate.version for each in outcomes if isinstance(each, Done)} == {2}
    acts = [each.entry.act for each in await AuditTrail(newest).list(VILLE, 0, 10)]
    assert acts == ["mandat.donne", "mandat.clos"]


async def test_a_change_keeps_what_a_newer_version_has_added(newest: Store) -> None:
    registry = await build_registry(newest)
    one = await registry.record(ACT, SPL, None, THIS_YEAR, Scan())
    assert isinstance(one, Done)
    rows, key = newest.collection(MANDATES.collection), {"_id": one.filed.mandate.id}
    await rows.update_one(key, {"$set": {"newer": "kept", "file.newer": "kept"}})

    await registry.close(ACT, one.filed.mandate.id, lambda _: True)

    document = await rows.find_one(key)
    assert document is not None
    assert (document["newer"], document["file"]["newer"], document["version"]) == (
        "kept",
        "kept",
        2,
    )
